//! Tests of the engine as a whole, without Python: what is logged is what is read, whatever happens in between.

#![expect(clippy::disallowed_methods, reason = "tests look at the disk from outside")]
#![expect(clippy::unwrap_used, reason = "a test panics where something is not as it should be")]

mod crash;
mod disk;
mod journal;
mod mutations;
mod prefixes;
mod round_trip;
mod rows;
