//! The job that a process belongs to: launchers start several processes, and those write to one run.
//!
//! Nothing has to be set for that. What tells two jobs apart is what the launcher says of itself, or else the process that
//! started the ranks; both are the same for all ranks, so that each finds the run without asking the others.

use crate::disk::{current_process, process_start_ticks};
use crate::settings::variable;

/// How a launcher describes a process and its job, by names of variables.
struct Launcher {
    name: &'static str,
    rank: &'static str,
    /// Number of ranks: the first that is set.
    size: &'static [&'static str],
    /// Number of ranks on this machine.
    local_size: &'static str,
    /// What together tells the job from any other, also on other machines; all must be set.
    identity: &'static [&'static str],
    /// How often the job was started again.
    restart: &'static str,
}

/// In order of preference: what runs inside another launcher's job comes first.
const LAUNCHERS: [Launcher; 5] = [
    // torch.distributed.run; also what people set by hand for torch.distributed.
    Launcher {
        name: "torchrun",
        rank: "RANK",
        size: &["WORLD_SIZE"],
        local_size: "LOCAL_WORLD_SIZE",
        identity: &["TORCHELASTIC_RUN_ID"],
        restart: "TORCHELASTIC_RESTART_COUNT",
    },
    // srun(1). Without a step there is one process: a batch script that starts programs one after the other.
    Launcher {
        name: "slurm",
        rank: "SLURM_PROCID",
        size: &["SLURM_STEP_NUM_TASKS"],
        local_size: "SLURM_STEP_TASKS_PER_NODE",
        identity: &["SLURM_JOB_ID", "SLURM_STEP_ID"],
        restart: "SLURM_RESTART_COUNT",
    },
    Launcher {
        name: "openmpi",
        rank: "OMPI_COMM_WORLD_RANK",
        size: &["OMPI_COMM_WORLD_SIZE"],
        local_size: "OMPI_COMM_WORLD_LOCAL_SIZE",
        identity: &["PMIX_NAMESPACE"],
        restart: "",
    },
    // MPICH, Intel MPI and others with its process manager.
    Launcher {
        name: "pmi",
        rank: "PMI_RANK",
        size: &["PMI_SIZE"],
        local_size: "MPI_LOCALNRANKS",
        identity: &["PMI_JOBID"],
        restart: "",
    },
    // IBM Spectrum's jsrun.
    Launcher {
        name: "jsrun",
        rank: "JSM_NAMESPACE_RANK",
        size: &["JSM_NAMESPACE_SIZE"],
        local_size: "JSM_NAMESPACE_LOCAL_SIZE",
        identity: &["LSB_JOBID", "JSM_NAMESPACE_ID"],
        restart: "",
    },
];

/// What torchrun calls a job that was given no id.
const NO_ID: &str = "none";

/// What a process knows of its job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Job {
    /// The rank of this process, from 0.
    pub rank: Option<u32>,
    /// How many ranks there are, where that is known.
    pub size: Option<u32>,
    /// What all ranks of the job have in common and no other job has; `None` outside of a job of several ranks, and where
    /// it runs on several machines under a launcher that says nothing of it.
    pub identity: Option<String>,
    /// How often the job was started again.
    pub restart: u32,
}

impl Job {
    /// What the environment says.
    #[must_use]
    pub fn detect() -> Self {
        Self::from_variables(&variable, &parent)
    }

    /// Whether several processes are to write to one run.
    #[must_use]
    pub fn has_several_ranks(&self) -> bool {
        self.size.is_some_and(|size| size > 1)
    }

    /// The job with its restarts, as attempts of a run are told apart; `None` without an identity.
    #[must_use]
    pub fn attempt(&self) -> Option<String> {
        self.identity.as_ref().map(|identity| format!("{identity}#{}", self.restart))
    }

    fn from_variables(variable: &dyn Fn(&str) -> Option<String>, parent: &dyn Fn() -> Option<String>) -> Self {
        let number = |name: &str| variable(name)?.parse::<u32>().ok();
        let Some((launcher, rank)) = LAUNCHERS.iter().find_map(|launcher| Some((launcher, number(launcher.rank)?)))
        else {
            return Self::default();
        };
        let size = launcher.size.iter().find_map(|name| number(name));
        let mut job = Self { rank: Some(rank), size, identity: None, restart: number(launcher.restart).unwrap_or(0) };
        if job.has_several_ranks() {
            let parts: Option<Vec<String>> = launcher.identity.iter().map(|name| variable(name)).collect();
            let told = parts.filter(|parts| parts.iter().all(|part| part != NO_ID));
            // torchrun inside a step of SLURM, on several machines: the step is the job.
            let step = || Some(vec![variable("SLURM_JOB_ID")?, variable("SLURM_STEP_ID")?]);
            let spread = number(launcher.local_size).is_some_and(|local| Some(local) != size);
            let identity = told.or_else(|| if spread { step() } else { parent().map(|parent| vec![parent]) });
            job.identity = identity.map(|parts| format!("{}:{}", launcher.name, parts.join(".")));
        }
        job
    }
}

/// The process that started this one, as no other process on this machine is named; `None` where the system does not say.
fn parent() -> Option<String> {
    #[cfg(unix)]
    {
        let parent = std::os::unix::process::parent_id();
        let boot = uuid::Uuid::from_bytes(current_process().boot_id);
        Some(format!("{boot}.{parent}.{}", process_start_ticks(parent)?))
    }
    #[cfg(not(unix))]
    None
}

/// A run id made of what identifies it: the same parts give the same id, on any machine.
#[must_use]
pub fn id_of(parts: &[String]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(variables: &[(&str, &str)]) -> Job {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Job::from_variables(&find, &|| Some("the parent".into()))
    }

    #[test]
    fn outside_of_a_job_there_is_no_rank() {
        assert_eq!(job(&[]), Job::default());
    }

    #[test]
    fn ranks_of_torchrun_share_its_run_id_and_restarts_are_counted() {
        let variables = [
            ("RANK", "3"),
            ("WORLD_SIZE", "4"),
            ("TORCHELASTIC_RUN_ID", "abc"),
            ("TORCHELASTIC_RESTART_COUNT", "2"),
            ("SLURM_PROCID", "0"),
        ];
        let job = job(&variables);
        assert_eq!((job.rank, job.identity.as_deref()), (Some(3), Some("torchrun:abc")));
        assert_eq!(job.attempt().as_deref(), Some("torchrun:abc#2"));
    }

    #[test]
    fn ranks_on_one_machine_without_an_id_share_their_parent() {
        let variables =
            [("RANK", "0"), ("WORLD_SIZE", "4"), ("LOCAL_WORLD_SIZE", "4"), ("TORCHELASTIC_RUN_ID", "none")];
        assert_eq!(job(&variables).identity.as_deref(), Some("torchrun:the parent"));
    }

    #[test]
    fn ranks_on_several_machines_without_an_id_share_the_slurm_step_or_nothing() {
        let mut variables = vec![("RANK", "0"), ("WORLD_SIZE", "8"), ("LOCAL_WORLD_SIZE", "4")];
        assert_eq!(job(&variables).identity, None);
        variables.extend([("SLURM_JOB_ID", "77"), ("SLURM_STEP_ID", "1")]);
        assert_eq!(job(&variables).identity.as_deref(), Some("torchrun:77.1"));
    }

    #[test]
    fn programs_started_one_by_one_in_a_batch_script_are_no_job() {
        let batch = [("SLURM_PROCID", "0"), ("SLURM_JOB_ID", "77"), ("SLURM_NTASKS", "4")];
        assert_eq!(job(&batch).identity, None);
        let step =
            [("SLURM_PROCID", "1"), ("SLURM_JOB_ID", "77"), ("SLURM_STEP_ID", "2"), ("SLURM_STEP_NUM_TASKS", "4")];
        assert_eq!(job(&step).identity.as_deref(), Some("slurm:77.2"));
    }

    #[test]
    fn ids_of_parts_do_not_collide_by_joining() {
        let id = |parts: &[&str]| id_of(&parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>());
        assert_eq!(id(&["a", "b"]), id(&["a", "b"]));
        assert_ne!(id(&["a", "b"]), id(&["ab"]));
        assert_ne!(id(&["a", "b"]), id(&["a", "", "b"]));
    }
}
