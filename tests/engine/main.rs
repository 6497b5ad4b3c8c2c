//! Tests of the engine as a whole, without Python: what is logged is what is read, whatever happens in between.

mod crash;
mod disk;
mod round_trip;
mod rows;
