//! Maintenance of a lake: check it, seal what killed writers left, merge, remove, and say what takes room.
//!
//! Promises. Nothing here touches the files of a writer that lives. Every change is safe at any crash: what is new is in
//! place and synced before what it replaces goes, so that a call that was cut short is finished by the next one, and a
//! second call finds nothing to do. Bytes that cannot be read are never removed but with their whole run.
//!
//! `verify` proves that no row is missing or double, `recover` seals journals, `compact` merges segments, `trash` removes
//! runs and brings them back, `usage` counts bytes. `coverage` is the arithmetic of sequence numbers, `leftover` tells
//! which files nobody needs. Nothing here prints. Tests: `tests.rs`.

pub mod compact;
mod coverage;
mod faults;
mod leftover;
pub mod recover;
pub mod trash;
pub mod usage;
pub mod verify;

#[cfg(test)]
mod tests;
