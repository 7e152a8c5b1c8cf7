//! Kinds of things that stand behind figures.

use serde::Deserialize;

/// A kind of thing that stands behind figures: a name in a scene file's `scenery`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SceneryKind {
    /// A table or a bench: a top on two slabs.
    Table,
    /// A cupboard, a box, a block.
    Cupboard,
    /// A rail on many posts.
    Rail,
    /// A rail on few posts.
    Fence,
    /// A tree.
    Tree,
    /// A heap of poles and pipes at all angles.
    Poles,
    /// A post, a pillar.
    Post,
    /// A sign or a banner between two posts.
    Sign,
    /// A workbench on four legs, with things on it.
    Bench,
    /// A rack of bins for parts.
    Bins,
    /// The frame of a machine.
    Frame,
    /// Cables and hoses that hang between two posts.
    Cables,
    /// A stand that holds a work piece.
    Fixture,
    /// A garden wall.
    Wall,
    /// A bush or a hedge.
    Bush,
    /// A fence of upright planks.
    Planks,
    /// Stones and pots.
    Stones,
}

impl SceneryKind {
    /// What stands in scenes that do not say.
    pub(crate) const ANYWHERE: [SceneryKind; 8] = [
        SceneryKind::Table,
        SceneryKind::Cupboard,
        SceneryKind::Rail,
        SceneryKind::Fence,
        SceneryKind::Tree,
        SceneryKind::Poles,
        SceneryKind::Post,
        SceneryKind::Sign,
    ];
}
