//! Scalars in the memory of CUDA devices, read without waiting for a device.
//!
//! A kernel of one warp, put on the stream of whoever computes them, copies up to 16 scalars to memory of the host that the device
//! writes to, and then sets a mark. So the values are those of that point of the stream, whatever comes behind it; and whether they
//! are there is told by the mark, without a call of the driver. That takes 2 us of a call and of the device, where a copy by
//! the driver and an event take 6 (`docs/decisions/0014-device-values.md`).

#![expect(unsafe_code, reason = "reads memory that devices write to")]

mod driver;

use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;

use self::driver::{Context, Driver, Function};
use crate::error::Result;
use crate::value::Scalar;

/// How many scalars one kernel copies.
pub const MAX_SCALARS: usize = 16;
/// How many records are allocated at a time.
const BLOCK_RECORDS: usize = 256;
/// One for each scalar; a warp is started in any case.
const THREADS: u32 = 32;
const PROGRAM: &str = concat!(include_str!("keep.ptx"), "\0");

/// The type of a scalar; by the names that frameworks share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 8 bits, not 0 or 0.
    Bool,
    /// Integers, signed.
    I8,
    /// Of 16 bits.
    I16,
    /// Of 32 bits.
    I32,
    /// Of 64 bits.
    I64,
    /// Without a sign, of 8 bits.
    U8,
    /// Numbers of 16 bits, of which 8 are the exponent.
    BF16,
    /// Of 16 bits, of which 5 are the exponent.
    F16,
    /// Of 32 bits.
    F32,
    /// Of 64 bits.
    F64,
}

impl Kind {
    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "bool" => Self::Bool,
            "int8" => Self::I8,
            "int16" => Self::I16,
            "int32" => Self::I32,
            "int64" => Self::I64,
            "uint8" => Self::U8,
            "bfloat16" => Self::BF16,
            "float16" => Self::F16,
            "float32" => Self::F32,
            "float64" => Self::F64,
            _ => return None,
        })
    }

    fn bytes(self) -> u64 {
        match self {
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::BF16 | Self::F16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }

    /// The scalar whose bits are the lowest of these.
    #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "takes the bits of the kind")]
    fn scalar(self, bits: u64) -> Scalar {
        Scalar::Number(match self {
            Self::Bool => f64::from(u8::from(bits as u8 != 0)),
            Self::I8 => f64::from(bits as u8 as i8),
            Self::I16 => f64::from(bits as u16 as i16),
            Self::I32 => f64::from(bits as u32 as i32),
            Self::I64 => return Scalar::int(bits as i64),
            Self::U8 => f64::from(bits as u8),
            Self::BF16 => half::bf16::from_bits(bits as u16).to_f64(),
            Self::F16 => half::f16::from_bits(bits as u16).to_f64(),
            Self::F32 => f64::from(f32::from_bits(bits as u32)),
            Self::F64 => f64::from_bits(bits),
        })
    }
}

/// A scalar in a device's memory.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// Where, for the device.
    pub address: u64,
    /// What.
    pub kind: Kind,
}

/// Where work is put: a device, by its ordinal, and a stream, by its handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    /// The device.
    pub device: c_int,
    /// The stream; 0 is the default one.
    pub handle: usize,
}

/// Scalars that are on their way to the host.
#[derive(Debug)]
pub struct Copied {
    device: Arc<Device>,
    place: Place,
    kinds: Vec<Kind>,
    is_read: bool,
}

/// What the kernel writes; see `keep.ptx`.
#[repr(C, align(64))]
struct Record {
    values: [u64; MAX_SCALARS],
    /// 1 once the values are there.
    mark: AtomicU32,
}

/// What the kernel reads: the addresses and the bytes of scalars.
#[repr(C)]
struct Sources([[u64; 2]; MAX_SCALARS]);

/// A record, and its address for the device. Whoever holds it is the only one who looks at it.
#[derive(Debug, Clone, Copy)]
struct Place {
    record: *mut Record,
    address: u64,
}

// SAFETY: the record is memory that lives as long as the process, and only the holder looks at it.
unsafe impl Send for Place {}
// SAFETY: a shared place is only read, behind the mark.
unsafe impl Sync for Place {}

/// A device that copies.
#[derive(Debug)]
struct Device {
    context: Context,
    kernel: Function,
    free: Mutex<Vec<Place>>,
}

// SAFETY: handles of the driver, which any thread may use.
unsafe impl Send for Device {}
// SAFETY: as above.
unsafe impl Sync for Device {}

/// Whether what is given to a stream is captured into a graph instead of done.
///
/// # Errors
/// [`Error::Cuda`] where there is no such device.
pub fn is_capturing(stream: Stream) -> Result<bool> {
    let driver = Driver::get()?;
    let device = Device::get(driver, stream.device)?;
    driver.within(device.context, || driver.is_capturing(stream.handle))
}

/// Has up to [`MAX_SCALARS`] scalars copied, in the stream's turn.
///
/// # Errors
/// [`Error::Cuda`] where there is no such device, or what befell it.
pub fn copy(stream: Stream, sources: &[Source]) -> Result<Copied> {
    let sources = &sources[..sources.len().min(MAX_SCALARS)];
    let driver = Driver::get()?;
    let device = Device::get(driver, stream.device)?;
    driver.within(device.context, || {
        let place = device.place(driver)?;
        let mut address = place.address;
        let mut table = Sources([[0; 2]; MAX_SCALARS]);
        let mut count = 0_u32;
        for (row, source) in table.0.iter_mut().zip(sources) {
            *row = [source.address, source.kind.bytes()];
            count += 1;
        }
        let mut parameters: [*mut c_void; 3] =
            [(&raw mut address).cast(), (&raw mut count).cast(), (&raw mut table).cast()];
        // SAFETY: the parameters are those of the kernel, and the driver copies them. The record stays as long as the process; a
        // scalar's memory is given to nobody else before the stream has got here, as frameworks promise for their own work.
        unsafe { driver.launch(device.kernel, THREADS, stream.handle, &mut parameters) }?;
        let kinds = sources.iter().map(|source| source.kind).collect();
        Ok(Copied { device: device.clone(), place, kinds, is_read: false })
    })
}

impl Copied {
    /// Whether they have come.
    #[must_use]
    pub fn is_there(&self) -> bool {
        // SAFETY: the record lives as long as the process.
        unsafe { &*self.place.record }.mark.load(Ordering::Acquire) != 0
    }

    /// The scalars in the order of their sources; `None` where they have not come.
    pub fn scalars(&mut self) -> Option<Vec<Scalar>> {
        self.is_read |= self.is_there();
        let scalar = |(i, kind): (usize, &Kind)| {
            // SAFETY: the record lives as long as the process, and the device wrote it before the mark.
            let bits = unsafe { (&raw const (*self.place.record).values[i]).read_volatile() };
            kind.scalar(bits)
        };
        self.is_read.then(|| self.kinds.iter().enumerate().map(scalar).collect())
    }

    /// Whether they may still come.
    ///
    /// # Errors
    /// [`Error::Cuda`] with what befell the device.
    pub fn check(&self) -> Result<()> {
        let driver = Driver::get()?;
        driver.within(self.device.context, || driver.is_working())
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        // A record that was not read is given to nobody else: the device may write it yet. It is not looked at here, as in a
        // forked child there is no such memory.
        if self.is_read {
            self.device.free.lock().push(self.place);
        }
    }
}

impl Device {
    fn get(driver: &Driver, ordinal: c_int) -> Result<Arc<Self>> {
        static DEVICES: Mutex<Option<HashMap<c_int, Arc<Device>>>> = Mutex::new(None);
        let mut devices = DEVICES.lock();
        let devices = devices.get_or_insert_default();
        if let Some(device) = devices.get(&ordinal) {
            return Ok(device.clone());
        }
        let context = driver.context(ordinal)?;
        let kernel = driver.within(context, || driver.kernel(PROGRAM, c"keep"))?;
        let device = Arc::new(Self { context, kernel, free: Mutex::default() });
        devices.insert(ordinal, device.clone());
        Ok(device)
    }

    /// A record that is free, with no mark. In the device's context.
    fn place(&self, driver: &Driver) -> Result<Place> {
        let mut free = self.free.lock();
        if free.is_empty() {
            let (host, address) = driver.mapped_memory(BLOCK_RECORDS * size_of::<Record>())?;
            free.extend((0..BLOCK_RECORDS).map(|i| Place {
                record: host.cast::<Record>().wrapping_add(i),
                address: address + (i * size_of::<Record>()) as u64,
            }));
        }
        let place = free.swap_remove(0);
        // SAFETY: the record lives as long as the process, and nobody else has it. All bits are good values of its fields.
        unsafe { ptr::write_bytes(place.record, 0, 1) };
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_of_each_kind_are_read_from_their_lowest_bits() {
        // What lies above them in the record is another value's, or was never set.
        let above = |bytes: u64| if bytes == 8 { 0 } else { u64::MAX << (8 * bytes) };
        let kinds = [
            ("bool", 2, 1.0),
            ("bool", 0, 0.0),
            ("int8", 0xFF, -1.0),
            ("int16", 0x8000, -32768.0),
            ("int32", 0xFFFF_FFFE, -2.0),
            ("int64", u64::MAX, -1.0),
            ("uint8", 0xFF, 255.0),
            ("bfloat16", 0x3FC0, 1.5),
            ("float16", 0x3E00, 1.5),
            ("float32", u64::from(0.1_f32.to_bits()), f64::from(0.1_f32)),
            ("float64", 0.1_f64.to_bits(), 0.1),
        ];
        for (name, bits, expected) in kinds {
            let kind = Kind::named(name).unwrap();
            assert_eq!(kind.scalar(bits | above(kind.bytes())), Scalar::Number(expected), "{name}");
        }
        assert_eq!(Kind::named("complex64"), None);
    }

    #[test]
    fn a_tensors_integer_past_2_to_the_53_keeps_its_digits() {
        assert_eq!(Kind::I64.scalar((1 << 53) + 1).text(), Some("9007199254740993"));
    }
}
