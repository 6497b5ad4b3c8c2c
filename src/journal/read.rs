//! Reads the frames of a page, from a file or from the mapping of a live writer. Tolerant: what is whole is read, and
//! where the page stops being whole it says why. Holds no state and never panics on any bytes (fuzzed).

use crate::format::frame::{self, Frame, FrameError};
use crate::format::page::{self, Header, HeaderError};

/// The frames of one page, in order.
#[derive(Debug)]
pub struct Frames<'a> {
    bytes: &'a [u8],
    seed: u32,
    /// Offset in the page of the next frame.
    pub offset: usize,
    /// Why reading stopped before an end mark; `None` while all is whole.
    pub damage: Option<FrameError>,
}

impl<'a> Frames<'a> {
    /// The frames of the page of that number from `offset` on; `bytes` starts with the page's header.
    #[must_use]
    pub fn from_offset(bytes: &'a [u8], number: u64, offset: usize) -> Self {
        Self { bytes, seed: Header::frame_seed(number), offset, damage: None }
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        if self.damage.is_some() {
            return None;
        }
        match frame::read(self.bytes.get(self.offset..)?, self.seed) {
            Ok(Some((frame, length))) => {
                self.offset += length;
                Some(frame)
            }
            Ok(None) => None,
            Err(damage) => {
                self.damage = Some(damage);
                None
            }
        }
    }
}

/// Header and frames of the bytes of a journal file.
///
/// # Errors
/// [`HeaderError`] where there is no readable header; such a file has no rows.
pub fn open(bytes: &[u8]) -> Result<(Header, Frames<'_>), HeaderError> {
    let header = Header::from_bytes(bytes)?;
    let frames = Frames::from_offset(bytes, header.number, page::HEADER_BYTES);
    Ok((header, frames))
}
