//! placeholder
pub mod error; pub mod value; pub mod name; pub mod clock; pub mod settings; pub mod format; pub mod disk;
