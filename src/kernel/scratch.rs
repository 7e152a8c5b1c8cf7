//! Memory that kernels work in, kept from call to call.

use std::cell::RefCell;

thread_local! {
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Calls `work` with two stretches of this thread's scratch memory, of `first` and `second` values, whatever they hold.
///
/// # Panics
/// If `work` asks for scratch memory itself.
pub fn with_scratch<R>(first: usize, second: usize, work: impl FnOnce(&mut [f32], &mut [f32]) -> R) -> R {
    SCRATCH.with_borrow_mut(|memory| {
        if memory.len() < first + second {
            memory.resize(first + second, 0.0);
        }
        let (a, rest) = memory.split_at_mut(first);
        work(a, &mut rest[..second])
    })
}
