//! Tests of the engine as a whole, without Python: what is logged is what is read, whatever happens in between.

#![expect(clippy::unwrap_used, reason = "what fails in a helper of a test fails the test")]

mod crash;
mod disk;
mod journal;
mod mutations;
mod prefixes;
mod round_trip;
mod rows;
