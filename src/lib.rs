//! placeholder
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod disk;
pub mod error;
pub mod format;
pub mod journal;
pub mod lake;
pub mod name;
#[cfg(feature = "python")]
mod python;
pub mod repair;
pub mod run;
pub mod scan;
pub mod segment;
pub mod settings;
pub mod value;
pub mod writer;
pub use error::{Error, Result};
