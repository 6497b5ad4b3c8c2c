//! The pages of row groups, decompressed by one decompressor a thread.
//!
//! The Parquet library makes a compressor and a decompressor anew for each column of each row group: a third of the time of
//! reading many small files. So it is told that the columns are not compressed, and gets their pages from here, where
//! they are decompressed.

use std::cell::RefCell;
use std::fmt::{self, Debug, Formatter};
use std::io::Cursor;
use std::sync::Arc;
use std::vec;

use bytes::Bytes;
use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::Compression;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;
use zstd::bulk::Decompressor;
use zstd::zstd_safe::get_frame_content_size;

use super::chunks::Chunks;

/// The pages of some row groups of a file.
pub(super) struct Pages {
    pub(super) file: Arc<Chunks>,
    pub(super) metadata: Arc<ParquetMetaData>,
    pub(super) row_groups: Vec<usize>,
}

impl RowGroups for Pages {
    fn num_rows(&self) -> usize {
        self.row_groups().map(rows).sum()
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        let (file, metadata) = (self.file.clone(), self.metadata.clone());
        Ok(Box::new(Columns { file, metadata, column, groups: self.row_groups.clone().into_iter() }))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(self.row_groups.iter().map(|group| self.metadata.row_group(*group)))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}

fn rows(group: &RowGroupMetaData) -> usize {
    usize::try_from(group.num_rows()).unwrap_or(0)
}

/// The pages of one column, row group by row group.
struct Columns {
    file: Arc<Chunks>,
    metadata: Arc<ParquetMetaData>,
    column: usize,
    groups: vec::IntoIter<usize>,
}

impl Columns {
    fn open(&self, group: usize) -> Result<Box<dyn PageReader>> {
        let row_group = self.metadata.row_group(group);
        let column = row_group.column(self.column);
        let index = self.metadata.page_index();
        let locations = index.and_then(|index| index.page_locations(group, self.column).cloned());
        let open = |column| SerializedPageReader::new(self.file.clone(), column, rows(row_group), locations);
        if !matches!(column.compression(), Compression::ZSTD(_)) {
            return Ok(Box::new(open(column)?));
        }
        let as_stored = column.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()?;
        let limit = usize::try_from(column.uncompressed_size()).unwrap_or(0);
        Ok(Box::new(Decompressed { pages: open(&as_stored)?, limit }))
    }
}

impl Iterator for Columns {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        let group = self.groups.next()?;
        Some(self.open(group))
    }
}

impl PageIterator for Columns {}

/// The pages of a column that is compressed with zstd.
struct Decompressed {
    /// As they are stored.
    pages: SerializedPageReader<Chunks>,
    /// What all of them take at most, in bytes.
    limit: usize,
}

impl Debug for Decompressed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decompressed").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl Decompressed {
    fn decompress(&self, mut page: Page) -> Result<Page> {
        match &mut page {
            Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => *buf = decompress(buf, 0, self.limit)?,
            Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, is_compressed, .. } => {
                if std::mem::take(is_compressed) {
                    *buf = decompress(buf, *def_levels_byte_len as usize + *rep_levels_byte_len as usize, self.limit)?;
                }
            }
        }
        Ok(page)
    }
}

impl Iterator for Decompressed {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Decompressed {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.pages.get_next_page()?;
        page.map(|page| self.decompress(page)).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }

    fn supports_deferred_dictionary(&self) -> bool {
        self.pages.supports_deferred_dictionary()
    }

    fn take_deferred_dictionary(&mut self) -> Result<Option<Page>> {
        let page = self.pages.take_deferred_dictionary()?;
        page.map(|page| self.decompress(page)).transpose()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}

thread_local! {
    static ZSTD: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// A page whose first `levels` bytes are not compressed and whose other bytes are. The `limit` is for a damaged page that says
/// that it holds more than there is memory.
fn decompress(page: &Bytes, levels: usize, limit: usize) -> Result<Bytes> {
    let Some((levels, compressed)) = page.split_at_checked(levels) else {
        return Err(ParquetError::EOF("a page ends within its levels".into()));
    };
    // A page without values holds nothing else.
    let bytes = if compressed.is_empty() { Some(0) } else { get_frame_content_size(compressed).ok().flatten() };
    let bytes = bytes.and_then(|bytes| usize::try_from(bytes).ok()).filter(|bytes| *bytes <= limit);
    let bytes = bytes.ok_or_else(|| ParquetError::General("a page's length is impossible".into()))?;
    let mut out = Vec::with_capacity(levels.len() + bytes);
    out.extend_from_slice(levels);
    if bytes > 0 {
        ZSTD.with_borrow_mut(|zstd| -> Result<()> {
            let zstd = match zstd {
                Some(zstd) => zstd,
                None => zstd.insert(Decompressor::new()?),
            };
            let mut cursor = Cursor::new(&mut out);
            cursor.set_position(levels.len() as u64);
            zstd.decompress_to_buffer(compressed, &mut cursor)?;
            Ok(())
        })?;
    }
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(levels: &[u8], values: &[u8]) -> Bytes {
        [levels, &zstd::bulk::compress(values, 1).unwrap()].concat().into()
    }

    #[test]
    fn a_page_keeps_its_levels_and_gets_its_values() {
        let values: Vec<u8> = (0..1000_u16).map(|i| i.to_le_bytes()[0]).collect();
        let whole = decompress(&page(b"levels", &values), 6, values.len()).unwrap();
        assert_eq!(whole, [b"levels", &*values].concat());
        assert_eq!(decompress(&Bytes::from_static(b"levels"), 6, 0).unwrap(), "levels");
    }

    #[test]
    fn a_damaged_page_is_an_error_before_it_takes_memory() {
        let zeros = page(b"", &[0; 10_000]);
        assert!(decompress(&zeros, 0, 9_999).unwrap_err().to_string().contains("length is impossible"));
        // A frame that says that it holds 2^60 bytes.
        let huge = Bytes::from([&[0x28, 0xb5, 0x2f, 0xfd, 0xe0][..], &(1_u64 << 60).to_le_bytes()].concat());
        assert!(decompress(&huge, 0, 1 << 40).unwrap_err().to_string().contains("length is impossible"));
        assert!(decompress(&zeros, zeros.len() + 1, 10_000).unwrap_err().to_string().contains("within its levels"));
        assert!(decompress(&zeros.slice(..zeros.len() - 1), 0, 10_000).is_err());
    }
}
