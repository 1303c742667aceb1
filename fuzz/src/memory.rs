//! No input may make a decoder ask for more memory than an input can be worth: who asks for more ends the process, and
//! the engine has found something.
use cap::Cap;
use std::alloc::System;
use std::sync::{Mutex, PoisonError};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Larger than anything that is decoded; far smaller than what a length of four bytes can claim.
const ENOUGH: usize = 32 * 1024 * 1024;

/// One at a time: the bound is the whole process's.
static TURN: Mutex<()> = Mutex::new(());

/// Runs `decode`, which may hold 32 MiB more at any moment than there was before it.
///
/// # Panics
/// Where `decode` does. The process ends, by Rust's own rule, when memory is refused.
pub fn within_bounds<T>(decode: impl FnOnce() -> T) -> T {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let _bound = Bound::begin();
    decode()
}

struct Bound;

impl Bound {
    fn begin() -> Self {
        // Refused only when there is more already than would be allowed; there is not.
        let bounded = ALLOCATOR.set_limit(ALLOCATOR.allocated() + ENOUGH);
        debug_assert!(bounded.is_ok(), "a bound above what there is");
        Self
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let unbounded = ALLOCATOR.set_limit(usize::MAX);
        debug_assert!(unbounded.is_ok(), "everything is below no bound");
    }
}
