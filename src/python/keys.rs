//! Metric numbers by the address of the key's string object: most loops log the same string objects again and again.

#![expect(unsafe_code, reason = "counts references to Python strings without a Python token")]

use pyo3::ffi;

use crate::value::MetricId;

const SLOTS: usize = 1024;

/// A table from key objects to metric numbers. It owns a reference to each key in it, so an address stands for one
/// string as long as it is in the table. Guarded by the writer's lock; used only by threads attached to Python.
#[derive(Debug)]
pub(super) struct KeyCache {
    slots: Box<[Slot; SLOTS]>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    key: *mut ffi::PyObject,
    id: MetricId,
}

const EMPTY: Slot = Slot { key: std::ptr::null_mut(), id: MetricId(0) };

// SAFETY: the pointers are only used by threads that are attached to Python and hold the writer's lock (`insert` and
// `clear` demand it); the writer thread only ever drops the table, which touches no Python object.
unsafe impl Send for KeyCache {}

impl Default for KeyCache {
    fn default() -> Self {
        Self { slots: Box::new([EMPTY; SLOTS]) }
    }
}

impl KeyCache {
    /// The number of a key in the first of its two slots, where nearly all are.
    #[inline]
    pub(super) fn get(&self, key: *mut ffi::PyObject) -> Option<MetricId> {
        let slot = &self.slots[index(key)];
        (slot.key == key).then_some(slot.id)
    }

    /// The number of a key in the second of its slots.
    pub(super) fn get_beside(&self, key: *mut ffi::PyObject) -> Option<MetricId> {
        let slot = &self.slots[index(key) ^ 1];
        (slot.key == key).then_some(slot.id)
    }

    /// Remembers a key, in place of another where three share two slots. A key that only its dict holds was made for this
    /// call (an f-string) and would never be met again: it is left out.
    ///
    /// # Safety
    /// The calling thread is attached to Python and `key` is a live object.
    pub(super) unsafe fn insert(&mut self, key: *mut ffi::PyObject, id: MetricId) {
        // SAFETY: attached, and the key is live (the caller's promise).
        unsafe {
            if ffi::Py_REFCNT(key) < 2 {
                return;
            }
            let at = index(key);
            let at = if self.slots[at].key.is_null() { at } else { at ^ 1 };
            let slot = &mut self.slots[at];
            ffi::Py_INCREF(key);
            ffi::Py_XDECREF(std::mem::replace(slot, Slot { key, id }).key);
        }
    }

    /// Forgets all keys. A table that is dropped without this leaks them, which harms nobody.
    ///
    /// # Safety
    /// The calling thread is attached to Python.
    pub(super) unsafe fn clear(&mut self) {
        for slot in self.slots.iter_mut() {
            // SAFETY: attached (the caller's promise); the table owned the reference.
            unsafe { ffi::Py_XDECREF(std::mem::replace(slot, EMPTY).key) };
        }
    }
}

/// Spreads addresses that lie at regular distances, as those of strings made one after the other do.
#[inline]
fn index(key: *mut ffi::PyObject) -> usize {
    /// The golden ratio, as a fraction of all addresses.
    const GOLDEN: usize = (usize::MAX / 1000 * 618) | 1;
    key.addr().wrapping_mul(GOLDEN) >> (usize::BITS - SLOTS.ilog2())
}
