//! Compares the lists with the shadows that sampled rays find.

use super::{
    geometry::Plane,
    lists::{CasterLists, Head},
};
use crate::{
    instances::Instances,
    layout::{GpuInstance, LIST_WORDS, MOST_INSTANCES},
    sampler::sampler,
};
use glam::{Vec2, Vec3, Vec4};
use marionette_physics::Solvability;
use marionette_scene::load_scene;
use marionette_stream::{BackdropKind, FAR_DEPTH, Light, Policy, SceneSample, StreamMix};
use rand::{Rng, SeedableRng};

fn samples(scene: &str, count: u64) -> Vec<SceneSample> {
    let scene = load_scene(scene).unwrap();
    let policy = Policy::initial(StreamMix::default(), 6);
    let judge = Solvability::new(scene.figure.clone());
    (0..count)
        .map(|i| {
            judge
                .first_solvable(i, |attempt| sampler(&scene).sample(&policy, 5, i, attempt))
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
        let Head { cones, end, .. } = self.heads[head];
        &self.members[cones as usize..end as usize]
    }
}

#[test]
fn no_shadow_is_missed() {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(3);
    let (mut on_planes, mut on_instances, mut free, mut lamps) = (0, 0, 0, 0);
    for mut sample in
        ["all", "quickstart", "sports", "night"].into_iter().flat_map(|scene| samples(scene, 16))
    {
        sample.light.shadows = true;
        lamps += u32::from(sample.light.lamp.is_some());
        let of_sample = Instances::of(&sample);
        let lists = CasterLists::new(&sample, &of_sample);
        let Instances { all: instances, cones, .. } = of_sample;
        let spheres = inside(&instances);
        free +=
            (0..lists.cells * lists.cells).filter(|cell| lists.members(*cell).is_empty()).count();
        let (eye, camera) = (sample.camera.eye(), &sample.camera);
        let wall =
            Plane { normal: sample.backdrop.facing(camera), offset: -sample.backdrop.distance };
        for _ in 0..600 {
            let place = Vec2::new(random.random(), random.random());
            let along =
                camera.ray_through(place * Vec2::new(camera.width as f32, camera.height as f32));
            let to_ground = if sample.backdrop.open || along.y > -1e-3 {
                f32::INFINITY
            } else {
                -eye.y / along.y
            };
            let towards = along.dot(wall.normal);
            let to_wall = if towards > -1e-3 { f32::INFINITY } else { -wall.height(eye) / towards };
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
        for (place, packed) in lists.pieces.iter().enumerate().filter(|(place, _)| *place < cones) {
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
    let Instances { all: instances, cones, .. } = Instances::of(&sample);
    for (mut instance, length) in [(instances[0], 0.6), (instances[cones], 1.0)] {
        instance.b =
            if instance.is_cuboid() { Vec4::splat(length) } else { instance.a + Vec4::X * length };
        let cones = if instance.is_cuboid() { 0 } else { MOST_INSTANCES };
        let crowd = Instances {
            all: vec![instance; MOST_INSTANCES],
            ids: Vec::new(),
            drawn: cones,
            cones,
            shapes: Vec::new(),
        };
        let lists = CasterLists::new(&sample, &crowd);
        assert!(lists.words().len() <= LIST_WORDS, "{} words", lists.words().len());
        assert!(lists.pieces.iter().all(|pieces| ((pieces & 0xffff) as usize) < lists.heads.len()));
        assert!(
            lists.heads.iter().all(|head| head.cones <= head.cuboids && head.cuboids <= head.end)
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
            .map(|cell| Head { end: row(cell / cells) >> (cell % cells) & 1, ..Head::default() })
            .collect();
        let lists = CasterLists {
            cells,
            heads,
            members: Vec::new(),
            pieces: Vec::new(),
            of_triangles: Vec::new(),
        };
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
            assert_eq!(covered, if row(cell / cells) >> (cell % cells) & 1 == 1 { 1 } else { 2 });
        }
    }
}
