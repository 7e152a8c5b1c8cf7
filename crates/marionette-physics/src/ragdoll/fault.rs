//! Why the result of a simulation is rejected.

/// Farthest that the two sides of a joint may be apart, metres.
pub(super) const FARTHEST_APART: f32 = 0.02;
/// Farthest that a joint may be turned beyond its limits, radians. Up to there it is turned back.
pub(super) const FARTHEST_BEYOND: f32 = 0.3;
/// Fastest that any bone may move, metres a second. A fall from 2 m ends at 6; a hand may be twice
/// as fast.
pub(super) const FASTEST: f32 = 15.0;

/// Why the result of a simulation is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A position is not finite.
    #[error("a bone flew off to infinity")]
    NotFinite,
    /// The two sides of a joint are apart.
    #[error("a joint came apart by more than {FARTHEST_APART} m")]
    Apart,
    /// A bone is turned beyond its limits.
    #[error("a joint was turned beyond its limits by more than {FARTHEST_BEYOND} radians")]
    BeyondLimits,
    /// A bone is faster than any that falls.
    #[error("a bone was faster than {FASTEST} m/s")]
    TooFast,
}
