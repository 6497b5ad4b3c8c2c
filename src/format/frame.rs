//! Frames: how one event lies in a journal page. Bytes to values and back, nothing else.
//!
//! | offset | bytes | field |
//! |--:|--:|---|
//! | 0 | 4 | length of the frame with this header, a multiple of 8; 0 where no frame follows. Stored last |
//! | 4 | 4 | CRC-32C of bytes 8 to the end, seeded by the page number |
//! | 8 | 1 | kind |
//! | 9 | 3 | 0 |
//! | 12 | 4 | count, by kind |
//! | 16 | 8 | sequence number of the first row, counted per table; 0 for names |
//! | 24 | | body, by kind, padded with zeros to a multiple of 8 |
//!
//! | kind | count | body |
//! |---|---|---|
//! | 1 name | metric number | UTF-8 length (4), 0 (4), UTF-8 |
//! | 2 scalars | scalars n | time (8), step (8), n metric numbers (4 each, padded to 8), n `f64` (8 each) |
//! | 3 exact scalar | metric number | time (8), step (8), `f64` (8), has a number (1), 0 (3), text length (4), UTF-8 |
//! | 4 attribute | type code | time (8), `f64` (8), has a number (1), has a text (1), 0 (2), path length (4), text length (4), 0 (4), UTF-8 of both |
//!
//! A name frame precedes the first use of its metric number in each page, so a page is read without any other.
//! A reader stops at the first frame that is not whole: nothing behind it can be trusted. Frames of an unknown kind with
//! a right checksum are passed over.

use super::page::{u32_at, u64_at};
use crate::value::{Attribute, AttributeType, MetricId, Scalar};

/// Bytes in front of a frame's body.
pub const HEADER_BYTES: usize = 24;
/// The most scalars in one frame; more take several frames.
pub const MAX_SCALARS: usize = 4096;
/// The greatest sequence number of a frame: those of all its rows fit the column, of 64 bits with a sign.
pub const MAX_SEQ: u64 = (1 << 63) - 1 - MAX_SCALARS as u64;

const NAME: u8 = 1;
const SCALARS: u8 = 2;
const EXACT: u8 = 3;
const ATTRIBUTE: u8 = 4;

/// What a scalar takes in a frame at least: its metric number and its value.
pub const SCALAR_BYTES: usize = 12;

const COUNT_OFFSET: usize = 12;
const SEQ_OFFSET: usize = 16;

/// A frame as read.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame<'a> {
    /// A metric's number and name.
    Name {
        /// The number.
        id: MetricId,
        /// The name.
        name: &'a str,
    },
    /// Numbers of one event.
    Scalars {
        /// The first scalar's sequence number.
        seq: u64,
        /// Microseconds since 1970 UTC.
        time: i64,
        /// The caller's step.
        step: i64,
        /// The numbers.
        values: Scalars<'a>,
    },
    /// One value that is not just an `f64`.
    Exact {
        /// Its sequence number.
        seq: u64,
        /// Microseconds since 1970 UTC.
        time: i64,
        /// The caller's step.
        step: i64,
        /// The metric.
        id: MetricId,
        /// The value.
        value: Scalar,
    },
    /// A changed attribute.
    Attribute {
        /// Its sequence number.
        seq: u64,
        /// Microseconds since 1970 UTC.
        time: i64,
        /// The path.
        path: &'a str,
        /// The new value.
        value: Attribute,
    },
    /// A kind of a later version.
    Unknown,
}

/// Metric numbers and values of a scalars frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scalars<'a> {
    ids: &'a [u8],
    values: &'a [u8],
}

impl<'a> Scalars<'a> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len() / 8
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Number and value of each, in the order logged.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (MetricId, f64)> + use<'a> {
        let ids = self.ids.chunks_exact(4).map(|id| MetricId(u32_at(id, 0)));
        let values = self.values.chunks_exact(8).map(|value| f64::from_bits(u64_at(value, 0)));
        ids.zip(values)
    }
}

/// Why the frame at some offset cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length runs past the page or is not one of a frame.
    #[error("a frame's length is impossible")]
    Length,
    /// The bytes are not those that were written.
    #[error("a frame's checksum is wrong")]
    Checksum,
    /// The checksum is right and the body is not: a faulty writer.
    #[error("a frame's body is malformed")]
    Body,
}

/// Rounded up to the alignment of frames.
const fn padded(bytes: usize) -> usize {
    (bytes + 7) & !7
}

/// The length of a scalars frame.
#[must_use]
#[inline]
pub const fn scalars_bytes(count: usize) -> usize {
    HEADER_BYTES + 16 + padded(4 * count) + 8 * count
}

/// The length of a name frame.
#[must_use]
pub const fn name_bytes(name: &str) -> usize {
    HEADER_BYTES + 8 + padded(name.len())
}

/// The length of an exact scalar's frame.
#[must_use]
pub fn exact_bytes(value: &Scalar) -> usize {
    HEADER_BYTES + 32 + padded(value.text().map_or(0, str::len))
}

/// The length of an attribute's frame.
#[must_use]
pub fn attribute_bytes(path: &str, value: &Attribute) -> usize {
    HEADER_BYTES + 32 + padded(path.len() + value.text.as_deref().map_or(0, str::len))
}

/// Writes a scalars frame into `out`, which is [`scalars_bytes`] long. The length word is left to the caller, who
/// publishes it.
pub fn write_scalars(out: &mut [u8], seed: u32, seq: u64, time: i64, step: i64, values: &[(MetricId, f64)]) {
    let mut frame = ScalarsFrame::begin(out, seed, values.len(), seq, time, step);
    let mut values = values.iter();
    frame.fill(|| values.next().copied());
    frame.finish(|_, _| {});
}

/// A scalars frame that is filled in place, so that the numbers of an event are moved once. Its checksum grows with it.
#[derive(Debug)]
pub struct ScalarsFrame<'a> {
    head: &'a mut [[u8; 8]],
    /// With the padding.
    ids: &'a mut [[u8; 4]],
    values: &'a mut [[u8; 8]],
    crc: RunningCrc,
}

impl<'a> ScalarsFrame<'a> {
    /// Begins a frame in `out`, which is [`scalars_bytes`] long for so many numbers. The length word is left to the
    /// caller, who publishes it.
    #[inline]
    pub fn begin(out: &'a mut [u8], seed: u32, count: usize, seq: u64, time: i64, step: i64) -> Self {
        debug_assert_eq!(out.len(), scalars_bytes(count));
        let (head, body) = out.split_at_mut(HEADER_BYTES + 16);
        let (ids, values) = body.split_at_mut(padded(4 * count));
        let (head, ids, values) = (head.as_chunks_mut().0, ids.as_chunks_mut().0, values.as_chunks_mut().0);
        let mut crc = RunningCrc::start(seed);
        let kind_and_count = u64::from(SCALARS) | u64::from(count_u32(count)) << 32;
        for (place, word) in head[1..].iter_mut().zip([kind_and_count, seq, time.cast_unsigned(), step.cast_unsigned()])
        {
            *place = word.to_le_bytes();
            crc.add(word);
        }
        Self { head, ids, values, crc }
    }

    /// Takes all numbers from `next`; `None` as soon as that gives none, and then the frame is no good.
    #[inline]
    pub fn fill(&mut self, mut next: impl FnMut() -> Option<(MetricId, f64)>) -> Option<()> {
        for (id_at, value_at) in self.ids.iter_mut().zip(&mut *self.values) {
            let (id, value) = next()?;
            *id_at = id.0.to_le_bytes();
            *value_at = value.to_bits().to_le_bytes();
            self.crc.add_half(id.0);
        }
        if let Some(padding) = self.ids.get_mut(self.values.len()) {
            *padding = [0; 4];
            self.crc.add_half(0);
        }
        Some(())
    }

    /// Puts the checksum into the filled frame, and shows each of its numbers to `see`.
    ///
    /// Words are read as wide as they were stored: others would wait until the stores have reached the cache.
    #[inline]
    pub fn finish(self, mut see: impl FnMut(MetricId, f64)) {
        let mut crc = self.crc;
        for (id, value) in self.ids.iter().zip(&*self.values) {
            let word = u64::from_le_bytes(*value);
            crc.add(word);
            see(MetricId(u32::from_le_bytes(*id)), f64::from_bits(word));
        }
        let crc = crc.end(&[self.head[1..].as_flattened(), self.ids.as_flattened(), self.values.as_flattened()]);
        self.head[0][4..].copy_from_slice(&crc.to_le_bytes());
    }
}

/// Writes a name frame into `out`, which is [`name_bytes`] long.
pub fn write_name(out: &mut [u8], seed: u32, id: MetricId, name: &str) {
    debug_assert_eq!(out.len(), name_bytes(name));
    out.fill(0);
    write_header(out, NAME, id.0, 0);
    let body = &mut out[HEADER_BYTES..];
    body[..4].copy_from_slice(&count_u32(name.len()).to_le_bytes());
    body[8..8 + name.len()].copy_from_slice(name.as_bytes());
    write_crc(out, seed);
}

/// Writes an exact scalar's frame into `out`, which is [`exact_bytes`] long.
pub fn write_exact(out: &mut [u8], seed: u32, seq: u64, time: i64, step: i64, id: MetricId, value: &Scalar) {
    debug_assert_eq!(out.len(), exact_bytes(value));
    out.fill(0);
    write_header(out, EXACT, id.0, seq);
    let body = &mut out[HEADER_BYTES..];
    body[..8].copy_from_slice(&time.to_le_bytes());
    body[8..16].copy_from_slice(&step.to_le_bytes());
    body[16..24].copy_from_slice(&value.value().unwrap_or(0.0).to_bits().to_le_bytes());
    body[24] = u8::from(value.value().is_some());
    let text = value.text().unwrap_or("");
    body[28..32].copy_from_slice(&count_u32(text.len()).to_le_bytes());
    body[32..32 + text.len()].copy_from_slice(text.as_bytes());
    write_crc(out, seed);
}

/// Writes an attribute's frame into `out`, which is [`attribute_bytes`] long.
pub fn write_attribute(out: &mut [u8], seed: u32, seq: u64, time: i64, path: &str, value: &Attribute) {
    debug_assert_eq!(out.len(), attribute_bytes(path, value));
    out.fill(0);
    write_header(out, ATTRIBUTE, u32::from(value.kind as u8), seq);
    let body = &mut out[HEADER_BYTES..];
    let text = value.text.as_deref().unwrap_or("");
    body[..8].copy_from_slice(&time.to_le_bytes());
    body[8..16].copy_from_slice(&value.number.unwrap_or(0.0).to_bits().to_le_bytes());
    body[16] = u8::from(value.number.is_some());
    body[17] = u8::from(value.text.is_some());
    body[20..24].copy_from_slice(&count_u32(path.len()).to_le_bytes());
    body[24..28].copy_from_slice(&count_u32(text.len()).to_le_bytes());
    body[32..32 + path.len()].copy_from_slice(path.as_bytes());
    body[32 + path.len()..32 + path.len() + text.len()].copy_from_slice(text.as_bytes());
    write_crc(out, seed);
}

#[inline]
fn write_header(out: &mut [u8], kind: u8, count: u32, seq: u64) {
    out[8..12].copy_from_slice(&[kind, 0, 0, 0]);
    out[COUNT_OFFSET..COUNT_OFFSET + 4].copy_from_slice(&count.to_le_bytes());
    out[SEQ_OFFSET..SEQ_OFFSET + 8].copy_from_slice(&seq.to_le_bytes());
}

#[inline]
fn write_crc(out: &mut [u8], seed: u32) {
    let crc = crc(seed, &out[8..]);
    out[4..8].copy_from_slice(&crc.to_le_bytes());
}

/// The CRC-32C of a frame. Frames are words and mostly short, so the instruction itself is quicker than a way round it.
#[inline]
fn crc(seed: u32, bytes: &[u8]) -> u32 {
    /// Past this the other way is quicker.
    #[cfg(target_feature = "sse4.2")]
    const LONG_BYTES: usize = 512;

    #[cfg(target_feature = "sse4.2")]
    if bytes.len() <= LONG_BYTES && bytes.len().is_multiple_of(8) {
        let mut crc = RunningCrc::start(seed);
        for word in bytes.as_chunks::<8>().0 {
            crc.add(u64::from_le_bytes(*word));
        }
        return crc.end(&[bytes]);
    }
    crc32c::crc32c_append(seed, bytes)
}

/// A CRC-32C over words as they go by, where there is an instruction for that; else over all of them at the end.
#[derive(Debug, Clone, Copy)]
struct RunningCrc(u32);

#[cfg(target_feature = "sse4.2")]
#[expect(unsafe_code, reason = "instructions that not every processor of this kind has")]
#[expect(clippy::cast_possible_truncation, reason = "the instruction gives 32 bits")]
impl RunningCrc {
    #[inline]
    fn start(seed: u32) -> Self {
        Self(!seed)
    }

    /// Adds eight bytes in their order in memory.
    #[inline]
    fn add(&mut self, word: u64) {
        // SAFETY: this is compiled only where the program as a whole demands the instruction.
        self.0 = unsafe { std::arch::x86_64::_mm_crc32_u64(self.0.into(), word) } as u32;
    }

    /// Adds four bytes in their order in memory.
    #[inline]
    fn add_half(&mut self, half: u32) {
        // SAFETY: as for `add`.
        self.0 = unsafe { std::arch::x86_64::_mm_crc32_u32(self.0, half) };
    }

    #[inline]
    fn end(self, _parts: &[&[u8]]) -> u32 {
        !self.0
    }
}

#[cfg(not(target_feature = "sse4.2"))]
impl RunningCrc {
    fn start(seed: u32) -> Self {
        Self(seed)
    }

    fn add(&mut self, _word: u64) {}

    fn add_half(&mut self, _half: u32) {}

    fn end(self, parts: &[&[u8]]) -> u32 {
        parts.iter().fold(self.0, |crc, part| crc32c::crc32c_append(crc, part))
    }
}

/// Lengths are checked against the page (or 16 MiB) before a frame is written, so they fit.
#[expect(clippy::cast_possible_truncation, reason = "frames are far below 4 GiB")]
#[inline]
fn count_u32(count: usize) -> u32 {
    count as u32
}

/// Reads the frame that starts at the head of `bytes`, and its length. `None` where no frame follows.
///
/// # Errors
/// [`FrameError`] where the bytes are not a whole frame: the end of what can be read in this page.
pub fn read(bytes: &[u8], seed: u32) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    let Some(length) = bytes.get(..4) else { return Ok(None) };
    let length = u32_at(length, 0) as usize;
    if length == 0 {
        return Ok(None);
    }
    if length < HEADER_BYTES || !length.is_multiple_of(8) || length > bytes.len() {
        return Err(FrameError::Length);
    }
    let frame = &bytes[..length];
    if crc(seed, &frame[8..]) != u32_at(frame, 4) {
        return Err(FrameError::Checksum);
    }
    let count = u32_at(frame, COUNT_OFFSET);
    let seq = u64_at(frame, SEQ_OFFSET);
    let frame = body(frame[8], count, seq, &frame[HEADER_BYTES..]).ok_or(FrameError::Body)?;
    Ok(Some((frame, length)))
}

fn body(kind: u8, count: u32, seq: u64, body: &[u8]) -> Option<Frame<'_>> {
    if seq > MAX_SEQ {
        return None;
    }
    let at = |offset: usize| body.get(offset..offset + 8).map(|bytes| u64_at(bytes, 0));
    let length = |offset: usize| body.get(offset..offset + 4).map(|bytes| u32_at(bytes, 0) as usize);
    let text = |from: usize, bytes: usize| std::str::from_utf8(body.get(from..from.checked_add(bytes)?)?).ok();
    Some(match kind {
        NAME => Frame::Name { id: MetricId(count), name: text(8, length(0)?)? },
        SCALARS => {
            let count = count as usize;
            if count > MAX_SCALARS {
                return None;
            }
            let floats = 16 + padded(4 * count);
            Frame::Scalars {
                seq,
                time: at(0)?.cast_signed(),
                step: at(8)?.cast_signed(),
                values: Scalars { ids: body.get(16..16 + 4 * count)?, values: body.get(floats..floats + 8 * count)? },
            }
        }
        EXACT => {
            let text = text(32, length(28)?)?;
            let number = f64::from_bits(at(16)?);
            let value = match (body[24], text.is_empty()) {
                (0, _) => Scalar::Text(text.into()),
                (_, true) => Scalar::Number(number),
                (_, false) => Scalar::Exact(number, text.into()),
            };
            Frame::Exact { seq, time: at(0)?.cast_signed(), step: at(8)?.cast_signed(), id: MetricId(count), value }
        }
        ATTRIBUTE => {
            let number = f64::from_bits(at(8)?);
            let (path, value) = (length(20)?, length(24)?);
            let flags = body.get(16..18)?;
            Frame::Attribute {
                seq,
                time: at(0)?.cast_signed(),
                path: text(32, path)?,
                value: Attribute {
                    kind: AttributeType::from_code(u8::try_from(count).ok()?)?,
                    number: (flags[0] != 0).then_some(number),
                    text: if flags[1] == 0 { None } else { Some(text(32usize.checked_add(path)?, value)?.to_owned()) },
                },
            }
        }
        _ => Frame::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SEED: u32 = 0x5eed;

    /// Publishes the length that the appender would publish.
    fn finish(mut bytes: Vec<u8>) -> Vec<u8> {
        let length = u32::try_from(bytes.len()).unwrap();
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        bytes
    }

    fn scalars(values: &[(MetricId, f64)]) -> Vec<u8> {
        let mut bytes = vec![0xaa; scalars_bytes(values.len())];
        write_scalars(&mut bytes, SEED, 9, -3, 7, values);
        finish(bytes)
    }

    fn attribute(path: &str, value: &Attribute) -> Vec<u8> {
        let mut bytes = vec![0xaa; attribute_bytes(path, value)];
        write_attribute(&mut bytes, SEED, 2, 5, path, value);
        finish(bytes)
    }

    fn exact(value: &Scalar) -> Vec<u8> {
        let mut bytes = vec![0xaa; exact_bytes(value)];
        write_exact(&mut bytes, SEED, 4, 5, 6, MetricId(1), value);
        finish(bytes)
    }

    proptest! {
        #[test]
        fn scalars_read_back_bit_for_bit(values in prop::collection::vec((any::<u32>(), any::<u64>()), 0..100)) {
            let values: Vec<_> = values.iter().map(|(id, bits)| (MetricId(*id), f64::from_bits(*bits))).collect();
            let bytes = scalars(&values);
            let (frame, length) = read(&bytes, SEED).unwrap().unwrap();
            prop_assert_eq!(length, bytes.len());
            let Frame::Scalars { seq: 9, time: -3, step: 7, values: back } = frame else { panic!("{frame:?}") };
            prop_assert_eq!(back.len(), values.len());
            for ((id, value), (id_back, value_back)) in values.iter().zip(back.iter()) {
                prop_assert_eq!((*id, value.to_bits()), (id_back, value_back.to_bits()));
            }
        }

        #[test]
        fn attributes_read_back(path in "\\PC{0,40}", number in any::<Option<i32>>(), text in any::<Option<String>>()) {
            let value = Attribute { kind: AttributeType::Json, number: number.map(f64::from), text };
            let bytes = attribute(&path, &value);
            let (frame, _) = read(&bytes, SEED).unwrap().unwrap();
            prop_assert_eq!(frame, Frame::Attribute { seq: 2, time: 5, path: &path, value });
        }

        #[test]
        fn a_cut_frame_is_never_read(values in prop::collection::vec((any::<u32>(), any::<f64>()), 0..20), cut in any::<prop::sample::Index>()) {
            let values: Vec<_> = values.iter().map(|(id, value)| (MetricId(*id), *value)).collect();
            let bytes = scalars(&values);
            let cut = cut.index(bytes.len());
            prop_assert!(!matches!(read(&bytes[..cut], SEED), Ok(Some(_))));
        }

        #[test]
        fn a_flipped_bit_is_found(bit in any::<prop::sample::Index>()) {
            let mut bytes = attribute("config/lr", &Attribute::text("a text"));
            let bit = bit.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!matches!(read(&bytes, SEED), Ok(Some(_))));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0..6u8) {
            // Any bytes, and the same behind a right length and checksum.
            let _ = read(&bytes, SEED);
            let mut framed = vec![0; padded(bytes.len().max(HEADER_BYTES))];
            framed[..bytes.len()].copy_from_slice(&bytes);
            framed[8] = kind;
            write_crc(&mut framed, SEED);
            let _ = read(&finish(framed), SEED);
        }
    }

    #[test]
    fn the_checksum_is_crc_32c_for_any_length() {
        let bytes: Vec<u8> = (0..=255).cycle().take(2000).collect();
        for length in 0..bytes.len() {
            assert_eq!(crc(SEED, &bytes[..length]), crc32c::crc32c_append(SEED, &bytes[..length]), "{length} bytes");
        }
    }

    #[test]
    fn exact_scalars_read_back() {
        for value in [
            Scalar::Exact(9e15, "9007199254740993".into()),
            Scalar::Text("ok".into()),
            Scalar::Text("".into()),
            Scalar::Number(f64::NEG_INFINITY),
        ] {
            let bytes = exact(&value);
            let (frame, _) = read(&bytes, SEED).unwrap().unwrap();
            assert_eq!(frame, Frame::Exact { seq: 4, time: 5, step: 6, id: MetricId(1), value });
        }
    }

    #[test]
    fn names_read_back() {
        let name = "train/損失";
        let mut bytes = vec![0xaa; name_bytes(name)];
        write_name(&mut bytes, SEED, MetricId(3), name);
        let bytes = finish(bytes);
        assert_eq!(read(&bytes, SEED).unwrap().unwrap().0, Frame::Name { id: MetricId(3), name });
    }

    #[test]
    fn a_sequence_number_that_no_column_holds_is_refused() {
        let mut bytes = vec![0; scalars_bytes(1)];
        for (seq, expected) in
            [(MAX_SEQ, Ok(true)), (MAX_SEQ + 1, Err(FrameError::Body)), (u64::MAX, Err(FrameError::Body))]
        {
            write_scalars(&mut bytes, SEED, seq, 0, 0, &[(MetricId(0), 0.5)]);
            assert_eq!(read(&finish(bytes.clone()), SEED).map(|frame| frame.is_some()), expected, "{seq}");
        }
    }

    #[test]
    fn a_frame_of_an_earlier_use_of_the_page_is_not_read() {
        assert_eq!(read(&scalars(&[(MetricId(0), 1.0)]), SEED + 1), Err(FrameError::Checksum));
    }

    #[test]
    fn the_end_of_a_page_is_an_end_and_not_an_error() {
        assert_eq!(read(&[], SEED), Ok(None));
        assert_eq!(read(&[0; 64], SEED), Ok(None));
    }
}
