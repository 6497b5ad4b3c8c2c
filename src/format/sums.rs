//! Checksums of a segment's parts, for who reads little of it: one of each block of its pages and their index, and one of
//! Parquet's footer, which says what is where.
//!
//! They stand right before that footer, where no Parquet reader looks: the CRC-32C of each block, then that of the footer, then
//! [`MARK`].

/// Bytes of a block, but the last.
pub const BLOCK_BYTES: u64 = BLOCK as u64;

/// What the checksums end with: a footer that has lost the key that tells of them is not that of a file without.
pub const MARK: [u8; 4] = *b"RLCK";

/// What follows the blocks' checksums: that of the footer, and the mark.
pub const END_BYTES: u64 = END as u64;

/// What Parquet's footer is followed by: its length and the magic.
pub const LENGTH_BYTES: u64 = 8;

const BLOCK: usize = 1024;
const SUM: usize = size_of::<u32>();
const END: usize = SUM + MARK.len();

/// Where the parts of a file's end are, as offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Where the checksums of the blocks begin: right behind the blocks.
    pub sums: u64,
    /// Where Parquet's footer begins.
    pub footer: u64,
}

impl End {
    /// The end of a file of `len` bytes with checksums, whose last [`LENGTH_BYTES`] are `length`; `None` where that cannot be.
    #[must_use]
    pub fn of(len: u64, length: &[u8]) -> Option<Self> {
        let footer = Self::footer(len, length)?;
        let blocks_and_sums = footer.checked_sub(END_BYTES)?;
        let blocks = blocks_and_sums.div_ceil(BLOCK_BYTES + SUM as u64);
        let sums = blocks_and_sums.checked_sub(blocks * SUM as u64)?;
        (sums.div_ceil(BLOCK_BYTES) == blocks).then_some(Self { sums, footer })
    }

    /// Where Parquet's footer begins in a file of `len` bytes that ends like that; `None` where that cannot be.
    #[must_use]
    pub fn footer(len: u64, length: &[u8]) -> Option<u64> {
        len.checked_sub(LENGTH_BYTES + u64::from(u32::from_le_bytes(*length.first_chunk()?)))
    }

    /// Where the checksums of the blocks are that hold the bytes from `first`, the start of one, up to `last`.
    #[must_use]
    pub fn sums_of(&self, first: u64, last: u64) -> std::ops::Range<u64> {
        let place = |block: u64| self.sums + block * SUM as u64;
        place(first / BLOCK_BYTES)..place(last.min(self.sums).div_ceil(BLOCK_BYTES))
    }
}

/// The checksums of the blocks that a file is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockSums {
    sums: Vec<u32>,
    /// Bytes in the last block.
    last: usize,
}

impl BlockSums {
    /// Takes in the bytes that follow.
    pub fn add(&mut self, bytes: &[u8]) {
        let mut left = bytes;
        while !left.is_empty() {
            if self.sums.is_empty() || self.last == BLOCK {
                self.sums.push(0);
                self.last = 0;
            }
            let (block, behind) = left.split_at(left.len().min(BLOCK - self.last));
            if let Some(sum) = self.sums.last_mut() {
                *sum = crc32c::crc32c_append(*sum, block);
            }
            self.last += block.len();
            left = behind;
        }
    }

    /// What stands before that footer, which goes to the end of the file.
    #[must_use]
    pub fn to_bytes(&self, footer: &[u8]) -> Vec<u8> {
        let sums = self.sums.iter().copied().chain([crc32c::crc32c(footer)]);
        sums.flat_map(u32::to_le_bytes).chain(MARK).collect()
    }
}

/// Whether these are whole blocks with these checksums.
#[must_use]
pub fn blocks_fit(blocks: &[u8], sums: &[u8]) -> bool {
    blocks.chunks(BLOCK).flat_map(|block| crc32c::crc32c(block).to_le_bytes()).eq(sums.iter().copied())
}

/// Whether these are the last [`END_BYTES`] before a footer, and the footer that they were made for.
#[must_use]
pub fn end_fits(bytes: &[u8]) -> bool {
    let Some((stored, footer)) = bytes.split_first_chunk::<END>() else { return false };
    *stored == BlockSums::default().to_bytes(footer)[..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_fit_however_they_came_and_no_others_do() {
        for bytes in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5] {
            let blocks: Vec<u8> = (0..=250).cycle().take(bytes).collect();
            let (mut whole, mut parts) = (BlockSums::default(), BlockSums::default());
            whole.add(&blocks);
            blocks.chunks(1000).for_each(|part| parts.add(part));
            assert_eq!(whole, parts);
            let footer = [b"footer", &6_u32.to_le_bytes()[..], b"PAR1"].concat();
            let file = [&blocks, &whole.to_bytes(&footer), &footer].map(Vec::as_slice).concat();
            let end = End::of(file.len() as u64, &file[file.len() - 8..]).unwrap();
            assert_eq!(end, End { sums: bytes as u64, footer: (file.len() - footer.len()) as u64 });
            let part = |range: std::ops::Range<u64>| {
                &file[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]
            };
            assert!(end_fits(part(end.footer - END_BYTES..file.len() as u64)));
            assert!(!end_fits(part(end.footer - END_BYTES..file.len() as u64 - 1)));
            for first in (0..end.sums).step_by(BLOCK) {
                assert!(blocks_fit(part(first..end.sums), part(end.sums_of(first, file.len() as u64))));
                assert!(!blocks_fit(part(first..end.sums - 1), part(end.sums_of(first, end.sums))));
            }
        }
    }

    #[test]
    fn an_end_that_does_not_fit_into_the_file_is_none() {
        let length = |bytes: u32| [bytes.to_le_bytes(), *b"PAR1"].concat();
        assert_eq!(End::of(1000, &length(992)), None);
        assert_eq!(End::of(1000, &length(993)), None);
        assert_eq!(End::of(1000, &length(300)), Some(End { sums: 680, footer: 692 }));
    }
}
