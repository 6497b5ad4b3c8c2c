//! Values that a device is still computing: `log` keeps them, in order, and they are recorded once they are there, with the step
//! and the time of their call. `runlake/deferred.py` tells of a framework's objects where their values are.
//!
//! The values of one metric are recorded in the order of their calls: a number that is at hand waits for earlier ones of its
//! metric. Numbers of other metrics do not wait.

use std::collections::{HashMap, VecDeque};
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyTuple, PyType};

use super::keys::KeyCache;
use super::scalars::scalar;
use crate::cuda::{self, Copied, Kind, Source, Stream};
use crate::error::{Error, Result};
use crate::value::Scalar;
use crate::writer::Writer;

/// How many calls may wait. One more waits for the oldest: a device is never so far behind.
const MAX_CALLS: usize = 4096;
/// Of how many types it is remembered whether their objects are at hand.
const MAX_TYPES: usize = 1024;
/// How long a caller waits before it asks whether the device still works.
const CHECK_AFTER: Duration = Duration::from_secs(1);
/// How often a caller that waits asks.
const ASK_AGAIN: Duration = Duration::from_micros(200);

/// A value that is recorded later than its call.
#[derive(Debug)]
pub(super) enum Late {
    /// It is at hand, and waits for earlier ones of its metric.
    AtHand(Scalar),
    /// An array that tells when it is there (`is_ready`) and what it is (`item`).
    Array(Py<PyAny>),
    /// A tensor on a CUDA device, not copied yet.
    Tensor(Py<PyAny>, Stream, Source),
    /// The scalar at this place of one of the call's copies.
    Copied(usize, usize),
}

/// What a call of `log` records later.
#[derive(Debug, Default)]
pub(super) struct LateValues {
    /// By metric.
    pub values: Vec<(String, Late)>,
    copies: Vec<Copied>,
}

/// A call of `log` that waits.
#[derive(Debug)]
struct Call {
    step: i64,
    time: i64,
    late: LateValues,
}

/// The calls of a run that wait for values.
#[derive(Debug, Default)]
pub(super) struct Deferred {
    waiting: Mutex<Waiting>,
    reader: Reader,
}

#[derive(Debug, Default)]
struct Waiting {
    calls: VecDeque<Call>,
    /// How many values of each metric wait.
    metrics: HashMap<String, usize>,
    /// The writer's, at the first of these calls.
    generation: u32,
    is_watched: bool,
}

impl Deferred {
    /// Whether a call waits.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.lock().metrics.is_empty()
    }

    /// Has those of some values wait, along with what is late, whose metrics wait already.
    pub(super) fn hold_back(&self, values: &mut Vec<(String, Scalar)>, late: &mut LateValues) {
        let waiting = self.waiting.lock();
        if !waiting.metrics.is_empty() {
            let (held, now): (Vec<_>, Vec<_>) =
                std::mem::take(values).into_iter().partition(|(name, _)| waiting.metrics.contains_key(name));
            *values = now;
            late.values.extend(held.into_iter().map(|(name, value)| (name, Late::AtHand(value))));
        }
    }

    /// Takes what a call has late. A forked child takes over nothing of its parent's.
    pub(super) fn push(
        &self,
        run: &Bound<'_, PyAny>,
        writer: &Writer<KeyCache>,
        (step, time): (i64, i64),
        late: LateValues,
    ) -> PyResult<()> {
        let py = run.py();
        self.forget_the_parents(writer);
        while self.waiting.lock().calls.len() >= MAX_CALLS && self.read(py, writer) {
            py.detach(|| std::thread::sleep(ASK_AGAIN));
        }
        let is_watched = {
            let mut waiting = self.waiting.lock();
            waiting.generation = writer.generation();
            for (name, _) in &late.values {
                *waiting.metrics.entry(name.clone()).or_default() += 1;
            }
            waiting.calls.push_back(Call { step, time, late });
            std::mem::replace(&mut waiting.is_watched, true)
        };
        if !is_watched {
            module(py)?.call_method1(intern!(py, "watch"), (run,))?;
        }
        Ok(())
    }

    /// Records the values that are there, in order. Returns whether any is not.
    pub(super) fn read(&self, py: Python<'_>, writer: &Writer<KeyCache>) -> bool {
        self.forget_the_parents(writer);
        // Whoever reads already reads these, too.
        let Some(_turn) = self.reader.turn(writer.generation()) else { return self.is_waiting() };
        loop {
            let Some(mut call) = self.waiting.lock().calls.pop_front() else { return false };
            match call.late.read(py) {
                Ok(None) => {
                    self.waiting.lock().calls.push_front(call);
                    return true;
                }
                Ok(Some(values)) => {
                    let mut locked = writer.lock();
                    if !locked.finished {
                        locked.appender.log_values(call.step, call.time, &values);
                    }
                }
                Err(cause) => writer.report(&call.unread(cause.to_string())),
            }
            self.waiting.lock().drop_metrics(&call);
        }
    }

    /// Records all values, and waits for them for as long as `limit`, or without one. Returns whether none is left.
    ///
    /// # Errors
    /// An interrupt, which ends the waiting.
    pub(super) fn read_all(
        &self,
        py: Python<'_>,
        writer: &Writer<KeyCache>,
        limit: Option<Duration>,
    ) -> PyResult<bool> {
        let began = Instant::now();
        while self.read(py, writer) {
            py.check_signals()?;
            if began.elapsed() > CHECK_AFTER
                && let Err(error) = self.check()
            {
                self.give_up(writer, &error.to_string());
                return Ok(true);
            }
            if limit.is_some_and(|limit| began.elapsed() >= limit) {
                return Ok(false);
            }
            py.detach(|| std::thread::sleep(ASK_AGAIN));
        }
        Ok(true)
    }

    /// Whether what waits first may still come.
    fn check(&self) -> Result<()> {
        self.waiting.lock().calls.front().map_or(Ok(()), |call| call.late.check())
    }

    /// What waits first, as the error that it is not there.
    pub(super) fn missing(&self, cause: &str) -> Option<Error> {
        self.waiting.lock().calls.front().map(|call| call.unread(cause.to_owned()))
    }

    /// Gives up what waits, and reports it.
    pub(super) fn give_up(&self, writer: &Writer<KeyCache>, cause: &str) {
        let given_up = std::mem::take(&mut *self.waiting.lock());
        for call in given_up.calls {
            writer.report(&call.unread(cause.to_owned()));
        }
    }

    /// In a forked child: what waits is its parent's, whose devices the child cannot ask.
    fn forget_the_parents(&self, writer: &Writer<KeyCache>) {
        let mut waiting = self.waiting.lock();
        if !waiting.metrics.is_empty() && waiting.generation != writer.generation() {
            // Not dropped: the arrays in it would ask their devices.
            let _parents = ManuallyDrop::new(std::mem::take(&mut *waiting));
        }
    }
}

/// Sees that one thread reads at a time. It is no lock: a forked child would find it locked by a thread that it has not got.
#[derive(Debug, Default)]
struct Reader(AtomicU32);

/// Held by the thread that reads.
struct Turn<'r>(&'r Reader);

impl Reader {
    /// The turn to read; `None` while another thread of this fork generation has it.
    fn turn(&self, generation: u32) -> Option<Turn<'_>> {
        let mine = generation.wrapping_add(1);
        let held = self.0.load(Ordering::Relaxed);
        let is_free = held != mine;
        (is_free && self.0.compare_exchange(held, mine, Ordering::Acquire, Ordering::Relaxed).is_ok())
            .then(|| Turn(self))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.0.store(0, Ordering::Release);
    }
}

impl Waiting {
    fn drop_metrics(&mut self, call: &Call) {
        for (name, _) in &call.late.values {
            if let Some(count) = self.metrics.get_mut(name) {
                *count -= 1;
                if *count == 0 {
                    self.metrics.remove(name);
                }
            }
        }
    }
}

impl Late {
    /// Where a tensor is that is not copied yet.
    fn source(&self) -> Option<(Stream, Source)> {
        if let Self::Tensor(_, stream, source) = self { Some((*stream, *source)) } else { None }
    }
}

impl LateValues {
    /// All of them; `None` where they are not there yet.
    fn read(&mut self, py: Python<'_>) -> PyResult<Option<Vec<(String, Scalar)>>> {
        let Some(copies) = self.copies.iter_mut().map(Copied::scalars).collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        for (_, value) in &self.values {
            if let Late::Array(array) = value
                && !array.bind(py).call_method0(intern!(py, "is_ready"))?.is_truthy()?
            {
                return Ok(None);
            }
        }
        let mut values = Vec::with_capacity(self.values.len());
        for (name, value) in &self.values {
            let value = match value {
                Late::AtHand(value) => value.clone(),
                Late::Array(object) | Late::Tensor(object, ..) => item_of(name, object.bind(py))?,
                Late::Copied(copy, place) => copies[*copy][*place].clone(),
            };
            values.push((name.clone(), value));
        }
        Ok(Some(values))
    }

    /// Whether its values may still come.
    fn check(&self) -> Result<()> {
        self.copies.iter().try_for_each(Copied::check)
    }

    /// Has the tensors copied, those of one stream together. Where that cannot be, they are waited for.
    ///
    /// # Errors
    /// What the framework raises then.
    pub(super) fn copy(&mut self, py: Python<'_>) -> PyResult<()> {
        while let Some(stream) = self.values.iter().find_map(|(_, late)| late.source()).map(|(stream, _)| stream) {
            let is_of_stream = |late: &Late| late.source().is_some_and(|(other, _)| other == stream);
            let mut tensors: Vec<_> = self.values.iter_mut().filter(|(_, late)| is_of_stream(late)).collect();
            tensors.truncate(cuda::MAX_SCALARS);
            let sources: Vec<Source> =
                tensors.iter().filter_map(|(_, late)| late.source()).map(|(_, source)| source).collect();
            match cuda::copy(stream, &sources) {
                Ok(copied) => {
                    for (place, (_, late)) in tensors.into_iter().enumerate() {
                        *late = Late::Copied(self.copies.len(), place);
                    }
                    self.copies.push(copied);
                }
                Err(_) => {
                    for (name, late) in tensors {
                        if let Late::Tensor(tensor, ..) = late {
                            *late = Late::AtHand(item_of(name, tensor.bind(py))?);
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

impl Call {
    fn unread(&self, cause: String) -> Error {
        let metrics: Vec<&str> = self.late.values.iter().map(|(name, _)| name.as_str()).collect();
        Error::Unread { metrics: metrics.join(", "), step: self.step, cause }
    }
}

/// A value that is not at hand, or what is to be logged at once in its place: mostly the value itself.
#[derive(Debug)]
pub(super) enum Met<'py> {
    Late(Late),
    AtHand(Bound<'py, PyAny>),
    /// Why it cannot be had.
    Unread(String),
}

/// What a value is.
///
/// # Errors
/// What the framework raises; `RuntimeError` while a CUDA graph is being captured.
pub(super) fn meet<'py>(value: &Bound<'py, PyAny>) -> PyResult<Met<'py>> {
    let py = value.py();
    let Some(keeper) = keeper(&value.get_type())? else { return Ok(Met::AtHand(value.clone())) };
    let found = keeper.bind(py).call1((value,))?;
    if found.is_none() {
        return Ok(Met::Late(Late::Array(value.clone().unbind())));
    }
    if let Ok(cause) = found.cast::<PyString>() {
        return Ok(Met::Unread(cause.to_str()?.to_owned()));
    }
    let Ok(place) = found.cast::<PyTuple>() else { return Ok(Met::AtHand(found)) };
    let (address, kind, device, handle): (u64, Bound<'_, PyString>, i32, usize) = place.extract()?;
    let Some(kind) = Kind::named(kind.to_str()?) else { return item_at_hand(value) };
    let stream = Stream { device, handle };
    match cuda::is_capturing(stream) {
        Ok(false) => Ok(Met::Late(Late::Tensor(value.clone().unbind(), stream, Source { address, kind }))),
        Ok(true) => Err(PyRuntimeError::new_err(
            "a CUDA graph is being captured, so this has no value yet; log it after the graph was replayed",
        )),
        // Without a driver that does as asked, the framework waits for the device.
        Err(_) => item_at_hand(value),
    }
}

fn item_at_hand<'py>(value: &Bound<'py, PyAny>) -> PyResult<Met<'py>> {
    value.call_method0(intern!(value.py(), "item")).map(Met::AtHand)
}

fn item_of(name: &str, object: &Bound<'_, PyAny>) -> PyResult<Scalar> {
    scalar(name, &object.call_method0(intern!(object.py(), "item"))?)
}

/// What keeps objects of a type; `None` for a type whose objects are at hand.
fn keeper(kind: &Bound<'_, PyType>) -> PyResult<Option<Py<PyAny>>> {
    static KEEPERS: Mutex<Option<Keepers>> = Mutex::new(None);
    let py = kind.py();
    let address = kind.as_ptr().addr();
    let known =
        |keepers: &Keepers| keepers.get(&address).map(|(_, keeper)| keeper.as_ref().map(|keeper| keeper.clone_ref(py)));
    if let Some(keeper) = KEEPERS.lock().as_ref().and_then(known) {
        return Ok(keeper);
    }
    // Not under the lock, as it runs Python.
    let keeper: Option<Py<PyAny>> = module(py)?.call_method1(intern!(py, "keeper"), (kind,))?.extract()?;
    let mine = keeper.as_ref().map(|keeper| keeper.clone_ref(py));
    let mut keepers = KEEPERS.lock();
    let keepers = keepers.get_or_insert_default();
    if keepers.len() < MAX_TYPES {
        keepers.insert(address, (kind.clone().unbind(), mine));
    }
    Ok(keeper)
}

/// What keeps objects of a type, by the type's address. The type is held, so that the address stands for it.
type Keepers = HashMap<usize, (Py<PyType>, Option<Py<PyAny>>)>;

fn module(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    MODULE.get_or_try_init(py, || py.import("runlake.deferred").map(Bound::unbind)).map(|module| module.bind(py))
}
