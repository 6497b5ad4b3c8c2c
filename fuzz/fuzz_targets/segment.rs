//! Any bytes as a segment: opened, read whole, and read in parts by its statistics and page index.
#![no_main]

use std::path::Path;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use runlake::format::layout::Table;
use runlake::lake::attribute::Fold;
use runlake::segment::prune::Wanted;
use runlake::segment::read::Segment;

#[path = "../../tests/engine/disk.rs"]
#[allow(dead_code, reason = "shared with the tests of the engine, which use all of it")]
mod disk;

// libFuzzer's hook ends the process at any panic, also at those of the Parquet library, which are caught where it is called.
// Without it only what reaches this function does.
fuzz_target!(init: std::panic::set_hook(Box::new(|_| {})), |bytes: &[u8]| {
    let disk = disk::MemoryDisk::new();
    let path = Path::new("/segment.parquet");
    disk.put(path, bytes.to_vec());
    let Ok(mut segment) = Segment::open(&disk, path) else { return };
    if segment.table == Table::Attributes {
        drop(Fold::default().add_segment(&segment));
        return;
    }
    drop(segment.batches(64).map(|batches| batches.for_each(drop)));
    let wanted = Arc::new(Wanted::new(Some(vec!["loss".to_owned()]), Some(0..=9)));
    for part in segment.parts(&wanted) {
        std::hint::black_box((segment.steps(&part), segment.attempts(&part)));
        (0..9).for_each(|column| drop(segment.constant(&part, column)));
        drop(segment.read(&part, &[0, 1, 3], 64).map(|batches| batches.for_each(drop)));
    }
});
