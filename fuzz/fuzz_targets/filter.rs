//! Any text as a filter, parsed and evaluated on a few runs.
#![no_main]

use std::path::Path;
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use runlake::catalog::{Catalog, RunState};
use runlake::query::{Baselines, Filter};

/// The runs of the golden lake.
static RUNS: LazyLock<Vec<Arc<RunState>>> = LazyLock::new(|| {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/v1/lake");
    Catalog::open(&golden).unwrap().runs(None, &mut Vec::new()).unwrap()
});

fuzz_target!(|text: &str| {
    if let Ok(filter) = Filter::parse(text) {
        filter.select(&RUNS, &Baselines::default()).ok();
        filter.values(&RUNS, &Baselines::default()).ok();
    }
});
