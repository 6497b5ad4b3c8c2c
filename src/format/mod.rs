//! Bytes and schemas of everything on disk, without any I/O: `docs/format.md` as code.
//!
//! `layout` names the files, `page` and `frame` are the journal, `schema`, `footer` and `sums` are the segments, `definition`
//! and `lost` are attributes that mean something to us.

pub mod definition;
pub mod footer;
pub mod frame;
pub mod layout;
pub mod lost;
pub mod page;
pub mod rows;
pub mod schema;
pub mod sums;

/// The version of the format that this build writes, and the newest it reads.
pub const VERSION: u32 = 1;
