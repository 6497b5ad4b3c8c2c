//! What commands do that only shows with lakes in unusual states, terminals and streams that tests can make. What each
//! prints as a whole is in `tests/cli/`.

#![expect(clippy::disallowed_methods, reason = "tests look at the disk from outside")]

use std::io::{self, Write};
use std::path::Path;

use super::*;
use crate::clock;
use crate::disk::current_process;
use crate::lake::fixture::{self, Writer};
use crate::lake::{Lake, RunRef};
use crate::value::Attribute;

const IDS: [&str; 3] = [
    "0192f0c4-1a2b-7000-8000-000000000001",
    "0192f0c4-1a2b-7000-9000-000000000002",
    "0192f0c5-0000-7000-8000-000000000003",
];

/// No command of these tests is one of the package's.
struct NoPackage;

impl Package for NoPackage {
    fn run(&self, request: &str) -> Result<bool, String> {
        Err(request.to_owned())
    }
}

/// What a command line came to.
struct Done {
    exit: i32,
    out: String,
    err: String,
}

/// Runs a command line on a lake, without a terminal.
fn run(lake: &Path, args: &[&str]) -> Done {
    run_on(lake, args, |_| {})
}

fn run_on(lake: &Path, args: &[&str], set: impl FnOnce(&mut Terminal<'_>)) -> Done {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut terminal = Terminal::plain(&mut out, &mut err);
    set(&mut terminal);
    let lake = format!("--lake={}", lake.display());
    let exit = main(args.iter().copied().chain([lake.as_str()]).map(OsString::from), &mut terminal, &NoPackage);
    drop(terminal);
    Done { exit, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

/// A writer that began three minutes ago and whose run has a name.
fn writer(run: &RunRef, name: &str) -> Writer {
    let mut writer = Writer::starting_at(clock::wall_micros() - 180_000_000, run, 1, None);
    writer.heartbeat_micros = writer.time + 60_000_000;
    writer.attribute("name", Attribute::text(name));
    writer
}

/// A run that is finished, one that is killed and one that is running.
fn lake() -> (tempfile::TempDir, Lake) {
    let (dir, lake) = fixture::lake();
    let mut finished = writer(&fixture::run(&lake, "digits", IDS[0]), "baseline");
    finished.log("loss", 0, 1.0);
    finished.log("loss", 1, 0.25);
    finished.attribute("summary/loss", Attribute::float(0.25));
    finished.attribute("tags", Attribute::json(r#"["a","b"]"#));
    finished.writer_attribute("status", Attribute::text("finished"));
    finished.put_into_segments();
    let mut killed = writer(&fixture::run(&lake, "digits", IDS[1]), "a name that is too long for a small terminal");
    killed.log("loss", 0, 0.5);
    killed.put_into_journal();
    let mut running = writer(&fixture::run(&lake, "other", IDS[2]), "live");
    running.process = current_process();
    running.log("rare", 0, f64::NAN);
    running.put_into_journal();
    (dir, lake)
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[test]
fn the_list_fits_the_terminal_and_has_colours_there_only() {
    let (dir, _lake) = lake();
    let narrow = run_on(dir.path(), &["ls", "--sort=name"], |terminal| terminal.width = Some(100));
    let expected = [
        "ID                    PROJECT  NAME                        STATUS    CREATED    DURATION  TAGS  loss",
        "0192f0c4-1a2b-7000-9  digits   a name that is too long f…  killed    3 min ago     1 min  -      0.5",
        "0192f0c4-1a2b-7000-8  digits   baseline                    finished  3 min ago      0 ms  a, b  0.25",
        "0192f0c5-0000         other    live                        running   3 min ago     1 min  -        -",
    ];
    assert_eq!(lines(&narrow.out), expected);
    let narrower = run_on(dir.path(), &["ls"], |terminal| terminal.width = Some(80));
    assert!(lines(&narrower.out)[0].ends_with("DURATION"), "{}", narrower.out);
    let plain = run(dir.path(), &["ls"]).out;
    assert!(!plain.contains('\x1b') && plain.contains("small terminal"), "{plain}");
    let colours = run_on(dir.path(), &["ls"], |terminal| terminal.out_has_colors = true).out;
    assert!(colours.contains("\x1b[32mfinished\x1b[0m"), "{colours}");
}

#[test]
fn runs_are_filtered_and_sorted() {
    let (dir, _lake) = lake();
    let names = |args: &[&str]| -> String {
        let done = run(dir.path(), &[&["ls", "--json"], args].concat());
        assert_eq!(done.exit, 0, "{}", done.err);
        let runs: Vec<serde_json::Value> = serde_json::from_str(&done.out).unwrap();
        runs.iter().map(|run| run["name"].as_str().unwrap().chars().next().unwrap()).collect()
    };
    assert_eq!(names(&["--project=digits", "--sort=name"]), "ab");
    assert_eq!(names(&["--status=killed", "--status=running", "--sort=name"]), "al");
    assert_eq!(names(&["--tag=a", "--tag=b"]), "b");
    assert_eq!(names(&["--tag=a", "--tag=c"]), "");
    assert_eq!(names(&["--sort=loss"]), "bal");
    assert_eq!(names(&["--sort=loss", "--reverse"]), "abl");
    assert_eq!(names(&["--sort=name", "--reverse", "--limit=1"]), "l");
}

#[test]
fn a_run_that_cannot_be_read_is_told_and_hides_no_other() {
    let (dir, lake) = lake();
    let metrics = lake.run("digits", IDS[0]).dir.join("attributes");
    let segment = fixture::files(&metrics).remove(0);
    std::fs::write(&segment, b"PAR1").unwrap();
    let done = run(dir.path(), &["ls"]);
    assert_eq!((done.exit, lines(&done.out).len()), (1, 4));
    assert!(done.err.starts_with("warning: damaged segment: ") && done.err.contains(".parquet"), "{}", done.err);
    let done = run(dir.path(), &["verify"]);
    assert_eq!(done.exit, 1);
    let found = lines(&done.out);
    assert!(found[0].starts_with("damaged  0192f0c4-1a2b-7000-8  digits"), "{found:?}");
    assert!(found[1].starts_with("         damage: damaged segment: "), "{found:?}");
    assert!(found.last().unwrap().ends_with("1 damage in 1 run; 1 leftover"), "{found:?}");
}

#[test]
fn all_runs_are_removed_or_none() {
    let (dir, lake) = lake();
    let both = ["rm", "baseline", IDS[2]];
    let done = run(dir.path(), &both);
    assert_eq!((done.exit, done.out.as_str()), (1, ""));
    assert_eq!(lines(&done.err)[0], "error: run 0192f0c5-0000 (other/live) is running; nothing was removed");
    assert_eq!(lake.runs(None, &mut Vec::new()).unwrap().len(), 3);
    let ambiguous = run(dir.path(), &["rm", "baseline", "0192"]);
    assert_eq!((ambiguous.exit, ambiguous.out.as_str()), (1, ""));
    assert!(ambiguous.err.contains("hint: give more of the id"), "{}", ambiguous.err);
    let done = run(dir.path(), &["rm", "baseline", IDS[2], "--force", "baseline"]);
    assert_eq!((done.exit, lines(&done.out).len()), (0, 3));
    assert_eq!(lake.runs(None, &mut Vec::new()).unwrap().len(), 1);
    let again = run(dir.path(), &both);
    assert_eq!((again.exit, again.out.as_str()), (0, ""));
    assert_eq!(lines(&again.err)[0], "warning: run \"baseline\" is in the trash already");
    assert_eq!(run(dir.path(), &["trash", "restore"]).exit, 0);
    assert_eq!(lake.runs(None, &mut Vec::new()).unwrap().len(), 3);
}

#[test]
fn a_live_run_is_not_compacted() {
    let (dir, _lake) = lake();
    let all = run(dir.path(), &["compact"]);
    assert_eq!(all.exit, 0, "{}", all.err);
    assert!(all.out.contains("; 1 passed over, running"), "{}", all.out);
    let named = run(dir.path(), &["compact", "live"]);
    assert_eq!(named.exit, 1);
    assert!(named.err.starts_with("warning: it is running"), "{}", named.err);
}

#[test]
fn what_is_meant_is_said_where_a_name_is_nearly_right() {
    let (dir, _lake) = lake();
    for (args, expected) in [
        (vec!["show", "baselin"], "error: no run \"baselin\" in LAKE; did you mean \"baseline\"?"),
        (vec!["ls", "--project=digit"], "error: no project \"digit\" in LAKE; did you mean \"digits\"?"),
        (vec!["ls", "--sort=los"], "error: no value of the summaries \"los\" in LAKE; did you mean \"loss\"?"),
        (vec!["metrics", "--metric=lss"], "warning: no values of metric \"lss\"; did you mean \"loss\"?"),
    ] {
        let done = run(dir.path(), &args);
        let lake = dir.path().canonicalize().unwrap();
        let first = lines(&done.err)[0].replace(lake.to_str().unwrap(), "LAKE");
        assert_eq!((done.exit, first.as_str()), (1, expected));
    }
    let missing = run(&dir.path().join("none"), &["ls"]);
    assert_eq!(missing.exit, 1);
    assert!(missing.err.ends_with("hint: --lake PATH or RUNLAKE_LAKE names another folder\n"), "{}", missing.err);
}

#[test]
fn wrong_usage_exits_with_2_and_help_with_0() {
    let dir = Path::new("none");
    for args in
        [&["lss"][..], &["rm"], &["ls", "--limit=x"], &["metrics", "--format=csv", "--json"], &["metrics", "--steps=3"]]
    {
        let done = run(dir, args);
        assert_eq!((done.exit, done.out.as_str()), (2, ""), "{args:?}");
        assert!(done.err.starts_with("error: "), "{}", done.err);
    }
    for args in [&["--help"][..], &["tail", "-h"], &["trash", "restore", "--help"], &["--version"]] {
        let done = run(dir, args);
        assert_eq!((done.exit, done.err.as_str()), (0, ""), "{args:?}");
    }
}

/// A reader that goes away after some bytes.
struct Pipe(usize);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A stream that takes nothing.
struct Full;
impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error_and_a_full_disk_is() {
    let (dir, _lake) = lake();
    let lake = format!("--lake={}", dir.path().display());
    for command in ["ls", "metrics", "verify", "tail", "--help"] {
        let mut err = Vec::new();
        let args = [command, "--no-follow", "baseline", &lake];
        let args = if command == "tail" { &args[..] } else { &[command, &lake] };
        let exit = main(args.iter().map(OsString::from), &mut Terminal::plain(Pipe(0), &mut err), &NoPackage);
        assert_eq!((exit, String::from_utf8(err).unwrap().as_str()), (0, ""), "{command}");
    }
    let mut err = Vec::new();
    let exit = main(["ls", &lake].map(OsString::from), &mut Terminal::plain(Full, &mut err), &NoPackage);
    assert_eq!(
        (exit, String::from_utf8(err).unwrap().as_str()),
        (1, "error: cannot write: no storage space: standard output\n")
    );
}

#[test]
fn a_long_table_and_a_wide_one_show_what_was_logged() {
    let (dir, _lake) = lake();
    let long = run(dir.path(), &["metrics", "--project=digits"]);
    let rows: Vec<String> =
        lines(&long.out).iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert!(
        rows[0] == "RUN NAME METRIC STEP TIME VALUE" && rows[1].contains("baseline loss 0") && rows[1].ends_with(" 1"),
        "{rows:?}"
    );
    assert_eq!(rows.len(), 4);
    let wide = run(dir.path(), &["metrics", "baseline", "--wide", "--steps=1:"]);
    assert_eq!(wide.out, "STEP  loss\n   1  0.25\n");
    let json = run(dir.path(), &["metrics", "live", "--json"]);
    let row: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&row["value"], &row["step"], &row["name"]), (&"NaN".into(), &0.into(), &"live".into()));
}

#[test]
fn many_problems_are_counted() {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut terminal = Terminal::plain(&mut out, &mut err);
    let mut session = Session { terminal: &mut terminal, lake: "lake".into(), json: false, package: &NoPackage };
    let problems: Vec<Problem> =
        (0..30).map(|n| Problem { path: format!("file {}", n % 25).into(), text: "torn".into() }).collect();
    assert_eq!(session.warn(&problems), Exit::Found);
    assert_eq!(session.warn(&[]), Exit::Fine);
    drop(terminal);
    let err = String::from_utf8(err).unwrap();
    assert_eq!(lines(&err).len(), MAX_WARNINGS + 1);
    assert_eq!(lines(&err)[MAX_WARNINGS], "warning: 5 problems more; `runlake verify` lists all");
}

#[test]
fn runs_that_a_terminal_has_no_room_for_are_compared_below_the_others() {
    let (dir, lake) = fixture::lake();
    for number in 1..=5 {
        let id = format!("run-{number}");
        let mut writer = writer(&fixture::run(&lake, "p", &id), &id);
        writer.attribute("config/lr", Attribute::float(f64::from(number) / 8.0));
        writer.log("loss", 0, f64::from(number));
        writer.put_into_journal();
    }
    let compare = |width| run_on(dir.path(), &["compare"], |terminal| terminal.width = width);
    let narrow = compare(Some(80));
    let configuration = [
        "Configuration",
        "      run-1  run-2  run-3",
        "  lr  0.125  0.25   0.375",
        "",
        "      run-4  run-5",
        "  lr  0.5    0.625",
        "",
        "Metrics  last values; changes against run-1",
    ];
    let shown = lines(&narrow.out);
    let first = shown.iter().position(|line| *line == configuration[0]).unwrap();
    assert_eq!(shown[first..first + configuration.len()], configuration);
    assert!(shown.iter().all(|line| line.chars().count() <= 80), "{}", narrow.out);
    assert_eq!(narrow.err, "");
    assert!(compare(None).out.contains("  lr  0.125  0.25   0.375  0.5    0.625\n"));
}
