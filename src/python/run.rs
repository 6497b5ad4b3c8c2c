//! `Run`: the handle of a run that is being written to.

#![expect(
    clippy::doc_markdown,
    reason = "Python's docstrings: names of arguments and errors stand bare in Google style"
)]

use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyAnyMethods, PyDict, PyFloat};

use super::convert;
use super::deferred::Deferred;
use super::error;
use super::keys::KeyCache;
use super::scalars::type_name;
use crate::catalog::Status;
use crate::catalog::liveness::Observer;
use crate::clock::{self, Clock};
use crate::disk::OsDisk;
use crate::error::Error;
use crate::name;
use crate::repair::compact;
use crate::run::{Options, Resume, Run};
use crate::settings::{self, WriterSettings};
use crate::value::{Attribute, AttributeType};
use crate::writer::{Locked, Writer};

/// How long the end of a run waits for a device.
const DEVICE_TIMEOUT: Duration = Duration::from_secs(60);
const NOT_COMPUTED: &str = "its device did not compute it in time";

/// An attribute as Python hands it over: path, type, number, text.
type AttributeRow = (String, String, Option<f64>, Option<String>);

/// A run of this process. The base of `runlake.Run`, which people use.
#[pyclass(name = "Run", module = "runlake._runlake", subclass, frozen, weakref)]
#[derive(Debug)]
pub(crate) struct PyRun {
    /// `None` in mode "disabled".
    pub(super) run: Option<Run<KeyCache>>,
    id: String,
    project: String,
    lake: PathBuf,
    strict: bool,
    rank: Option<u32>,
    started_micros: i64,
    deferred: Deferred,
    /// Set by `close`. A child that is forked later sees it, too.
    pub(super) closed: AtomicBool,
}

#[pymethods]
impl PyRun {
    /// Starts or resumes a run; its attributes are on disk, synced, before this returns.
    ///
    /// Args:
    ///     began: When it began, in microseconds since 1970 UTC, where it was recorded elsewhere before. Default: now.
    ///
    /// Raises:
    ///     InvalidName, InvalidArgument: for names and options that cannot be used.
    ///     AlreadyExists, NotFound: by `resume`, which is "never", "auto" or "must".
    #[new]
    #[pyo3(signature = (lake, project, *, id=None, resume="never", resume_from=None, rank=None, job=None, strict=false, mode="online", began=None, attributes=Vec::new()))]
    #[expect(clippy::too_many_arguments, reason = "the options of a run; keyword-only in Python")]
    fn new(
        py: Python<'_>,
        lake: Option<PathBuf>,
        project: String,
        id: Option<String>,
        resume: &str,
        resume_from: Option<i64>,
        rank: Option<u32>,
        job: Option<String>,
        strict: bool,
        mode: &str,
        began: Option<i64>,
        attributes: Vec<AttributeRow>,
    ) -> PyResult<Self> {
        let resume = match resume {
            "never" => Resume::Never,
            "auto" => Resume::Auto,
            "must" => Resume::Must,
            other => return Err(invalid("resume", other, r#""never", "auto" or "must""#)),
        };
        let attributes = attributes_of(attributes)?;
        let started_micros = clock::wall_micros();
        let lake = settings::lake_path(lake);
        if mode == "disabled" {
            name::check("project", &project)?;
            let id = id.unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
            let closed = AtomicBool::new(false);
            let deferred = Deferred::default();
            return Ok(Self { run: None, id, project, lake, strict, rank, started_micros, deferred, closed });
        }
        if mode != "online" {
            return Err(invalid("mode", mode, r#""online" or "disabled""#));
        }
        let mut settings = WriterSettings::from_env()?;
        if strict {
            settings.quiet = Duration::ZERO;
        }
        let options = Options { id, resume, resume_from, rank, job, began_micros: began, attributes, settings };
        let run = py.detach(|| Run::open(&lake, &project, options))?;
        let (id, lake) = (run.id().to_owned(), run.lake().to_owned());
        let closed = AtomicBool::new(false);
        let deferred = Deferred::default();
        let opened = Self { run: Some(run), id, project, lake, strict, rank, started_micros, deferred, closed };
        opened.report(py)?;
        Ok(opened)
    }

    /// Sets attributes: rows of path, type, number and text. Runs no code of anybody else's, so that callers may hold locks;
    /// they call `report` afterwards.
    fn set_attributes(&self, rows: Vec<AttributeRow>) -> PyResult<()> {
        let attributes = attributes_of(rows)?;
        self.store(|locked| {
            for (path, value) in &attributes {
                locked.appender.set_attribute(path, value);
            }
        })
    }

    /// Shows what went wrong in the background, as warnings.
    ///
    /// Raises:
    ///     LoggingError: instead, with `strict`.
    #[pyo3(name = "report")]
    fn report_to_python(&self, py: Python<'_>) -> PyResult<()> {
        self.report(py)
    }

    /// The last number that this process logged of a metric; None if it logged none.
    fn last(&self, metric: &str) -> Option<f64> {
        self.run.as_ref()?.writer().lock().appender.metrics.last(metric)
    }

    /// The last number that this process logged of each metric, by name.
    fn last_values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let values: Vec<(String, f64)> = self.run.as_ref().map_or_else(Vec::new, |run| {
            let locked = run.writer().lock();
            locked.appender.metrics.last_values().map(|(name, value)| (name.to_owned(), value)).collect()
        });
        let dict = PyDict::new(py);
        for (name, value) in values {
            dict.set_item(name, value)?;
        }
        Ok(dict)
    }

    /// Returns once everything logged so far is in Parquet segments.
    ///
    /// Raises:
    ///     LoggingError: after `timeout` seconds (default: no limit), or with `strict` where the disk refuses.
    #[pyo3(signature = (timeout=None))]
    fn flush(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        let timeout = match timeout.map(Duration::try_from_secs_f64) {
            None => None,
            Some(Ok(timeout)) => Some(timeout),
            Some(Err(_)) => return Err(invalid("timeout", "a negative number", "seconds, 0 or more")),
        };
        let Some(writer) = self.writer_in_use()? else { return Ok(()) };
        if !self.deferred.read_all(py, writer, timeout)?
            && let Some(missing) = self.deferred.missing(NOT_COMPUTED)
        {
            return self.soften(py, missing.into());
        }
        let mut interrupt = Ok(());
        #[expect(clippy::redundant_closure_for_method_calls, reason = "the method itself is of one lifetime only")]
        let mut interrupted = || {
            interrupt = Python::attach(|py| py.check_signals());
            interrupt.is_err()
        };
        let flushed = py.detach(|| writer.flush(timeout, &mut interrupted));
        interrupt?;
        flushed.map_err(PyErr::from).or_else(|error| self.soften(py, error))?;
        self.report(py)
    }

    /// Seals and compacts the run's data, removes its journal and records the status; whether there was anything to do. A
    /// second call does nothing, nor does one in a forked child that never used the run.
    ///
    /// Args:
    ///     status: How it ended: "finished" or "failed"; of a run that was recorded elsewhere, also "killed" or "lost".
    ///     ended: When it ended, in microseconds since 1970 UTC, where that was not now.
    #[pyo3(signature = (status="finished", ended=None))]
    fn close(&self, py: Python<'_>, status: &str, ended: Option<i64>) -> PyResult<bool> {
        let is_known = |known: &Status| match known {
            Status::Finished | Status::Failed => true,
            // Whoever records that now has ended otherwise.
            Status::Killed | Status::Lost => ended.is_some(),
            Status::Running => false,
        };
        let known = Status::from_name(status).filter(is_known).map(Status::name);
        let status = known.ok_or_else(|| invalid("status", status, r#""finished" or "failed""#))?;
        let Some(run) = self.run.as_ref().filter(|run| run.is_in_use()) else { return Ok(false) };
        let writer = run.writer();
        if self.closed.swap(true, Ordering::Relaxed) {
            return Ok(false);
        }
        let read = self.deferred.read_all(py, writer, Some(DEVICE_TIMEOUT));
        if !matches!(read, Ok(true)) {
            self.deferred.give_up(writer, NOT_COMPUTED);
        }
        if let Some(ended) = ended {
            writer.lock().appender.clock = Clock::standing_at(ended);
        }
        let finished = py.detach(|| writer.finish(status));
        {
            let mut locked = writer.lock();
            // SAFETY: this thread is attached to Python.
            #[expect(unsafe_code, reason = "gives the keys back while Python is at hand")]
            unsafe {
                locked.caller.clear();
            }
        }
        // Several writers leave several segments each; the last of them makes them few.
        let finished = finished.and_then(|()| py.detach(|| compact::tidy(&OsDisk, &run.place(), &Observer::now())));
        finished.map_err(PyErr::from).map(drop).or_else(|error| self.soften(py, error))?;
        self.report(py)?;
        read.map(|_| true)
    }

    /// Records values that devices have computed since they were logged; whether there are others that they have not.
    fn settle(&self, py: Python<'_>) -> bool {
        let writer = self.run.as_ref().filter(|run| run.is_in_use() && self.deferred.is_waiting()).map(Run::writer);
        writer.is_some_and(|writer| self.deferred.read(py, writer))
    }

    /// Rows of metrics that this process has logged.
    #[getter]
    fn logged_rows(&self) -> u64 {
        self.run.as_ref().map_or(0, |run| run.writer().lock().appender.seqs()[0])
    }

    /// Rows of this process that could not be stored.
    #[getter]
    fn lost_rows(&self) -> u64 {
        self.run.as_ref().map_or(0, |run| run.writer().lock().appender.lost_rows())
    }

    /// The run's id: unique, sorted by time if it was not given.
    #[getter]
    fn id(&self) -> &str {
        &self.id
    }

    /// The project.
    #[getter]
    fn project(&self) -> &str {
        &self.project
    }

    /// The lake's folder.
    #[getter]
    fn lake(&self) -> String {
        self.lake.display().to_string()
    }

    /// The run's folder.
    #[getter]
    fn path(&self) -> String {
        self.run.as_ref().map_or_else(String::new, |run| run.dir().display().to_string())
    }

    /// 1 for a new run; one more for each time it was resumed.
    #[getter]
    fn attempt(&self) -> u32 {
        self.run.as_ref().map_or(1, Run::attempt)
    }

    /// The rank of this process in its job; None if it has none.
    #[getter]
    fn rank(&self) -> Option<u32> {
        self.rank
    }

    /// The id of this process' writer; empty in mode "disabled".
    #[getter]
    fn writer(&self) -> String {
        self.run.as_ref().map_or_else(String::new, |run| run.writer_id().to_string())
    }

    /// Whether this process writes to the run: not so in a forked child that has not used it yet.
    #[getter]
    fn in_use(&self) -> bool {
        self.run.as_ref().is_some_and(Run::is_in_use)
    }

    /// Whether the run was finished; never in mode "disabled".
    #[getter]
    fn finished(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Whether the lake is on a network file system: what is logged then survives a kill of the process after 50 ms, and not
    /// as soon as `log` returns.
    #[getter]
    fn remote(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.writer().appends())
    }

    /// Whether nothing is stored: mode "disabled".
    #[getter]
    fn disabled(&self) -> bool {
        self.run.is_none()
    }

    /// Whether the run existed before.
    #[getter]
    fn resumed(&self) -> bool {
        self.run.as_ref().is_some_and(Run::resumed)
    }

    /// When this process opened the run, in seconds since 1970 UTC.
    #[getter]
    #[expect(clippy::cast_precision_loss, reason = "microseconds since 1970 are exact in f64 until 2255")]
    fn started(&self) -> f64 {
        self.started_micros as f64 / 1e6
    }
}

impl PyRun {
    /// `log`, for every input: see [`super::fastcall`] for the usual one.
    pub(super) fn log_any(
        this: &Bound<'_, Self>,
        data: &Bound<'_, PyAny>,
        step: Option<&Bound<'_, PyAny>>,
        time: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let (py, self_) = (data.py(), this.get());
        let mut event = convert::event(data)?;
        let step = step.filter(|step| !step.is_none()).map(step_of).transpose()?;
        let time = time.filter(|time| !time.is_none()).map(micros_of).transpose()?;
        let Some(writer) = self_.writer_in_use()? else { return Ok(()) };
        if self_.deferred.is_waiting() {
            self_.deferred.read(py, writer);
            self_.deferred.hold_back(&mut event.values, &mut event.late);
        }
        event.late.copy(py)?;
        let mut at = (0, 0);
        self_.store(|locked| {
            at = locked.appender.coordinates(step, time);
            locked.appender.log_values(at.0, at.1, &event.values);
        })?;
        for (metrics, cause) in event.unread {
            writer.report(&Error::Unread { metrics, step: at.0, cause });
        }
        if !event.late.values.is_empty() {
            self_.deferred.push(this.as_any(), writer, at, event.late)?;
        }
        self_.report(py)?;
        if self_.deferred.is_waiting() {
            // The next call comes here as well, and not the short way.
            writer.call_attention();
        }
        Ok(())
    }

    /// Stores something under the lock. All of Python comes before and after, the making of errors included: a thread that waits
    /// for Python with the lock in its hands waits for ever for one that waits for the lock with Python in its own.
    fn store(&self, store: impl FnOnce(&mut Locked<KeyCache>)) -> PyResult<()> {
        let Some(writer) = self.writer_in_use()? else { return Ok(()) };
        let finished = {
            let mut locked = writer.lock();
            if !locked.finished {
                store(&mut locked);
            }
            locked.finished
        };
        if finished { Err(self.finished_error()) } else { Ok(()) }
    }

    /// Shows what went wrong in the background: as warnings, or with `strict` as an exception.
    ///
    /// # Errors
    /// `LoggingError`, only with `strict`.
    fn report(&self, py: Python<'_>) -> PyResult<()> {
        let Some(writer) = self.run.as_ref().map(Run::writer).filter(|writer| writer.wants_attention()) else {
            return Ok(());
        };
        self.show(py, writer)
    }

    #[cold]
    fn show(&self, py: Python<'_>, writer: &Writer<KeyCache>) -> PyResult<()> {
        let reports = writer.take_reports();
        if self.strict && !reports.is_empty() {
            return Err(error::new(py, "LoggingError", reports.join("; ")));
        }
        for report in reports {
            warn(py, &report);
        }
        Ok(())
    }

    /// An error of the background is an exception only with `strict`.
    fn soften(&self, py: Python<'_>, error: PyErr) -> PyResult<()> {
        if self.strict {
            return Err(error);
        }
        warn(py, &error.value(py).to_string());
        Ok(())
    }

    /// The writer of this process; `None` in mode "disabled".
    fn writer_in_use(&self) -> PyResult<Option<&Writer<KeyCache>>> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(self.finished_error());
        }
        Ok(self.run.as_ref().map(Run::writer))
    }

    fn finished_error(&self) -> PyErr {
        Error::Finished { id: self.id.clone() }.into()
    }
}

/// Warns without ever raising: an error in tracking must not end a training run, even where warnings are errors.
fn warn(py: Python<'_>, message: &str) {
    let warned = error::warning(py).and_then(|category| {
        py.import("warnings").and_then(|warnings| warnings.call_method1("warn", (message, category, 2)))
    });
    if warned.is_err() {
        py.import("sys")
            .and_then(|sys| sys.getattr("stderr")?.call_method1("write", (format!("runlake: {message}\n"),)))
            .ok();
    }
}

fn step_of(step: &Bound<'_, PyAny>) -> PyResult<i64> {
    step.extract().map_err(|cause| {
        let error = PyTypeError::new_err(format!(
            "step: expected an integer of 64 bits, got {} {}",
            type_name(step),
            step.repr().map_or_else(|_| String::new(), |repr| repr.to_string())
        ));
        error.set_cause(step.py(), Some(cause));
        error
    })
}

/// Seconds since 1970 UTC of the years 1 to 9999, which data frames and `datetime` can show.
const CALENDAR_SECS: Range<f64> = -62_135_596_800.0..253_402_300_800.0;

/// A `datetime` (without a zone: local time) or seconds since 1970 UTC, in microseconds.
fn micros_of(time: &Bound<'_, PyAny>) -> PyResult<i64> {
    let is_moment = !time.is_instance_of::<PyFloat>() && time.hasattr("timestamp")?;
    let seconds = if is_moment { time.call_method0("timestamp")? } else { time.clone() };
    let seconds: f64 = seconds.extract().map_err(|_not_one| {
        let got = type_name(time);
        PyTypeError::new_err(format!("time: expected a datetime or seconds since 1970 UTC, got {got}"))
    })?;
    if !CALENDAR_SECS.contains(&seconds) {
        let expected = "a datetime or seconds since 1970 UTC, of the years 1 to 9999".to_owned();
        return Err(Error::InvalidArgument { what: "time", got: seconds.to_string(), expected }.into());
    }
    #[expect(clippy::cast_possible_truncation, reason = "of these years")]
    Ok((seconds * 1e6).round() as i64)
}

fn attributes_of(rows: Vec<AttributeRow>) -> PyResult<Vec<(String, Attribute)>> {
    rows.into_iter()
        .map(|(path, kind, number, text)| {
            let kind = AttributeType::from_name(&kind).ok_or_else(|| {
                invalid("attribute type", &kind, "null, bool, int, float, text, json, time or deleted")
            })?;
            Ok((path, Attribute { kind, number, text }))
        })
        .collect()
}

fn invalid(what: &'static str, got: &str, expected: &str) -> PyErr {
    Error::InvalidArgument { what, got: format!("{got:?}"), expected: expected.to_owned() }.into()
}
