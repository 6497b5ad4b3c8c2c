//! Tests of the engine as a whole, without Python: what is logged is what is read, whatever happens in between.

mod crash;
mod disk;
mod journal;
mod mutations;
mod prefixes;
mod round_trip;
mod rows;
