//! The lists of a tile's shadow casters, and how shaders read them.

use super::{
    patches::Patches,
    pieces::{MOST_PIECES, Pieces, pieces, raised},
    shading::Casters,
};
use crate::{
    instances::{Instances, Shape},
    layout::LIST_WORDS,
};
use glam::Vec4;
use marionette_stream::SceneSample;

/// Pixels along the side of a cell, in tiles of a size that gives neither too few nor too many
/// cells.
const CELL_PIXELS: u32 = 8;
/// Cells along each side of a tile, at least.
const FEWEST_CELLS: u32 = 8;
/// Cells along each side of a tile, at most: more would have no room for their lists.
const MOST_CELLS: u32 = 24;
/// Cells along each side of a block. A block is tested first, then its cells against what is left.
const BLOCK: usize = 4;

/// The lists of a tile.
#[derive(Clone, Debug)]
pub struct CasterLists {
    /// Cells along each side of the tile.
    pub cells: usize,
    /// First the heads of the cells, row by row, then those of the instances' pieces.
    pub heads: Vec<Head>,
    /// Places of instances. The first of them are all instances, for lists that have no room.
    pub members: Vec<u16>,
    /// For each instance its first head and, from the 16th bit on, four bits each for the number of
    /// pieces along its three sides.
    pub pieces: Vec<u32>,
    /// For each instance, the head of the list for the triangles that it stands for.
    pub of_triangles: Vec<u32>,
}

/// Where a list is among [`CasterLists::members`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Its first round cone.
    pub cones: u32,
    /// Its first cuboid.
    pub cuboids: u32,
    /// One past its last.
    pub end: u32,
}

impl CasterLists {
    /// The lists of a sample with these instances.
    pub fn new(sample: &SceneSample, instances: &Instances) -> Self {
        let Instances { all, drawn, cones, shapes, .. } = instances;
        let (instances, cones) = (all.as_slice(), *cones);
        let cells = (sample.camera.width / CELL_PIXELS).clamp(FEWEST_CELLS, MOST_CELLS) as usize;
        let mut lists = CasterLists {
            cells,
            heads: vec![Head::default(); cells * cells],
            members: Vec::new(),
            pieces: vec![0; all.len()],
            of_triangles: vec![0; all.len()],
        };
        if !sample.light.shadows {
            return lists;
        }
        lists.members.extend(0..instances.len() as u16);
        let divided =
            |most: f32| instances.iter().map(|instance| pieces(instance, most)).collect::<Vec<_>>();
        let heads = |receivers: &[Pieces]| {
            let pieces = receivers.iter().map(|pieces| pieces.spheres.len()).sum::<usize>();
            cells * cells + pieces + shapes.len()
        };
        let mut receivers = divided(MOST_PIECES);
        if heads(&receivers) > LIST_WORDS / 2 {
            receivers = divided(1.0);
        }
        let room = (LIST_WORDS - heads(&receivers)) * 8;
        let all_casters =
            Casters::new(&sample.light, receivers.iter().map(|pieces| pieces.spheres.as_slice()));
        let patches = Patches::new(sample, cells);
        for (y, x) in
            (0..cells).step_by(BLOCK).flat_map(|y| (0..cells).step_by(BLOCK).map(move |x| (y, x)))
        {
            let ends = [x, y].map(|low| (low + BLOCK).min(cells));
            let near = all_casters.against(&patches.seen_between([x, y], ends), 0..0);
            for (y, x) in (y..ends[1]).flat_map(|y| (x..ends[0]).map(move |x| (y, x))) {
                let shading = near.against(&patches.seen_between([x, y], [x + 1, y + 1]), 0..0);
                lists.heads[y * cells + x] = lists.added(shading.places(), cones, room);
            }
        }
        // Nothing is seen of the round cones that stand for triangles, so no light falls on them.
        let seen = |(instance, _): &(usize, &Pieces)| !(*drawn..cones).contains(instance);
        for (instance, Pieces { counts, spheres }) in receivers.iter().enumerate().filter(seen) {
            let [x, y, z] = counts.map(u32::from);
            lists.pieces[instance] = lists.heads.len() as u32 | x << 16 | y << 20 | z << 24;
            let own = instance as u16;
            let near = all_casters.against(&[raised(&instances[instance])], own..own + 1);
            for sphere in spheres {
                let shading = near.against(&[*sphere], 0..0);
                let head = lists.added(shading.places(), cones, room);
                lists.heads.push(head);
            }
        }
        for Shape { places, .. } in shapes {
            let own: Vec<Vec4> = instances[places.clone()].iter().map(raised).collect();
            // A shape takes no light from itself: round cones that stand for it end a little above
            // or below its surface.
            let shading = all_casters.against(&own, places.start as u16..places.end as u16);
            let head = lists.added(shading.places(), cones, room);
            for place in places.clone() {
                lists.of_triangles[place] = lists.heads.len() as u32;
            }
            lists.heads.push(head);
        }
        lists
    }

    /// Adds a list of these members and returns its head. If they have no room, it adds nothing and
    /// returns the head of the list of all instances.
    fn added(&mut self, members: impl Iterator<Item = u16>, cones: usize, room: usize) -> Head {
        let start = self.members.len();
        self.members.extend(members);
        let middle =
            start + self.members[start..].partition_point(|caster| usize::from(*caster) < cones);
        let mut head = [start, middle, self.members.len()];
        if self.members.len() > room {
            self.members.truncate(start);
            head = [0, cones, self.pieces.len()];
        }
        let [cones, cuboids, end] = head.map(|place| place as u32);
        Head { cones, cuboids, end }
    }

    /// The lists as a shader reads them: a vector for each head, then the members, eight to a
    /// vector. The heads count in members from the start of it all.
    pub fn words(&self) -> Vec<[u32; 4]> {
        let first = self.heads.len() as u32 * 8;
        let heads = self
            .heads
            .iter()
            .map(|head| [first + head.cones, first + head.cuboids, first + head.end, 0]);
        let members = self.members.chunks(8).map(|eight| {
            let member = |k: usize| u32::from(eight.get(k).copied().unwrap_or(0));
            std::array::from_fn(|pair| member(2 * pair) | member(2 * pair + 1) << 16)
        });
        heads.chain(members).collect()
    }

    /// Rectangles that together cover the cells where an instance may take light (`shadowed`), or
    /// the cells where none does: left, top, right and bottom of a tile that is 1 wide and high.
    pub fn rectangles(&self, shadowed: bool) -> Vec<Vec4> {
        let marked = |head: &Head| (head.cones < head.end) == shadowed;
        let rows: Vec<Vec<bool>> = self.heads[..self.cells * self.cells]
            .chunks(self.cells)
            .map(|row| row.iter().map(marked).collect())
            .collect();
        let mut rectangles = Vec::new();
        let mut top = 0;
        for rows in rows.chunk_by(|a, b| a == b) {
            let mut left = 0;
            for run in rows[0].chunk_by(|a, b| a == b) {
                if run[0] {
                    let corners = [left, top, left + run.len(), top + rows.len()];
                    rectangles
                        .push(Vec4::from(corners.map(|side| side as f32 / self.cells as f32)));
                }
                left += run.len();
            }
            top += rows.len();
        }
        rectangles
    }
}
