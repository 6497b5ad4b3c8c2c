//! A run: what a surface (Python, the command line) may do to one.
//!
//! [`Run::open`] starts or resumes a run and returns once its identity and first attributes survive a loss of power.
//! Logging goes through [`Run::writer`], which in a forked child is another writer of the same run, started at its first
//! use; what the child inherited is never touched.

mod attempt;
pub mod job;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use self::attempt::Found;
use crate::clock::Clock;
use crate::disk::{OsDisk, SharedDisk, current_process};
use crate::error::{Error, Result};
use crate::format::layout::{self, RUN_FILE};
use crate::format::rows::Origin;
use crate::lake::Lake;
use crate::lake::run::{RunFile, RunRef};
use crate::name;
use crate::settings::WriterSettings;
use crate::value::{Attribute, WriterId};
use crate::writer::folder::{Identity, RunFolder};
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
    /// What the processes have in common that make one attempt together; see [`job::Job::attempt`].
    pub job: Option<String>,
    /// When the run began, in microseconds since 1970 UTC, where it was recorded elsewhere before; else now.
    pub began_micros: Option<i64>,
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
    resumed: bool,
    place: Place,
    process: Slot<C>,
}

/// What all writers of a process and of its forked children have in common.
#[derive(Debug)]
struct Place {
    disk: SharedDisk,
    dir: PathBuf,
    identity: Identity,
    attempt: u32,
    rank: Option<u32>,
    job: Option<String>,
    clock: Clock,
    settings: WriterSettings,
}

/// The writer of one process, and of its forked children.
#[derive(Debug)]
struct Slot<C> {
    writer: Writer<C>,
    id: WriterId,
    child: OnceLock<Box<Self>>,
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
        // A process whose own folder is gone still trains.
        let lake = crate::disk::absolute(lake).unwrap_or_else(|_gone| lake.to_owned());
        match Lake::open_on(disk.clone(), &lake) {
            // It is made with the run. What else the disk refuses is reported by the writer, which meets it too.
            Err(Error::NotFound { .. } | Error::Io { .. }) | Ok(_) => {}
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
        let rewinds = options.resume_from.is_some();
        let nothing = Found { attempt: 1, newest_micros: i64::MIN };
        let found = if exists { attempt::find(&*disk, &dir, rewinds, options.job.as_deref()) } else { Ok(nothing) };
        // A process that cannot see what there is still logs, as the first attempt, and says so.
        let (Found { attempt, newest_micros }, unseen) =
            found.map_or_else(|error| (nothing, Some(error)), |found| (found, None));
        let clock = options.began_micros.map_or_else(|| Clock::start_after(newest_micros), Clock::standing_at);
        let identity =
            [Lake { path: lake.clone(), disk: disk.clone() }.identity(), RunFile::new(project, &id).identity(&dir)];
        let Options { rank, job, settings, .. } = options;
        let place = Place { disk, dir, identity, attempt, rank, job, clock, settings };
        let process = Slot::start(&place, None);
        {
            let mut locked = process.writer.lock();
            locked.appender.trouble = unseen;
            if let Some(step) = options.resume_from {
                locked.appender.set_attribute(&format!("attempt/{attempt}/from"), &Attribute::int(step));
            }
            for (path, value) in &options.attributes {
                locked.appender.set_attribute(path, value);
            }
        }
        process.writer.secure();
        Ok(Self { id, project: project.to_owned(), lake, resumed: exists, place, process })
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
            slot = slot.child.get_or_init(|| Box::new(Slot::start(&self.place, Some(slot.id))));
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
        &self.place.dir
    }

    /// The run by name and place.
    #[must_use]
    pub fn place(&self) -> RunRef {
        RunRef {
            project: self.project.as_str().into(),
            id: self.id.as_str().into(),
            dir: self.place.dir.as_path().into(),
        }
    }

    /// The attempt, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.place.attempt
    }

    /// Whether the run existed before.
    #[must_use]
    pub fn resumed(&self) -> bool {
        self.resumed
    }

    /// The rank of this process in its job.
    #[must_use]
    pub fn rank(&self) -> Option<u32> {
        self.place.rank
    }

    /// The id of the calling process' writer.
    #[must_use]
    pub fn writer_id(&self) -> WriterId {
        self.slot().id
    }
}

impl<C: Default + Send + 'static> Slot<C> {
    /// Starts a writer and records whose it is; `parent` is that of the process that this one was forked from.
    fn start(place: &Place, parent: Option<WriterId>) -> Self {
        let id = WriterId::random();
        let process = current_process();
        let &Place { attempt, rank, .. } = place;
        let own = |key: &str| format!("writer/{id}/{key}");
        let mut attributes = vec![
            (own("status"), Attribute::text("running")),
            (own("attempt"), Attribute::int(attempt.into())),
            (own("host"), Attribute::text(process.host.clone())),
            (own("pid"), Attribute::int(process.pid.into())),
        ];
        attributes.extend(rank.map(|rank| (own("rank"), Attribute::int(rank.into()))));
        attributes.extend(place.job.as_ref().map(|job| (own("job"), Attribute::text(job.clone()))));
        attributes.extend(parent.map(|parent| (own("parent"), Attribute::text(parent.to_string()))));
        let folder = RunFolder::new(place.disk.clone(), place.dir.clone(), place.identity.clone());
        let writer = Writer::start(folder, Origin { writer: id, rank, attempt }, process, &place.settings);
        {
            let mut locked = writer.lock();
            locked.appender.clock = place.clock.clone();
            for (path, value) in &attributes {
                locked.appender.set_attribute(path, value);
            }
        }
        Self { writer, id, child: OnceLock::new() }
    }
}
