//! Damage of any kind: bytes of journals, segments and small files are changed at random, and read.
//!
//! Nothing panics; of a journal page every whole frame before the damage is read, and nothing else; of a segment changed
//! rows are found by its checksum; and no other file and no other run is affected. The number of mutations is fixed, as is
//! the seed; `RUNLAKE_MUTATIONS=1000000` tries a million of each kind. `fuzz/` holds the same as targets for libFuzzer.

use std::cell::RefCell;
use std::path::Path;
use std::sync::{Arc, Once};

use runlake::catalog::Catalog;
use runlake::disk::Disk;
use runlake::error::Result;
use runlake::format::footer::Footer;
use runlake::format::frame::Frame;
use runlake::format::layout::{LAKE_FILE, RUN_FILE, Table};
use runlake::format::page::{HEADER_BYTES, HEARTBEAT_OFFSET, Header};
use runlake::lake::attribute::Fold;
use runlake::lake::{Lake, RunFile, segments, tail};
use runlake::scan::{self, Attempts, Scan, Selection};
use runlake::segment::columns::Columns;
use runlake::segment::prune::Wanted;
use runlake::segment::read::Segment;

use crate::disk::MemoryDisk;
use crate::journal::{self, SEALED_ROWS, Sample, frames, seqs};
use crate::rows::{self, Row};

/// How many mutations of each kind are tried unless `RUNLAKE_MUTATIONS` says otherwise.
const MUTATIONS: u64 = 10_000;
/// Every so many mutations the whole lake is read.
const LAKE_EVERY: u64 = 100;

fn mutations() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a setting of this test, which no code that ships knows")]
    let asked = std::env::var("RUNLAKE_MUTATIONS");
    asked.map_or(MUTATIONS, |count| count.parse().expect("RUNLAKE_MUTATIONS is a number"))
}

/// A small generator with a fixed seed (`SplitMix64`), so that a failure can be repeated.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

/// The bytes with some damage; and whether bytes were moved, so that what lies behind may be whole at another place.
fn mutate(random: &mut Random, bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut bytes = bytes.to_vec();
    let mut moved = false;
    for _ in 0..=random.below(3) {
        if bytes.is_empty() {
            break;
        }
        let at = random.below(bytes.len());
        let length = 1 + random.below(64.min(bytes.len() - at));
        match random.below(9) {
            0..=2 => bytes[at] ^= 1 << random.below(8),
            3 => bytes[at] = random.byte(),
            4 => bytes[at..at + length].fill(if random.below(2) == 0 { 0 } else { 0xff }),
            5 => bytes[at..at + length].iter_mut().for_each(|byte| *byte = random.byte()),
            6 => bytes.truncate(at),
            7 => {
                let from = random.below(bytes.len() - length + 1);
                bytes.copy_within(from..from + length, at);
                moved = true;
            }
            _ => {
                bytes.drain(at..at + length);
                moved = true;
            }
        }
    }
    (bytes, moved)
}

/// Where two files begin to differ; `None` where they are equal.
fn damage(a: &[u8], b: &[u8]) -> Option<usize> {
    let differs = a.iter().zip(b).position(|(a, b)| a != b);
    differs.or_else(|| (a.len() != b.len()).then(|| a.len().min(b.len())))
}

/// Gives the frame that holds `at` the checksum that a faulty writer would have given it.
fn forge(page: &mut [u8], ends: &[usize], at: usize) {
    let Some(index) = ends.iter().position(|end| at < *end) else { return };
    let start = if index == 0 { HEADER_BYTES } else { ends[index - 1] };
    let end = ends[index];
    if let (Ok(header), true) = (Header::from_bytes(page), start + 24 <= end && end <= page.len()) {
        let crc = crc32c::crc32c_append(Header::frame_seed(header.number), &page[start + 8..end]);
        page[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
        page[start..start + 4].copy_from_slice(&u32::try_from(end - start).unwrap().to_le_bytes());
    }
}

/// What a scan of the whole lake gives of a run.
fn scan(lake: &Lake, id: &str) -> Scan {
    let states = Catalog::new(lake.clone()).runs(None, &mut Vec::new()).unwrap();
    let states = states.into_iter().filter(|state| &*state.run.id == id).collect();
    let selection = Selection { attempts: Attempts::All, ..Selection::default() };
    scan::start(lake.disk.clone(), states, selection).unwrap()
}

fn scanned(lake: &Lake, id: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    scan(lake, id).for_each(|batch| rows::add(&batch, &mut rows));
    rows.sort();
    rows
}

thread_local! {
    /// The last panic of the Parquet library in this thread.
    static LIBRARY_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Has panics of the Parquet library print nothing, as the engine catches them and there are many. One that it does not
/// catch is printed when the test fails by it.
fn silence_parquet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let file = panic.location().map_or("", |location| location.file());
            if file.contains("parquet") || file.contains("arrow") {
                LIBRARY_PANIC.set(panic.to_string());
            } else {
                print(panic);
            }
        }));
    });
}

/// A lake of two runs, and what the one that stays whole holds.
struct Lakes {
    lake: Lake,
    sample: Sample,
    other: Vec<Row>,
}

impl Lakes {
    fn new() -> Self {
        silence_parquet();
        let (disk, lake) = journal::lake();
        journal::sample(&disk, &lake, "other");
        let sample = journal::sample(&disk, &lake, "run");
        let other = scanned(&lake, "other");
        assert!(other.len() > usize::try_from(SEALED_ROWS).unwrap());
        Self { lake, sample, other }
    }

    /// The other run is as it was, and the damaged one can be read without a panic.
    fn check_lake(&self) {
        assert_eq!(scanned(&self.lake, "other"), self.other, "another run is affected");
        scan(&self.lake, "run").for_each(drop);
    }
}

impl Drop for Lakes {
    #[expect(clippy::print_stderr, reason = "for people who see the test fail")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the last panic of the Parquet library: {}", LIBRARY_PANIC.take());
        }
    }
}

#[test]
fn of_a_damaged_journal_page_the_whole_frames_before_the_damage_are_read() {
    let lakes = Lakes::new();
    let Sample { disk, run, pages, .. } = &lakes.sample;
    let whole: Vec<Vec<(Frame<'_>, usize)>> = pages.iter().map(|(_, bytes)| frames(bytes)).collect();
    let mut random = Random(1);
    for mutation in 0..mutations() {
        let page = random.below(pages.len());
        let (path, bytes) = &pages[page];
        let (mut mutated, moved) = mutate(&mut random, bytes);
        let Some(mut at) = damage(bytes, &mutated) else { continue };
        let forged = random.below(4) == 0;
        if forged {
            let ends: Vec<usize> = whole[page].iter().map(|(_, end)| *end).collect();
            forge(&mut mutated, &ends, at);
            at = damage(bytes, &mutated).unwrap_or(at);
        }
        let header_damaged = at < HEARTBEAT_OFFSET;
        // The heartbeat and what follows it in the header may be anything.
        let in_header = (HEARTBEAT_OFFSET..HEADER_BYTES).contains(&at);
        let frames_damage = damage(&bytes[HEADER_BYTES..], mutated.get(HEADER_BYTES..).unwrap_or_default());
        let at = if in_header && mutated.len() >= HEADER_BYTES {
            frames_damage.map_or(usize::MAX, |frames| frames + HEADER_BYTES)
        } else {
            at
        };
        let before: Vec<&Frame<'_>> =
            whole[page].iter().filter(|(_, end)| *end <= at && !header_damaged).map(|(frame, _)| frame).collect();
        let found = frames(&mutated);
        let found: Vec<&Frame<'_>> = found.iter().map(|(frame, _)| frame).collect();
        let place = || format!("mutation {mutation}, page {page}, damaged at {at}");
        assert!(found.starts_with(&before), "{}: {} of {} frames", place(), found.len(), before.len());
        assert!(moved || forged || found.len() == before.len(), "{}: a damaged frame was read", place());

        disk.put(path, mutated.clone());
        let tails = tail::read(disk, &run.dir, &mut Vec::new()).unwrap();
        for mut tail in tails {
            if !forged && !moved {
                let others = |other: &usize| *other != page;
                let mut expected: Vec<u64> = (0..pages.len())
                    .filter(others)
                    .flat_map(|other| seqs(whole[other].iter().map(|(frame, _)| frame)))
                    .chain(seqs(before.iter().copied()))
                    .collect();
                expected.sort_unstable();
                assert_eq!(tail.rows.metrics.seqs(), expected, "{}", place());
            }
            let mut fold = Fold::default();
            fold.add_tail(&tail);
            tail.rows.metrics.take_sorted(&tail.rows.names, tail.origin).unwrap();
            tail.rows.attributes.take(tail.origin.writer).unwrap();
        }
        if mutation % LAKE_EVERY == 0 {
            lakes.check_lake();
        }
        disk.put(path, bytes.clone());
    }
    println!("{} mutated journal pages", mutations());
}

#[test]
fn a_damaged_segment_costs_only_its_own_rows() {
    let lakes = Lakes::new();
    let Sample { disk, run, segments: files, pages, .. } = &lakes.sample;
    let in_journal: Vec<u64> =
        pages.iter().flat_map(|(_, page)| seqs(frames(page).iter().map(|(frame, _)| frame))).collect();
    let checksums: Vec<_> =
        files.iter().map(|(path, _)| Segment::open(disk, path).unwrap().footer.checksum.unwrap()).collect();
    let mut random = Random(2);
    let mut opened = 0_u64;
    for mutation in 0..mutations() {
        let file = random.below(files.len());
        let (path, bytes) = &files[file];
        let (mutated, _) = mutate(&mut random, bytes);
        let Some(at) = damage(bytes, &mutated) else { continue };
        disk.put(path, mutated);
        let table = Table::JOURNALED[file];
        let mut problems = Vec::new();
        let mut tails = tail::read(disk, &run.dir, &mut problems).unwrap();
        let segments = segments::open(disk, &run.dir, table, &mut problems).unwrap();
        assert!(!segments.is_empty() || !problems.is_empty(), "mutation {mutation}: damage that nobody is told of");
        segments::drop_sealed(&mut tails, table, &segments);
        if segments.is_empty() {
            assert_eq!(tails[0].rows.metrics.seqs(), in_journal, "mutation {mutation}");
        }
        for segment in segments {
            opened += 1;
            read_all(&segment, table);
            // Of bytes before the footer every change is found.
            let checksum = checksums[file];
            if (at as u64) < checksum.bytes && segment.footer.checksum == Some(checksum) {
                assert!(!segment.is_intact().unwrap_or(false), "mutation {mutation}: damage at {at} was not found");
                assert!(segment.batches(64).is_err(), "mutation {mutation}: damage at {at} was decoded");
            }
            prune(segment);
        }
        if mutation % LAKE_EVERY == 0 {
            lakes.check_lake();
        }
        disk.put(path, bytes.clone());
    }
    println!("{} mutated segments, of which {opened} could be opened", mutations());
}

#[test]
fn a_byte_that_changed_in_a_large_segment_gives_no_row_that_was_not_written() {
    const CHANGES: usize = 300;
    silence_parquet();
    let (disk, lake) = journal::lake();
    let path = journal::large_segment(&disk, &lake, "large");
    let bytes = disk.read(&path).unwrap().to_vec();
    assert!(bytes.len() > 3 << 16, "{} bytes", bytes.len());
    let (whole, one) = large_rows(&disk, &path);
    let (whole, one) = (whole.unwrap(), one.unwrap());
    assert!(whole.len() > one.len() && !one.is_empty());
    let mut random = Random(4);
    let mut refused = 0;
    for change in 0..CHANGES {
        // As many in the last kilobytes, which say what is where, as in the rest.
        let at = if change % 2 == 0 { random.below(bytes.len()) } else { bytes.len() - 1 - random.below(1 << 13) };
        let mut changed = bytes.clone();
        changed[at] ^= 1 << random.below(8);
        disk.put(&path, changed);
        let (found, found_one) = large_rows(&disk, &path);
        refused += u32::from(found.is_err());
        assert!(found.map_or(true, |found| found == whole), "change {change} at {at} of {}: other rows", bytes.len());
        assert!(
            found_one.map_or(true, |found| found == one),
            "change {change} at {at} of {}: other rows of one metric",
            bytes.len()
        );
        let is_whole = Segment::open(&disk, &path).is_ok_and(|segment| segment.is_intact().unwrap_or(false));
        assert!(!is_whole, "change {change} at {at} of {}: nobody would find it", bytes.len());
    }
    println!("{CHANGES} changed bytes, of which {refused} were met by who reads all");
}

/// All rows of a segment of metrics as they are scanned, with columns that are the same everywhere made from statistics; and
/// some of one metric.
fn large_rows(disk: &MemoryDisk, path: &Path) -> (Result<Vec<Row>>, Result<Vec<Row>>) {
    let read = |wanted: &Wanted| -> Result<Vec<Row>> {
        let mut segment = Segment::open(disk, path)?;
        let mut found = Vec::new();
        for part in segment.parts(wanted) {
            let columns = Columns::of(&segment, &part, 1000, &[])?;
            for batch in segment.read(&part, &columns.read, 1000)? {
                rows::add(&wanted.filter(columns.complete(&batch?)?)?, &mut found);
            }
        }
        Ok(found)
    };
    (read(&Wanted::default()), read(&Wanted::new(Some(vec!["val/acc".to_owned()]), Some(3..=5000))))
}

/// Reads a segment to its end or to the first error.
fn read_all(segment: &Segment, table: Table) {
    match table {
        Table::Metrics | Table::Objects => drop(segment.batches(64).map(|batches| batches.for_each(drop))),
        Table::Attributes => drop(Fold::default().add_segment(segment)),
    }
}

/// Reads the pages of one metric, by statistics and the page index.
fn prune(mut segment: Segment) {
    if segment.table != Table::Metrics {
        return;
    }
    let wanted = Arc::new(Wanted::new(Some(vec!["val/acc".to_owned()]), Some(3..=50)));
    for part in segment.parts(&wanted) {
        std::hint::black_box((segment.steps(&part), segment.attempts(&part)));
        (0..9).for_each(|column| drop(segment.constant(&part, column)));
        drop(segment.read(&part, &[0, 1, 3], 64).map(|batches| batches.for_each(drop)));
    }
}

#[test]
fn small_files_with_any_damage_are_read_or_refused() {
    let lakes = Lakes::new();
    let disk = &lakes.sample.disk;
    let lake_file = lakes.lake.path.join(LAKE_FILE);
    let run_file = lakes.sample.run.dir.join(RUN_FILE);
    let (lake_bytes, run_bytes) = (disk.read(&lake_file).unwrap(), disk.read(&run_file).unwrap());
    let footer = Segment::open(disk, &lakes.sample.segments[0].0).unwrap().footer.to_json();
    let mut random = Random(3);
    for mutation in 0..mutations() {
        disk.put(&lake_file, mutate(&mut random, &lake_bytes).0);
        drop(Lake::open_on(Arc::new(disk.clone()), &lakes.lake.path));
        disk.put(&run_file, mutate(&mut random, &run_bytes).0);
        drop(RunFile::read(disk, &lakes.sample.run.dir));
        let text = mutate(&mut random, footer.as_bytes()).0;
        drop(Footer::from_json(&String::from_utf8_lossy(&text)));
        if mutation % LAKE_EVERY == 0 {
            lakes.check_lake();
        }
    }
    println!("{} mutated lake files, run files and footers", mutations());
}
