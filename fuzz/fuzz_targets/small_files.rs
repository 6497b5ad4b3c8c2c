//! Any bytes as `runlake.json` and as `run.json`.
#![no_main]

use std::path::Path;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use runlake::format::layout::{LAKE_FILE, RUN_FILE};
use runlake::lake::{Lake, RunFile};

#[path = "../../tests/engine/disk.rs"]
#[allow(dead_code, reason = "shared with the tests of the engine, which use all of it")]
mod disk;

fuzz_target!(|bytes: &[u8]| {
    let disk = disk::MemoryDisk::new();
    let lake = Path::new("/lake");
    disk.put(&lake.join(LAKE_FILE), bytes.to_vec());
    disk.put(&lake.join(RUN_FILE), bytes.to_vec());
    drop(Lake::open_on(Arc::new(disk.clone()), lake));
    drop(RunFile::read(&disk, lake));
});
