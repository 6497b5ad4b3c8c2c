//! A run: what a surface (Python, the command line) may do to one.
//!
//! [`Run::open`] starts or resumes a run and returns once its identity and first attributes survive a loss of power.
//! Logging goes through [`Run::writer`], which in a forked child is another writer of the same run, started at its first
//! use; what the child inherited is never touched.

mod attempt;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::disk::{OsDisk, SharedDisk, current_process};
use crate::error::{Error, Result};
use crate::format::layout::{self, RUN_FILE};
use crate::format::rows::Origin;
use crate::lake::Lake;
use crate::lake::run::RunFile;
use crate::name;
use crate::settings::WriterSettings;
use crate::value::{Attribute, WriterId};
use crate::writer::folder::RunFolder;
use crate::writer::{Writer, fork};

/// What to do about a run of the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resume {
    /// There must be none.
    #[default]
    Never,
    /// Go on with it, or begin it.
    Auto,
    /// There must be one.
    Must,
}

/// How to open a run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The run's id; a new one if `None`.
    pub id: Option<String>,
    /// What to do about a run of that id.
    pub resume: Resume,
    /// Go back to this step: rows of earlier attempts from it on are no longer current.
    pub resume_from: Option<i64>,
    /// The rank of this process in its job.
    pub rank: Option<u32>,
    /// Attributes that are on disk before `open` returns.
    pub attributes: Vec<(String, Attribute)>,
    /// How the writer works.
    pub settings: WriterSettings,
}

/// A run that is being written to by this process. `C` is the caller's state under the writer's lock.
#[derive(Debug)]
pub struct Run<C> {
    id: String,
    project: String,
    lake: PathBuf,
    dir: PathBuf,
    attempt: u32,
    resumed: bool,
    rank: Option<u32>,
    settings: WriterSettings,
    disk: SharedDisk,
    run_file: Vec<u8>,
    process: Slot<C>,
}

/// The writer of one process, and of its forked children.
#[derive(Debug)]
struct Slot<C> {
    writer: Writer<C>,
    id: WriterId,
    child: OnceLock<Box<Slot<C>>>,
}

impl<C: Default + Send + 'static> Run<C> {
    /// Starts or resumes a run of `project` in the lake at `lake`, which is made if need be.
    ///
    /// A folder that cannot be written is not an error: the run then begins in memory and
    /// [`Writer::take_reports`] says why.
    ///
    /// # Errors
    /// [`Error::InvalidName`]; [`Error::AlreadyExists`] or [`Error::NotFound`], by [`Options::resume`];
    /// [`Error::Damaged`] or [`Error::Version`] where something else is in the way.
    pub fn open(lake: &Path, project: &str, options: Options) -> Result<Self> {
        let disk: SharedDisk = Arc::new(OsDisk);
        let id = options.id.unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
        name::check("project", project)?;
        name::check("run id", &id)?;
        let lake = crate::disk::absolute(lake)?;
        match Lake::create_on(disk.clone(), &lake) {
            // Reported by the writer, which meets it too.
            Err(Error::Io { .. }) | Ok(_) => {}
            Err(error) => return Err(error),
        }
        let dir = layout::run_dir(&lake, project, &id);
        let exists = disk.exists(&dir.join(RUN_FILE));
        match (options.resume, exists) {
            (Resume::Never, true) => {
                let hint = "choose another id, or go on with it by resume=\"must\"";
                return Err(Error::AlreadyExists { what: "run", name: id, hint, path: dir });
            }
            (Resume::Must, false) => {
                let hint = "; resume=\"auto\" begins it".to_owned();
                return Err(Error::NotFound { what: "run", name: id, hint, path: lake });
            }
            _ => {}
        }
        let attempt = if exists { attempt::next(&*disk, &dir, options.resume_from.is_some())? } else { 1 };
        let mut run_file = serde_json::to_vec(&RunFile::new(project, &id)).unwrap_or_default();
        run_file.push(b'\n');
        let process = Slot::start(&disk, &dir, &run_file, attempt, options.rank, &options.settings);
        {
            let mut locked = process.writer.lock();
            if let Some(step) = options.resume_from {
                locked.appender.set_attribute(&format!("attempt/{attempt}/from"), &Attribute::int(step));
            }
            for (path, value) in &options.attributes {
                locked.appender.set_attribute(path, value);
            }
        }
        // What cannot be synced now is reported by the writer when it tries again.
        process.writer.sync().ok();
        let (rank, settings) = (options.rank, options.settings);
        Ok(Self {
            id,
            project: project.to_owned(),
            lake,
            dir,
            attempt,
            resumed: exists,
            rank,
            settings,
            disk,
            run_file,
            process,
        })
    }

    /// The writer of the calling process.
    #[inline]
    pub fn writer(&self) -> &Writer<C> {
        &self.slot().writer
    }

    #[inline]
    fn slot(&self) -> &Slot<C> {
        let generation = fork::generation();
        if self.process.writer.generation() == generation { &self.process } else { self.forked_slot(generation) }
    }

    #[cold]
    fn forked_slot(&self, generation: u32) -> &Slot<C> {
        let mut slot = &self.process;
        while slot.writer.generation() != generation {
            slot = slot.child.get_or_init(|| {
                Box::new(Slot::start(&self.disk, &self.dir, &self.run_file, self.attempt, self.rank, &self.settings))
            });
        }
        slot
    }

    /// Whether the calling process has a writer already, and is not a forked child that never used the run.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        let generation = fork::generation();
        let mut slot = &self.process;
        while slot.writer.generation() != generation {
            match slot.child.get() {
                Some(child) => slot = child,
                None => return false,
            }
        }
        true
    }

    /// The run's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The run's project.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The lake's folder.
    #[must_use]
    pub fn lake(&self) -> &Path {
        &self.lake
    }

    /// The run's folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The attempt, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Whether the run existed before.
    #[must_use]
    pub fn resumed(&self) -> bool {
        self.resumed
    }

    /// The rank of this process in its job.
    #[must_use]
    pub fn rank(&self) -> Option<u32> {
        self.rank
    }

    /// The id of the calling process' writer.
    #[must_use]
    pub fn writer_id(&self) -> WriterId {
        self.slot().id
    }
}

impl<C: Default + Send + 'static> Slot<C> {
    /// Starts a writer and records whose it is.
    fn start(
        disk: &SharedDisk,
        dir: &Path,
        run_file: &[u8],
        attempt: u32,
        rank: Option<u32>,
        settings: &WriterSettings,
    ) -> Self {
        let id = WriterId::random();
        let process = current_process();
        let own = |key: &str| format!("writer/{id}/{key}");
        let mut attributes = vec![
            (own("status"), Attribute::text("running")),
            (own("attempt"), Attribute::int(attempt.into())),
            (own("host"), Attribute::text(process.host.clone())),
            (own("pid"), Attribute::int(process.pid.into())),
        ];
        attributes.extend(rank.map(|rank| (own("rank"), Attribute::int(rank.into()))));
        let folder = RunFolder::new(disk.clone(), dir.to_owned(), run_file.to_owned());
        let writer = Writer::start(folder, Origin { writer: id, rank, attempt }, process, settings);
        {
            let mut locked = writer.lock();
            for (path, value) in &attributes {
                locked.appender.set_attribute(path, value);
            }
        }
        Self { writer, id, child: OnceLock::new() }
    }
}
