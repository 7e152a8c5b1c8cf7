//! Which instances may take light from what: a list for each piece of an instance, and one for what
//! is seen of ground and wall in each cell of a tile. A pixel then looks at the few instances on
//! its list, and cells whose lists are empty are lit without asking.

use super::gpu::GpuInstance;
use glam::{Vec2, Vec3, Vec4};
use marionette_stream::{BackdropKind, Camera, FAR_DEPTH, Light, SceneSample};

/// Cells along each side of a tile, at least and at most: more would have no room for their lists.
const CELLS: [u32; 2] = [8, 24];
/// Pixels along the side of a cell in between.
const CELL_PIXELS: u32 = 8;
/// Cells along each side of those that are first asked for together.
const BLOCK: usize = 4;
/// Half a piece of an instance is about as long, metres.
const PIECE: f32 = 0.1;
/// Pieces along a side of an instance, at most.
const MOST_PIECES: f32 = 4.0;
/// Light is looked for from a little above a surface (`light_at` in `light.wgsl`), metres; with
/// room for rounding.
const ABOVE: f32 = 0.005;

/// The lists of a tile. A head, three numbers, says where the round cones on a list begin, where
/// its cuboids do, and where it ends, as places in `members`. First come the heads of the cells,
/// row by row, then those of the instances' pieces.
#[derive(Clone, Debug)]
pub struct CasterLists {
    /// Cells along each side of the tile.
    pub cells: usize,
    heads: Vec<[u32; 3]>,
    /// Places of instances; first all there are, for the lists that have no room.
    members: Vec<u16>,
    /// For each instance its first head and, from the 16th bit on, four bits each for the pieces
    /// along its three sides.
    pub pieces: Vec<u32>,
}

/// Vectors of four words that a tile's lists have room for: a uniform buffer of 64 KiB, which every
/// adapter allows. Heads take half of it at most: 640 instances of one piece, and 24 cells squared.
pub const LIST_WORDS: usize = 4096;

impl CasterLists {
    /// The lists of a sample with these instances, of which the first `cones` are round cones and
    /// the others cuboids.
    pub fn new(sample: &SceneSample, instances: &[GpuInstance], cones: usize) -> Self {
        let cells = (sample.camera.width / CELL_PIXELS).clamp(CELLS[0], CELLS[1]) as usize;
        let mut lists = CasterLists {
            cells,
            heads: vec![[0; 3]; cells * cells],
            members: Vec::new(),
            pieces: vec![0; instances.len()],
        };
        if !sample.light.shadows {
            return lists;
        }
        lists.members.extend(0..instances.len() as u16);
        let divided =
            |most: f32| instances.iter().map(|instance| pieces(instance, most)).collect::<Vec<_>>();
        let heads = |receivers: &[([u8; 3], Vec<Vec4>)]| {
            cells * cells + receivers.iter().map(|(_, spheres)| spheres.len()).sum::<usize>()
        };
        let mut receivers = divided(MOST_PIECES);
        if heads(&receivers) > LIST_WORDS / 2 {
            receivers = divided(1.0);
        }
        let room = (LIST_WORDS - heads(&receivers)) * 8;
        let all =
            Casters::new(&sample.light, receivers.iter().map(|(_, spheres)| spheres.as_slice()));
        let patches = Patches::new(sample, cells);
        for (y, x) in
            (0..cells).step_by(BLOCK).flat_map(|y| (0..cells).step_by(BLOCK).map(move |x| (y, x)))
        {
            let ends = [x, y].map(|low| (low + BLOCK).min(cells));
            let near = all.against(&patches.seen_between([x, y], ends), None);
            for (y, x) in (y..ends[1]).flat_map(|y| (x..ends[0]).map(move |x| (y, x))) {
                let shading = near.against(&patches.seen_between([x, y], [x + 1, y + 1]), None);
                lists.heads[y * cells + x] = lists.added(shading.places(), cones, room);
            }
        }
        for (instance, (counts, spheres)) in receivers.iter().enumerate() {
            let [x, y, z] = counts.map(u32::from);
            lists.pieces[instance] = lists.heads.len() as u32 | x << 16 | y << 20 | z << 24;
            let near = all.against(&[raised(&instances[instance])], Some(instance as u16));
            for sphere in spheres {
                let shading = near.against(&[*sphere], None);
                let head = lists.added(shading.places(), cones, room);
                lists.heads.push(head);
            }
        }
        lists
    }

    /// The head of a list of these members, which are added; that of all there are where they have
    /// no room.
    fn added(&mut self, members: impl Iterator<Item = u16>, cones: usize, room: usize) -> [u32; 3] {
        let start = self.members.len();
        self.members.extend(members);
        let middle =
            start + self.members[start..].partition_point(|caster| usize::from(*caster) < cones);
        let mut head = [start, middle, self.members.len()];
        if self.members.len() > room {
            self.members.truncate(start);
            head = [0, cones, self.pieces.len()];
        }
        head.map(|place| place as u32)
    }

    /// The lists as a shader sees them: a vector for each head, then eight members to a vector.
    /// Places of members count from the first of these.
    pub fn words(&self) -> Vec<[u32; 4]> {
        let first = self.heads.len() as u32 * 8;
        let heads = self
            .heads
            .iter()
            .map(|[start, middle, end]| [first + start, first + middle, first + end, 0]);
        let members = self.members.chunks(8).map(|eight| {
            let member = |k: usize| u32::from(eight.get(k).copied().unwrap_or(0));
            std::array::from_fn(|pair| member(2 * pair) | member(2 * pair + 1) << 16)
        });
        heads.chain(members).collect()
    }

    /// Rectangles that together are all cells where something may take light, or all where nothing
    /// does: left, top, right and bottom, the tile being 1 wide and high.
    pub fn rectangles(&self, shadowed: bool) -> Vec<Vec4> {
        let marked = |[start, _, end]: &[u32; 3]| (start < end) == shadowed;
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

/// How many pieces, `most` at most, an instance has along each of its sides, or from end to end,
/// and a sphere around each, row by row: `piece_of` in `light.wgsl` says which a point is on.
fn pieces(instance: &GpuInstance, most: f32) -> ([u8; 3], Vec<Vec4>) {
    let along = |half: f32| (half / PIECE).ceil().clamp(1.0, most);
    if !instance.is_cuboid() {
        let count = along(instance.a.truncate().distance(instance.b.truncate()) * 0.5);
        let end = |k: u8| instance.a.lerp(instance.b, f32::from(k) / count);
        let piece = |k: u8| raised(&instance.between(end(k), end(k + 1)));
        let count = count as u8;
        return ([count, 1, 1], (0..count).map(piece).collect());
    }
    let half = instance.b.truncate();
    let counts = Vec3::from_array(half.to_array().map(along));
    let turn = glam::Quat::from_vec4(instance.turn);
    let [x, y, z] = counts.to_array().map(|count| count as u8);
    let places = (0..z).flat_map(|k| {
        (0..y).flat_map(move |j| (0..x).map(move |i| Vec3::new(i.into(), j.into(), k.into())))
    });
    let centre =
        |place: Vec3| instance.a.truncate() + turn * (half * ((2.0 * place + 1.0) / counts - 1.0));
    let piece =
        |place: Vec3| instance.between(centre(place).extend(0.0), (half / counts).extend(0.0));
    ([x, y, z], places.map(|place| raised(&piece(place))).collect())
}

/// A sphere around all places from which light is looked for on an instance.
fn raised(instance: &GpuInstance) -> Vec4 {
    instance.bound() + Vec4::W * ABOVE
}

/// Spheres around the pieces of what may take light, with the places of the instances that they
/// belong to, in their order.
struct Casters<'a> {
    light: &'a Light,
    x: Vec<f32>,
    y: Vec<f32>,
    z: Vec<f32>,
    radius: Vec<f32>,
    places: Vec<u16>,
}

impl<'a> Casters<'a> {
    fn new<'b>(light: &'a Light, pieces: impl Iterator<Item = &'b [Vec4]>) -> Self {
        let mut casters =
            Casters { light, x: vec![], y: vec![], z: vec![], radius: vec![], places: vec![] };
        for (place, spheres) in (0..).zip(pieces) {
            spheres.iter().for_each(|sphere| casters.push(*sphere, place));
        }
        casters
    }

    fn push(&mut self, sphere: Vec4, place: u16) {
        self.x.push(sphere.x);
        self.y.push(sphere.y);
        self.z.push(sphere.z);
        self.radius.push(sphere.w);
        self.places.push(place);
    }

    /// Those that may take light from anything within one of the `receivers`, but for one instance.
    fn against(&self, receivers: &[Vec4], skipped: Option<u16>) -> Self {
        let mut met = vec![false; self.places.len()];
        receivers.iter().for_each(|receiver| self.meet(*receiver, &mut met));
        let mut left = Casters {
            light: self.light,
            x: vec![],
            y: vec![],
            z: vec![],
            radius: vec![],
            places: vec![],
        };
        for k in (0..met.len()).filter(|k| met[*k] && Some(self.places[*k]) != skipped) {
            left.push(Vec4::new(self.x[k], self.y[k], self.z[k], self.radius[k]), self.places[k]);
        }
        left
    }

    /// Marks all that may take light from anything within a sphere.
    ///
    /// From a point of the sphere that is `r` away from its centre the way to the sun or lamp lies
    /// no more than `r` from that of the centre, and a disc of light seems wider by `softness` for
    /// every metre up to what is in its way: `passes` in `shadow.wgsl`.
    fn meet(&self, receiver: Vec4, met: &mut [bool]) {
        let (centre, wide) = (receiver.truncate(), receiver.w);
        let towards = self.light.lamp.map(|lamp| lamp.position - centre);
        let distance = towards.map_or(f32::INFINITY, |towards| towards.length());
        if distance <= wide || !wide.is_finite() {
            met.fill(true);
            return;
        }
        let direction = towards.map_or(self.light.sun_direction, |towards| towards / distance);
        let softness = self.light.softness;
        let spheres = self.x.iter().zip(&self.y).zip(&self.z).zip(&self.radius);
        for (met, (((x, y), z), radius)) in met.iter_mut().zip(spheres) {
            let to = Vec3::new(*x, *y, *z) - centre;
            let along = to.dot(direction).clamp(0.0, distance);
            let beside = to - direction * along;
            let both = radius + wide;
            let reach = both + softness * (to.length() + both);
            *met |= beside.length_squared() < reach * reach;
        }
    }

    /// The places of the instances, each once.
    fn places(&self) -> impl Iterator<Item = u16> {
        self.places.chunk_by(|a, b| a == b).map(|pieces| pieces[0])
    }
}

/// What is seen of ground and wall, as far as shadows are drawn there.
struct Patches<'a> {
    camera: &'a Camera,
    eye: Vec3,
    /// The camera's right, down and forward.
    axes: [Vec3; 3],
    cells: usize,
    /// Each plane, which side of another plane its visible part is on, and whether it gets shadows.
    planes: Vec<(Plane, Option<Plane>, bool)>,
    /// At each corner of a cell, row by row, which of the planes is seen, and where.
    corners: Vec<Option<(usize, Vec3)>>,
}

/// A plane: points at `offset` along its unit normal, which points to where it is seen from.
#[derive(Clone, Copy)]
struct Plane {
    normal: Vec3,
    offset: f32,
}

impl Plane {
    fn height(&self, point: Vec3) -> f32 {
        point.dot(self.normal) - self.offset
    }
}

impl<'a> Patches<'a> {
    fn new(sample: &'a SceneSample, cells: usize) -> Self {
        let (camera, backdrop, light) = (&sample.camera, &sample.backdrop, &sample.light);
        let ground = Plane { normal: Vec3::Y, offset: 0.0 };
        let wall = Plane { normal: backdrop.facing(camera), offset: -backdrop.distance };
        let is_lit =
            |plane: &Plane| light.lamp.is_some() || light.sun_direction.dot(plane.normal) > 0.0;
        // A picture has shadows of its own.
        let mut planes = vec![(
            wall,
            (!backdrop.open).then_some(ground),
            backdrop.kind != BackdropKind::Picture && is_lit(&wall),
        )];
        if !backdrop.open {
            planes.push((ground, Some(wall), is_lit(&ground)));
        }
        let (eye, ray_through) = (camera.eye(), camera.rays());
        let size = Vec2::new(camera.width as f32, camera.height as f32);
        let corner = |k: usize| {
            let at = Vec2::new((k % (cells + 1)) as f32, (k / (cells + 1)) as f32) / cells as f32;
            let along = ray_through(at * size);
            let hits = planes.iter().map(|(plane, ..)| {
                let towards = along.dot(plane.normal);
                if towards < -1e-4 { -plane.height(eye) / towards } else { f32::INFINITY }
            });
            let hits = hits.enumerate().filter(|(_, depth)| (0.0..FAR_DEPTH).contains(depth));
            hits.min_by(|a, b| a.1.total_cmp(&b.1))
                .map(|(plane, depth)| (plane, eye + along * depth))
        };
        let corners = (0..(cells + 1) * (cells + 1)).map(corner).collect();
        Patches { camera, eye, axes: camera.axes(), cells, planes, corners }
    }

    /// Spheres around what is seen of the planes from one cell up to another.
    fn seen_between(&self, low: [usize; 2], high: [usize; 2]) -> Vec<Vec4> {
        let corner = |x: usize, y: usize| self.corners[y * (self.cells + 1) + x];
        let corners = [
            corner(low[0], low[1]),
            corner(high[0], low[1]),
            corner(high[0], high[1]),
            corner(low[0], high[1]),
        ];
        if let [Some((a, p)), Some((b, q)), Some((c, r)), Some((d, s))] = corners
            && [b, c, d] == [a; 3]
            && high[0] - low[0] == 1
        {
            // All of it is on one plane; between its corners a lens bends it by much less than
            // that.
            return if self.planes[a].2 { vec![around(&[p, q, r, s], 1.02)] } else { Vec::new() };
        }
        self.clipped_between(low, high)
    }

    /// The same, whatever is seen.
    fn clipped_between(&self, low: [usize; 2], high: [usize; 2]) -> Vec<Vec4> {
        let (camera, eye, [right, down, forward]) = (self.camera, self.eye, self.axes);
        let size = Vec2::new(camera.width as f32, camera.height as f32);
        let [low, high] =
            [low, high].map(|[x, y]| Vec2::new(x as f32, y as f32) / self.cells as f32 * size);
        let (low, high) = straight_between(camera, low, high);
        let corners = [[low.x, low.y], [high.x, low.y], [high.x, high.y], [low.x, high.y]];
        let rays = corners.map(|[x, y]| right * x + down * y + forward);
        // The cell's pyramid; its sides are seen from within.
        let sides: [Plane; 4] = std::array::from_fn(|k| {
            let normal = rays[k].cross(rays[(k + 1) % 4]).normalize();
            Plane { normal, offset: normal.dot(eye) }
        });
        let shadowed =
            self.planes.iter().filter(|(plane, _, shadowed)| *shadowed && plane.height(eye) > 0.0);
        let spheres = shadowed.filter_map(|(plane, beside, _)| {
            let foot = eye - plane.normal * plane.height(eye);
            let (u, v) = plane.normal.any_orthonormal_pair();
            let corners = [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]];
            let mut polygon = corners.map(|[a, b]| foot + (u * a + v * b) * FAR_DEPTH).to_vec();
            for side in sides.iter().chain(beside) {
                polygon = clipped(&polygon, side);
            }
            (!polygon.is_empty()).then(|| around(&polygon, 1.01))
        });
        spheres.collect()
    }
}

/// A sphere around points, larger by a factor and by how far above a surface light is looked for.
fn around(points: &[Vec3], larger: f32) -> Vec4 {
    let low = points.iter().copied().reduce(Vec3::min).unwrap_or_default();
    let high = points.iter().copied().reduce(Vec3::max).unwrap_or_default();
    let centre = (low + high) * 0.5;
    let radius = points.iter().map(|point| point.distance(centre)).fold(0.0, f32::max);
    centre.extend(radius * larger + ABOVE)
}

/// Between what a pinhole camera shows, in focal lengths from the principal point, all that the
/// lens shows between two pixels.
fn straight_between(camera: &Camera, low: Vec2, high: Vec2) -> (Vec2, Vec2) {
    let [low, high] = [low, high].map(|pixel| (pixel - camera.centre) / camera.focal);
    let straight = |p: Vec2| p / (1.0 + camera.distortion * p.length_squared());
    // Along a side of the rectangle a coordinate is extreme at its ends or where it is nearest to
    // the principal point.
    let middle = Vec2::ZERO.clamp(low, high);
    let mut bounds = (Vec2::INFINITY, Vec2::NEG_INFINITY);
    for x in [low.x, middle.x, high.x] {
        for y in [low.y, middle.y, high.y] {
            let p = straight(Vec2::new(x, y));
            bounds = (bounds.0.min(p), bounds.1.max(p));
        }
    }
    bounds
}

/// What of a convex polygon lies on the upper side of a plane.
fn clipped(polygon: &[Vec3], plane: &Plane) -> Vec<Vec3> {
    let mut left = Vec::with_capacity(polygon.len() + 1);
    for (k, b) in polygon.iter().enumerate() {
        let a = polygon[(k + polygon.len() - 1) % polygon.len()];
        let [below, above] = [plane.height(a), plane.height(*b)];
        if (below < 0.0) != (above < 0.0) {
            left.push(a.lerp(*b, below / (below - above)));
        }
        if above >= 0.0 {
            left.push(*b);
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::{MOST_INSTANCES, instances_of};
    use marionette_physics::Solvability;
    use marionette_scene::load_scene;
    use marionette_stream::{Policy, StreamMix};
    use rand::{Rng, SeedableRng};

    fn samples(scene: &str, count: u64) -> Vec<SceneSample> {
        let scene = load_scene(scene).unwrap();
        let policy = Policy::initial(StreamMix::default(), 6);
        let judge = Solvability::new(scene.figure.clone());
        (0..count)
            .map(|i| {
                judge
                    .first_solvable(i, |attempt| {
                        crate::sampler(&scene).sample(&policy, 5, i, attempt)
                    })
                    .unwrap()
            })
            .collect()
    }

    /// The way to the sun or lamp, and how far it is.
    fn key(light: &Light, point: Vec3) -> (Vec3, f32) {
        light.lamp.map_or((light.sun_direction, f32::INFINITY), |lamp| {
            let towards = lamp.position - point;
            (towards.normalize(), towards.length())
        })
    }

    /// Whether a sphere takes light from a point, as `passes` in `shadow.wgsl` has it for a round
    /// cone whose ends are one.
    fn takes_light(light: &Light, point: Vec3, sphere: Vec4) -> bool {
        let (direction, distance) = key(light, point);
        let t = (sphere.truncate() - point).dot(direction).max(0.0);
        let gap = (point + direction * t).distance(sphere.truncate()) - sphere.w;
        t > 0.0 && t < distance && gap < light.softness * t
    }

    /// Spheres that make up an instance, the place of each.
    fn inside(instances: &[GpuInstance]) -> Vec<(u16, Vec4)> {
        let places = instances.iter().zip(0u16..).filter(|(instance, _)| !instance.is_cuboid());
        places
            .flat_map(|(cone, place)| [0.0, 0.3, 0.5, 1.0].map(|s| (place, cone.a.lerp(cone.b, s))))
            .collect()
    }

    impl CasterLists {
        fn members(&self, head: usize) -> &[u16] {
            let [start, _, end] = self.heads[head].map(|place| place as usize);
            &self.members[start..end]
        }
    }

    #[test]
    fn no_shadow_is_missed() {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        let (mut on_planes, mut on_instances, mut free, mut lamps) = (0, 0, 0, 0);
        for mut sample in ["all", "quickstart", "sports", "night"]
            .into_iter()
            .flat_map(|scene| samples(scene, 16))
        {
            sample.light.shadows = true;
            lamps += u32::from(sample.light.lamp.is_some());
            let (instances, cones) = instances_of(&sample);
            let lists = CasterLists::new(&sample, &instances, cones);
            let spheres = inside(&instances);
            free += (0..lists.cells * lists.cells)
                .filter(|cell| lists.members(*cell).is_empty())
                .count();
            let (eye, camera) = (sample.camera.eye(), &sample.camera);
            let wall =
                Plane { normal: sample.backdrop.facing(camera), offset: -sample.backdrop.distance };
            for _ in 0..600 {
                let place = Vec2::new(random.random(), random.random());
                let along = camera
                    .ray_through(place * Vec2::new(camera.width as f32, camera.height as f32));
                let to_ground = if sample.backdrop.open || along.y > -1e-3 {
                    f32::INFINITY
                } else {
                    -eye.y / along.y
                };
                let towards = along.dot(wall.normal);
                let to_wall =
                    if towards > -1e-3 { f32::INFINITY } else { -wall.height(eye) / towards };
                let is_ground = to_ground <= to_wall;
                let depth = to_ground.min(to_wall);
                let normal = if is_ground { Vec3::Y } else { wall.normal };
                if !(0.0..FAR_DEPTH).contains(&depth)
                    || (!is_ground && sample.backdrop.kind == BackdropKind::Picture)
                    || key(&sample.light, eye + along * depth).0.dot(normal) <= 0.0
                {
                    continue;
                }
                let point = eye + along * depth + normal * 0.004;
                let [x, y] = (place * lists.cells as f32).to_array().map(|at| at as usize);
                let listed = lists.members(y * lists.cells + x);
                for (caster, sphere) in &spheres {
                    if takes_light(&sample.light, point, *sphere) {
                        assert!(
                            listed.contains(caster),
                            "{caster} casts a shadow at {place} of {:?}",
                            sample.light
                        );
                        on_planes += 1;
                    }
                }
            }
            for (place, packed) in
                lists.pieces.iter().enumerate().filter(|(place, _)| *place < cones)
            {
                let (cone, count) = (&instances[place], packed >> 16 & 15);
                for _ in 0..8 {
                    let s: f32 = random.random();
                    let head = (packed & 0xffff) + ((s * count as f32) as u32).min(count - 1);
                    let around =
                        Vec3::new(random.random(), random.random(), random.random()) * 2.0 - 1.0;
                    let end = cone.a.lerp(cone.b, s);
                    let point = end.truncate() + around.normalize() * (end.w + 0.004);
                    for (caster, sphere) in
                        spheres.iter().filter(|(caster, _)| usize::from(*caster) != place)
                    {
                        if takes_light(&sample.light, point, *sphere) {
                            assert!(
                                lists.members(head as usize).contains(caster),
                                "{caster} takes light from {place} at {s}"
                            );
                            on_instances += 1;
                        }
                    }
                }
            }
        }
        assert!(
            on_planes > 1000 && on_instances > 1000 && free > 1000 && lamps > 5,
            "{on_planes} shadows on planes, {on_instances} on instances, {free} cells left free, \
             {lamps} lamps"
        );
    }

    #[test]
    fn lists_of_the_largest_tiles_have_room() {
        let sample = samples("all", 24)
            .into_iter()
            .find(|sample| sample.light.shadows && sample.light.lamp.is_none());
        let mut sample = sample.expect("a sun among 24 samples");
        sample.light.softness = 0.5;
        sample.camera.width = 512;
        sample.camera.height = 512;
        let (instances, cones) = instances_of(&sample);
        for (mut instance, length) in [(instances[0], 0.6), (instances[cones], 1.0)] {
            instance.b = if instance.is_cuboid() {
                Vec4::splat(length)
            } else {
                instance.a + Vec4::X * length
            };
            let crowd = vec![instance; MOST_INSTANCES];
            let cones = if instance.is_cuboid() { 0 } else { MOST_INSTANCES };
            let lists = CasterLists::new(&sample, &crowd, cones);
            assert!(lists.words().len() <= LIST_WORDS, "{} words", lists.words().len());
            assert!(
                lists.pieces.iter().all(|pieces| ((pieces & 0xffff) as usize) < lists.heads.len())
            );
            assert!(
                lists.heads.iter().all(|[start, middle, end]| start <= middle && middle <= end)
            );
        }
    }

    #[test]
    fn rectangles_cover_every_cell_once() {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(4);
        for cells in [8, 16, 24] {
            let pattern: u32 = random.random();
            let row = |y: usize| if (y / 3).is_multiple_of(2) { pattern } else { (y * 31) as u32 };
            let heads = (0..cells * cells)
                .map(|cell| [0, 0, row(cell / cells) >> (cell % cells) & 1])
                .collect();
            let lists = CasterLists { cells, heads, members: Vec::new(), pieces: Vec::new() };
            let mut covered = vec![0u8; cells * cells];
            for (shadowed, mark) in [(true, 1), (false, 2)] {
                for rectangle in lists.rectangles(shadowed) {
                    let [left, top, right, bottom] =
                        (rectangle * cells as f32).to_array().map(|side| side as usize);
                    (top..bottom)
                        .for_each(|y| (left..right).for_each(|x| covered[y * cells + x] += mark));
                }
            }
            for (cell, covered) in covered.into_iter().enumerate() {
                assert_eq!(
                    covered,
                    if row(cell / cells) >> (cell % cells) & 1 == 1 { 1 } else { 2 }
                );
            }
        }
    }
}
