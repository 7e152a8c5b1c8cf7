//! The kinds of the program's own pictures. Picture `i` is of kind `i` modulo their number.

use serde::Deserialize;

/// What a picture behind figures shows: a name in a scene file's `places`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlaceKind {
    /// A room with windows and furniture.
    Room,
    /// Houses.
    Street,
    /// Spectators.
    Stand,
    /// Trees, hills and leaves.
    Wood,
    /// A sky, with or without a horizon.
    Sky,
    /// Things of all sizes.
    Clutter,
    /// A hall with panels and beams.
    Hall,
    /// A curtain and lights.
    Stage,
}

/// What a picture below figures shows: a name in a scene file's `grounds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroundKind {
    /// Grass.
    Grass,
    /// Sand and gravel.
    Sand,
    /// Asphalt and concrete.
    Asphalt,
    /// Boards.
    Boards,
    /// A coloured floor with lines.
    Court,
    /// Tiles.
    Tiles,
}

impl PlaceKind {
    /// Every kind, in the order of the pictures.
    pub const ALL: [PlaceKind; 8] = [
        PlaceKind::Room,
        PlaceKind::Street,
        PlaceKind::Stand,
        PlaceKind::Wood,
        PlaceKind::Sky,
        PlaceKind::Clutter,
        PlaceKind::Hall,
        PlaceKind::Stage,
    ];

    /// Picture `index`, or one of `kinds` in its place. Among all kinds it is always itself.
    pub(crate) fn nearest(index: u32, kinds: &[PlaceKind]) -> u32 {
        nearest(index, Self::ALL.len(), kinds, |kind| kind as u32)
    }
}

impl GroundKind {
    /// Every kind, in the order of the pictures.
    pub const ALL: [GroundKind; 6] = [
        GroundKind::Grass,
        GroundKind::Sand,
        GroundKind::Asphalt,
        GroundKind::Boards,
        GroundKind::Court,
        GroundKind::Tiles,
    ];

    /// As [`PlaceKind::nearest`].
    pub(crate) fn nearest(index: u32, kinds: &[GroundKind]) -> u32 {
        nearest(index, Self::ALL.len(), kinds, |kind| kind as u32)
    }
}

/// Picture `index` of a row in which `count` kinds follow one another again and again, or one of
/// `kinds` in its place.
fn nearest<K: Copy>(index: u32, count: usize, kinds: &[K], place: impl Fn(K) -> u32) -> u32 {
    let within = index % count as u32;
    index - within + place(kinds[within as usize % kinds.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn among_all_kinds_a_picture_is_itself_and_among_some_one_of_these() {
        assert!((0..96).all(|index| PlaceKind::nearest(index, &PlaceKind::ALL) == index));
        assert!((0..24).all(|index| GroundKind::nearest(index, &GroundKind::ALL) == index));
        let some = [PlaceKind::Wood, PlaceKind::Street];
        let found = |index| PlaceKind::ALL[(PlaceKind::nearest(index, &some) % 8) as usize];
        assert!((0..96).all(|index| some.contains(&found(index))));
    }
}
