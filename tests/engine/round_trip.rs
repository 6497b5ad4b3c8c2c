//! Any way of logging, with pages and segments so small that everything happens often, reads back row for row.

use proptest::prelude::*;
use runlake::disk::OsDisk;
use runlake::journal::metrics::Metrics;
use runlake::run::{Options, Resume, Run};
use runlake::settings::WriterSettings;
use runlake::value::Scalar;

use crate::rows::{Row, rows};

#[derive(Debug, Clone)]
enum Op {
    Numbers(i64, Vec<(u8, u64)>),
    Exact(i64, u8, Scalar),
    Attribute(u8, String),
    Flush,
    Sleep,
}

fn op() -> impl Strategy<Value = Op> {
    let exact = prop_oneof![
        any::<String>().prop_map(|text| Scalar::Text(text.into())),
        Just(Scalar::Exact(1e300, "123456789012345678901234567890".into())),
    ];
    prop_oneof![
        20 => (any::<i64>(), prop::collection::vec((0..6_u8, any::<u64>()), 1..40)).prop_map(|(step, v)| Op::Numbers(step, v)),
        3 => (any::<i64>(), 0..6_u8, exact).prop_map(|(step, id, value)| Op::Exact(step, id, value)),
        3 => (0..4_u8, ".{0,3000}").prop_map(|(path, text)| Op::Attribute(path, text)),
        1 => Just(Op::Flush),
        1 => Just(Op::Sleep),
    ]
}

fn settings() -> WriterSettings {
    WriterSettings { page_bytes: 8192, segment_rows: 200, sync: None, ..WriterSettings::default() }
}

fn metric(id: u8) -> String {
    format!("metric {id}").repeat(usize::from(id) * 20 + 1)
}

/// Logs all of it and returns the rows that must be found.
fn perform(run: &Run<()>, ops: &[Op]) -> Vec<Row> {
    let mut expected = Vec::new();
    let mut push = |name: String, step, value: Option<f64>, text: Option<&str>| {
        let seq = expected.len() as u64;
        expected.push((name, step, value.map(f64::to_bits), text.map(str::to_owned), seq));
    };
    for op in ops {
        match op {
            Op::Numbers(step, values) => {
                let mut locked = run.writer().lock();
                // Half of the events go the quick way, as long as the page has room.
                let mut left = values.iter();
                let quick = step % 2 == 0;
                let next = |metrics: &mut Metrics| {
                    left.next().map(|(id, bits)| (metrics.id(&metric(*id)), f64::from_bits(*bits)))
                };
                let is_done = quick && locked.appender.log_from(Some(*step), values.len(), next).is_some();
                let numbers: Vec<_> = values
                    .iter()
                    .map(|(id, bits)| (locked.appender.metrics.id(&metric(*id)), f64::from_bits(*bits)))
                    .collect();
                let (step, time) = locked.appender.coordinates(Some(*step), None);
                if !is_done {
                    locked.appender.log(step, time, &numbers);
                }
                drop(locked);
                for (id, bits) in values {
                    push(metric(*id), step, Some(f64::from_bits(*bits)), None);
                }
            }
            Op::Exact(step, id, value) => {
                let mut locked = run.writer().lock();
                let metric_id = locked.appender.metrics.id(&metric(*id));
                let (step, time) = locked.appender.coordinates(Some(*step), None);
                locked.appender.log_exact(step, time, metric_id, value);
                drop(locked);
                push(metric(*id), step, value.value(), value.text());
            }
            Op::Attribute(path, text) => {
                let value = runlake::value::Attribute::text(text.clone());
                run.writer().lock().appender.set_attribute(&format!("config/{path}"), &value);
            }
            Op::Flush => run.writer().flush(None, &mut || false).unwrap(),
            Op::Sleep => std::thread::sleep(std::time::Duration::from_millis(3)),
        }
    }
    expected.sort();
    expected
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn what_is_logged_reads_back_live_and_finished(ops in prop::collection::vec(op(), 0..120)) {
        let dir = tempfile::tempdir().unwrap();
        let options = Options { settings: settings(), ..Options::default() };
        let run: Run<()> = Run::open(dir.path(), "project", options).unwrap();
        let expected = perform(&run, &ops);
        prop_assert_eq!(&rows(&OsDisk, run.dir()), &expected, "live");
        run.writer().finish("finished").unwrap();
        prop_assert_eq!(&rows(&OsDisk, run.dir()), &expected, "finished");
        let left = std::fs::read_dir(run.dir().join("journal")).unwrap().count();
        prop_assert_eq!(left, 0, "journal files are gone");
        let files = std::fs::read_dir(run.dir().join("metrics")).unwrap().count();
        prop_assert!(files <= 1, "one segment, found {}", files);
        prop_assert_eq!(run.writer().take_reports(), Vec::<String>::new());
    }
}

#[test]
fn a_resumed_run_keeps_what_it_had_and_counts_its_attempts() {
    let dir = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    for attempt in 1..=20 {
        let options =
            Options { id: Some("run".into()), resume: Resume::Auto, settings: settings(), ..Options::default() };
        let run: Run<()> = Run::open(dir.path(), "project", options).unwrap();
        assert_eq!((run.attempt(), run.resumed()), (attempt, attempt > 1));
        expected.extend(perform(&run, &[Op::Numbers(attempt.into(), vec![(0, 1), (1, 2)])]));
        run.writer().finish("finished").unwrap();
        expected.sort();
        assert_eq!(rows(&OsDisk, run.dir()), expected);
    }
}

#[test]
fn a_second_run_of_the_same_id_is_refused_unless_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let open = |resume| {
        let options = Options { id: Some("../a".into()), resume, settings: settings(), ..Options::default() };
        Run::<()>::open(dir.path(), "..", options)
    };
    let missing = open(Resume::Must).unwrap_err().to_string();
    assert!(missing.starts_with("no run \"../a\" in "), "{missing}");
    let run = open(Resume::Never).unwrap();
    assert!(run.dir().starts_with(std::fs::canonicalize(dir.path()).unwrap()));
    let exists = open(Resume::Never).unwrap_err().to_string();
    assert!(exists.contains("already exists; choose another id"), "{exists}");
}
