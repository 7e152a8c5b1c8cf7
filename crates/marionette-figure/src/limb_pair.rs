//! How deep two parts of a body may be inside one another.

/// Deepest that one limb of a human may be inside another, metres. All these depths follow a
/// figure's stature.
pub const DEEPEST: f32 = 0.02;
/// Deepest that flesh may fold at a joint, metres: the lap of a sitting person, a thigh pulled up
/// against the belly.
pub(super) const DEEPEST_FOLD: f32 = 0.08;
/// Deepest that a left and a right limb of one bone may press into each other, metres: the thighs
/// of a standing person.
pub(super) const DEEPEST_BETWEEN_TWINS: f32 = 0.04;

/// Two parts of a body, by their indices, and how deep they may be inside one another, metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LimbPair {
    /// The parts.
    pub parts: [usize; 2],
    /// Deepest that they may be.
    pub deepest: f32,
    /// Whether they are at a joint, where flesh folds and no contact keeps them apart.
    pub folds: bool,
}
