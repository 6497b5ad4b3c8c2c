//! What each command prints, as a whole.
