//! The commands that the Python package carries out, as they need what only Python has: DuckDB, pictures. Their arguments
//! are parsed here, so that all commands have one help, one form of errors and the same exit codes.

use serde::Serialize;
use serde_json::json;

use super::{Exit, Session};
use crate::error::Result;

/// Carries out such a command.
pub trait Package {
    /// Carries out a request, a JSON object with the name of the `command`, the path of the `lake`, whether to print
    /// `json`, and the command's own `arguments`. Returns whether all was fine.
    ///
    /// # Errors
    /// What went wrong, for the user to read.
    fn run(&self, request: &str) -> Result<bool, String>;
}

impl Session<'_, '_> {
    /// Has the package carry out a command.
    pub(super) fn delegate(&mut self, command: &str, arguments: &impl Serialize) -> Result<Exit> {
        // What was printed so far comes first.
        self.terminal.flush()?;
        let lake = self.lake.display().to_string();
        let request = json!({"command": command, "lake": lake, "json": self.json, "arguments": arguments});
        Ok(match self.package.run(&request.to_string()) {
            Ok(true) => Exit::Fine,
            Ok(false) => Exit::Found,
            Err(text) => {
                self.terminal.error(text);
                Exit::Found
            }
        })
    }
}
