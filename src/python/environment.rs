//! What the package asks of the environment: settings, the job that this process belongs to, ids that follow from it.

use pyo3::prelude::*;

use crate::run::job;
use crate::settings;

/// Adds this module's names to the extension module.
pub(super) fn install(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("VARIABLES", settings::VARIABLES.to_vec())?;
    module.add("DEFAULT_PROJECT", settings::DEFAULT_PROJECT)?;
    module.add_class::<PyJob>()?;
    module.add_function(wrap_pyfunction!(variable, module)?)?;
    module.add_function(wrap_pyfunction!(id_of, module)?)
}

/// The value of an environment variable; None where it is not set or empty.
#[pyfunction]
fn variable(name: &str) -> Option<String> {
    settings::variable(name)
}

/// A run id that follows from its parts: the same parts give the same id, on any machine.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "pyo3 hands over what it made of an argument")]
fn id_of(parts: Vec<String>) -> String {
    job::id_of(&parts)
}

/// What launchers (torchrun, srun, mpirun, jsrun) say of this process.
#[pyclass(name = "Job", module = "runlake._runlake", frozen)]
#[derive(Debug)]
pub(crate) struct PyJob(job::Job);

#[pymethods]
impl PyJob {
    /// Reads the environment.
    #[new]
    fn new() -> Self {
        Self(job::Job::detect())
    }

    /// The rank of this process, from 0; None outside of a job.
    #[getter]
    fn rank(&self) -> Option<u32> {
        self.0.rank
    }

    /// Whether several processes are to write to one run.
    #[getter]
    fn has_several_ranks(&self) -> bool {
        self.0.has_several_ranks()
    }

    /// What all ranks of this job have in common and no other job has; None where that cannot be told.
    #[getter]
    fn identity(&self) -> Option<&str> {
        self.0.identity.as_deref()
    }

    /// The identity with how often the job was started again; None without an identity.
    #[getter]
    fn attempt(&self) -> Option<String> {
        self.0.attempt()
    }
}
