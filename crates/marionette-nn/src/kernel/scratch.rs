//! Memory that kernels work in, kept from call to call.

use std::cell::RefCell;

thread_local! {
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// The first `length` values of `memory`, which grows if it is too short.
pub fn room(memory: &mut Vec<f32>, length: usize) -> &mut [f32] {
    if memory.len() < length {
        memory.resize(length, 0.0);
    }
    &mut memory[..length]
}

/// Calls `work` with two stretches of this thread's scratch memory, of `first` and `second`
/// arbitrary values.
///
/// # Panics
/// If `work` asks for scratch memory itself.
pub fn with_scratch<R>(
    first: usize,
    second: usize,
    work: impl FnOnce(&mut [f32], &mut [f32]) -> R,
) -> R {
    SCRATCH.with_borrow_mut(|memory| {
        let (a, b) = room(memory, first + second).split_at_mut(first);
        work(a, b)
    })
}
