//! What anybody may send, put before every decoder: the targets are in `tests/`, how to run them in
//! `docs/hostile-input.md`.
//!
//! A target is a test like any other and says something that holds for every input, not only that nothing panics. Plain
//! `cargo test` tries a few thousand inputs; an engine that is guided by coverage as many as there is time for. What is
//! genuine comes from the golden files of the crates, so the engines begin where a decoder says yes.
mod hostile;
mod memory;

pub use hostile::{hexadecimal, hostile, parts, tried};
pub use memory::within_bounds;

// The counters that a guided engine has put into this crate need their runtime also where there is no target.
#[cfg(test)]
use bolero as _;
