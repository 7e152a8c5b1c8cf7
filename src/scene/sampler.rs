//! The sampler: policy + seed + index → [`SceneSample`], a pure function.
//!
//! Every randomizer draws from a stream of its own, keyed by (seed, sample, attempt, name), so adding, removing or
//! reordering one changes no other's draws. A replayed sample takes its streams from the sample it repeats, save for one
//! to three randomizers that draw afresh.

use super::{
    Backdrop, BackdropKind, Camera, Degradation, FigureSample, Hardness, HardnessAxis, Light, Policy, Prop, PropShape,
    SampleStream, Scene, SceneSample, distribution::Ramp,
};
use crate::{
    figure::{BodyShape, Figure, Pose, RoundCone, clamp_to_limits, lowest_point, place_keypoints, place_parts, solve},
    random,
};
use glam::{Quat, Vec2, Vec3};
use rand::{Rng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};

/// The randomizers that a replay may draw afresh, by the names of their streams.
const REDRAWN: [&str; 10] =
    ["body", "pose", "view", "occlusion", "truncation", "lighting", "camouflage", "colors", "crowd", "degradation"];

/// Draws sample `index` of the run with `seed`, as the stream that its index belongs to wants it.
///
/// `attempt` counts how often this sample has been rejected as unsolvable; a redraw keeps the hardness.
pub fn draw(scene: &Scene, policy: &Policy, seed: u64, index: u64, attempt: u32) -> SceneSample {
    let mut rng = random::stream(seed, index, 0, "hardness");
    let shares: Hardness = std::array::from_fn(|_| rng.random::<f32>());
    let steered = |policy: &Policy| -> Hardness {
        std::array::from_fn(|axis| {
            if scene.axes[axis].steered { policy.axes[axis].quantile(shares[axis]) } else { shares[axis] }
        })
    };
    let mut keys = Keys { seed, own: (index, attempt), origin: None, redrawn: Vec::new() };
    let (hardness, stream) = match policy.mix.stream_of(index) {
        SampleStream::Uniform => (shares, SampleStream::Uniform),
        SampleStream::Replay if !policy.replay.is_empty() => {
            let total: f32 = policy.replay.iter().map(|entry| entry.weight).sum();
            let mut left = rng.random::<f32>() * total;
            let entry = policy
                .replay
                .iter()
                .find(|entry| {
                    left -= entry.weight;
                    left < 0.0
                })
                .unwrap_or(&policy.replay[0]);
            let mut names = REDRAWN;
            names.shuffle(&mut rng);
            keys.origin = Some((entry.origin, entry.attempt));
            keys.redrawn = names[..rng.random_range(1..=3)].to_vec();
            (entry.hardness, SampleStream::Replay)
        }
        SampleStream::Steered | SampleStream::Replay => (steered(policy), SampleStream::Steered),
    };
    compose(scene, policy, &keys, stream, hardness)
}

/// Draws sample `index` at a given `hardness`: for exams, previews and anything else that has no curriculum.
pub fn draw_at(scene: &Scene, hardness: Hardness, seed: u64, index: u64, attempt: u32) -> SceneSample {
    let keys = Keys { seed, own: (index, attempt), origin: None, redrawn: Vec::new() };
    compose(scene, &Policy::initial(Default::default(), 1), &keys, SampleStream::Uniform, hardness)
}

/// Where a sample's random streams come from.
struct Keys {
    seed: u64,
    own: (u64, u32),
    origin: Option<(u64, u32)>,
    redrawn: Vec<&'static str>,
}

impl Keys {
    fn stream(&self, name: &'static str) -> ChaCha8Rng {
        let (index, attempt) = match self.origin {
            Some(origin) if !self.redrawn.contains(&name) => origin,
            _ => self.own,
        };
        random::stream(self.seed, index, attempt, name)
    }
}

/// Draws parameters and writes them down.
struct Recorder {
    parameters: Vec<(&'static str, f32)>,
}

impl Recorder {
    fn draw(&mut self, name: &'static str, ramp: &Ramp, rng: &mut ChaCha8Rng, hardness: f32) -> f32 {
        let value = ramp.draw(rng, hardness);
        self.parameters.push((name, value));
        value
    }
}

fn compose(scene: &Scene, policy: &Policy, keys: &Keys, stream: SampleStream, hardness: Hardness) -> SceneSample {
    let mut record = Recorder { parameters: Vec::new() };
    // How far along each randomizer's ramp this sample is.
    let at = |axis: HardnessAxis| hardness[axis as usize] * scene.axes[axis as usize].reach;
    let mut backdrop = backdrop(scene, keys, &mut record, at(HardnessAxis::Camouflage));
    let blend = record.draw(
        "camouflage.blend",
        &scene.randomizers.camouflage.blend,
        &mut keys.stream("camouflage.blend"),
        at(HardnessAxis::Camouflage),
    );
    let mut colors = keys.stream("colors");
    let mut primary = primary_figure(scene, keys, &mut record, at(HardnessAxis::Pose));
    primary.part_colors = figure_colors(&scene.figure, &backdrop, blend, &mut colors);
    let camera = camera(scene, keys, &mut record, &primary.parts, at(HardnessAxis::View), at(HardnessAxis::Truncation));
    let light = light(scene, keys, &mut record, &camera, at(HardnessAxis::Lighting));
    let mut figures = vec![primary];
    figures.extend(crowd(scene, keys, &mut record, &camera, &backdrop, blend, at(HardnessAxis::Crowd)));
    backdrop.distance = backdrop.distance.max(farthest(&camera, &figures) + 0.05);
    let props = props(scene, keys, &mut record, &camera, at(HardnessAxis::Occlusion));
    let degradation = degradation(scene, keys, &mut record, at(HardnessAxis::Degradation));
    SceneSample {
        index: keys.own.0,
        attempt: keys.own.1,
        rejections: Vec::new(),
        policy_version: policy.version,
        stream,
        origin: keys.origin.map(|(index, _)| index),
        propensity: policy.propensity(&hardness),
        hardness,
        figures,
        props,
        camera,
        light,
        backdrop,
        degradation,
        parameters: record.parameters,
    }
}

fn primary_figure(scene: &Scene, keys: &Keys, record: &mut Recorder, hardness: f32) -> FigureSample {
    let settings = &scene.randomizers.pose;
    let figure = &*scene.figure;
    let shape = body_shape(figure, &mut keys.stream("body"));
    let mut rng = keys.stream("pose");
    let spread = record.draw("pose.spread", &settings.spread, &mut rng, hardness);
    let limit_blend = record.draw("pose.limit_blend", &settings.limit_blend, &mut rng, hardness).clamp(0.0, 1.0);
    let angles = joint_angles(figure, hardness, spread, limit_blend, &mut rng);
    let tilt = Vec2::new(
        record.draw("pose.tilt_x_deg", &settings.tilt_deg, &mut rng, hardness),
        record.draw("pose.tilt_z_deg", &settings.tilt_deg, &mut rng, hardness),
    );
    let orientation = Quat::from_rotation_x(tilt.x.to_radians()) * Quat::from_rotation_z(tilt.y.to_radians());
    stand(figure, shape, angles, orientation, Vec2::ZERO)
}

/// Draws the scales of a body: size and girth from a truncated normal, the rest evenly.
fn body_shape(figure: &Figure, rng: &mut ChaCha8Rng) -> BodyShape {
    let mut between = |[low, high]: [f32; 2]| low + (high - low) * rng.random::<f32>();
    let ranges = &figure.shape;
    BodyShape {
        height: between(ranges.height),
        trunk: between(ranges.trunk),
        arm: between(ranges.arm),
        leg: between(ranges.leg),
        head: between(ranges.head),
        girth: between(ranges.girth),
    }
}

/// A base pose with its own spread, blended towards a random point within the joints' limits.
fn joint_angles(figure: &Figure, hardness: f32, spread: f32, limit_blend: f32, rng: &mut ChaCha8Rng) -> Vec<Vec3> {
    let weight = |pose: &crate::figure::BasePose| pose.weights[0] + (pose.weights[1] - pose.weights[0]) * hardness;
    let mut left = rng.random::<f32>() * figure.poses.iter().map(weight).sum::<f32>();
    let base = figure
        .poses
        .iter()
        .find(|pose| {
            left -= weight(pose);
            left < 0.0
        })
        .unwrap_or(&figure.poses[0]);
    let mirrored = rng.random::<bool>();
    let mut angles: Vec<Vec3> = figure
        .bones
        .iter()
        .enumerate()
        .map(|(i, bone)| {
            // The mirror image of a rotation keeps its x part and turns y and z round.
            if mirrored { base.angles[bone.twin] * Vec3::new(1.0, -1.0, -1.0) } else { base.angles[i] }
        })
        .collect();
    for (bone, angle) in figure.bones.iter().zip(&mut angles) {
        // Most joints stay near the base; some go far, as they do in people.
        let blend = limit_blend * rng.random::<f32>();
        for axis in 0..3 {
            let [low, high] = bone.limits[axis];
            let jitter: f32 = StandardNormal.sample(rng);
            let anywhere = low + (high - low) * rng.random::<f32>();
            let near = angle[axis] + jitter.clamp(-2.5, 2.5) * base.spread * spread;
            angle[axis] = near + (anywhere - near) * blend;
        }
    }
    clamp_to_limits(figure, &mut angles);
    angles
}

/// Poses a body with its lowest part on the ground and its root above `position` (x, z).
fn stand(figure: &Figure, shape: BodyShape, angles: Vec<Vec3>, orientation: Quat, position: Vec2) -> FigureSample {
    let mut pose = Pose { root: Vec3::new(position.x, 0.0, position.y), orientation, angles };
    let bones = solve(figure, &shape, &pose);
    let lift = Vec3::Y * -lowest_point(&place_parts(figure, &shape, &bones));
    pose.root += lift;
    let bones = solve(figure, &shape, &pose);
    FigureSample {
        parts: place_parts(figure, &shape, &bones),
        keypoints: place_keypoints(figure, &shape, &bones),
        shape,
        pose,
        part_colors: Vec::new(),
    }
}

/// Stands the camera so that the figure fills the wanted share of the image, at the wanted place in it.
fn camera(
    scene: &Scene,
    keys: &Keys,
    record: &mut Recorder,
    parts: &[RoundCone],
    view_hardness: f32,
    truncation_hardness: f32,
) -> Camera {
    let (view, framing) = (&scene.randomizers.view, &scene.randomizers.truncation);
    let mut rng = keys.stream("view");
    let azimuth = record.draw("view.azimuth_deg", &view.azimuth_deg, &mut rng, view_hardness).to_radians();
    let elevation = record.draw("view.elevation_deg", &view.elevation_deg, &mut rng, view_hardness).to_radians();
    let roll = record.draw("view.roll_deg", &view.roll_deg, &mut rng, view_hardness).to_radians();
    let field_of_view =
        record.draw("view.field_of_view_deg", &view.field_of_view_deg, &mut rng, view_hardness).clamp(5.0, 120.0);
    let mut rng = keys.stream("truncation");
    let fill = record.draw("truncation.fill", &framing.fill, &mut rng, truncation_hardness).max(0.05);
    let shift = Vec2::new(
        record.draw("truncation.shift_x", &framing.shift_x, &mut rng, truncation_hardness),
        record.draw("truncation.shift_y", &framing.shift_y, &mut rng, truncation_hardness),
    );
    let size = [scene.image.width, scene.image.height];
    let outwards = Vec3::new(azimuth.sin() * elevation.cos(), elevation.sin(), azimuth.cos() * elevation.cos());
    let mut target = middle(parts);
    let mut distance = 4.0;
    let aim = |target: Vec3, distance: f32| {
        let mut eye = target + outwards * distance;
        // The ground is solid.
        eye.y = eye.y.max(0.1);
        Camera::look_at(size, field_of_view.to_radians(), eye, target, roll)
    };
    // Perspective makes the framing implicit; the correction shrinks by an order of magnitude a round.
    for _ in 0..5 {
        let camera = aim(target, distance);
        let [low, high] = image_box(&camera, parts);
        let extent = high - low;
        let pixels = extent.x.max(extent.y).max(1.0);
        let side = size[0].min(size[1]) as f32;
        let wanted_centre = camera.centre + shift * pixels;
        let off = ((low + high) * 0.5 - wanted_centre) / camera.focal * distance;
        let [right, down, _] = camera.axes();
        target += right * off.x + down * off.y;
        distance = (distance * pixels / (fill * side)).clamp(0.7, 60.0);
    }
    aim(target, distance)
}

fn middle(parts: &[RoundCone]) -> Vec3 {
    let ends = || parts.iter().flat_map(|part| part.ends);
    let low = ends().fold(Vec3::INFINITY, Vec3::min);
    let high = ends().fold(Vec3::NEG_INFINITY, Vec3::max);
    (low + high) * 0.5
}

/// The image box around the parts, as if nothing were cut off: [low, high] corners in pixels.
pub fn image_box(camera: &Camera, parts: &[RoundCone]) -> [Vec2; 2] {
    let mut low = Vec2::INFINITY;
    let mut high = Vec2::NEG_INFINITY;
    for (end, radius) in parts.iter().flat_map(|part| part.ends.into_iter().zip(part.radii)) {
        let p = camera.camera_from_world.transform_point3(end);
        // A ball that reaches the camera has no tangents; it is taken to stand just in front.
        let depth = p.z.max(radius + 0.1);
        let [x, y] = [p.x, p.y].map(|across| tangents(across, depth, radius));
        low = low.min(Vec2::new(x[0], y[0]) * camera.focal + camera.centre);
        high = high.max(Vec2::new(x[1], y[1]) * camera.focal + camera.centre);
    }
    [low, high]
}

/// The slopes, lowest first, of the two lines through the origin that touch the circle around (`across`, `depth`).
fn tangents(across: f32, depth: f32, radius: f32) -> [f32; 2] {
    let reach = radius * (across * across + depth * depth - radius * radius).sqrt();
    [-reach, reach].map(|reach| (across * depth + reach) / (depth * depth - radius * radius))
}

fn light(scene: &Scene, keys: &Keys, record: &mut Recorder, camera: &Camera, hardness: f32) -> Light {
    let settings = &scene.randomizers.lighting;
    let mut rng = keys.stream("lighting");
    let mut draw = |name, ramp| record.draw(name, ramp, &mut rng, hardness);
    let sun = draw("lighting.sun", &settings.sun).max(0.0);
    let elevation = draw("lighting.sun_elevation_deg", &settings.sun_elevation_deg).clamp(2.0, 90.0).to_radians();
    let azimuth = draw("lighting.sun_azimuth_deg", &settings.sun_azimuth_deg).to_radians();
    let sky = draw("lighting.sky", &settings.sky).max(0.0);
    let tint = draw("lighting.tint", &settings.tint).clamp(0.0, 1.0);
    let stops = draw("lighting.exposure_stops", &settings.exposure_stops);
    let [_, _, forward] = camera.axes();
    let behind_camera = f32::atan2(-forward.x, -forward.z);
    let around = behind_camera + azimuth;
    let warm = hue(rng.random::<f32>());
    let cool = hue(rng.random::<f32>());
    let colored = |color: Vec3, strength: f32| Vec3::ONE.lerp(color, tint) * strength;
    Light {
        sun_direction: Vec3::new(around.sin() * elevation.cos(), elevation.sin(), around.cos() * elevation.cos()),
        sun_color: colored(warm, sun),
        sky_color: colored(cool, sky),
        bounce_color: colored(cool, sky * 0.55),
        exposure: stops.clamp(-4.0, 4.0).exp2(),
    }
}

fn backdrop(scene: &Scene, keys: &Keys, record: &mut Recorder, hardness: f32) -> Backdrop {
    let settings = &scene.randomizers.camouflage;
    let mut rng = keys.stream("camouflage");
    let contrast = record.draw("camouflage.contrast", &settings.contrast, &mut rng, hardness).clamp(0.0, 1.0);
    let scale = record.draw("camouflage.scale_m", &settings.scale_m, &mut rng, hardness).max(0.02);
    let distance = record.draw("camouflage.wall_m", &settings.wall_m, &mut rng, hardness).max(0.3);
    let base = any_color(&mut rng);
    let mut near_base = || base.lerp(any_color(&mut rng), contrast);
    let colors = [base, near_base(), near_base()];
    let ground = near_base().lerp(Vec3::splat(0.3), 0.3);
    Backdrop {
        kind: BackdropKind::ALL[rng.random_range(0..BackdropKind::ALL.len())],
        colors,
        ground,
        scale,
        contrast,
        distance,
        seed: rng.random_range(0..1 << 16),
    }
}

/// Linear RGB per part; clothes go towards the backdrop's colours by `blend`.
fn figure_colors(figure: &Figure, backdrop: &Backdrop, blend: f32, rng: &mut ChaCha8Rng) -> Vec<Vec3> {
    // Skin from pale to dark, along a line through measured tones (linear RGB), with a little of every hue.
    let tone = rng.random::<f32>();
    let skin = Vec3::new(0.72, 0.47, 0.36).lerp(Vec3::new(0.06, 0.028, 0.018), tone.sqrt());
    let skin = skin * (0.9 + 0.2 * rng.random::<f32>());
    let hairs = [
        Vec3::new(0.012, 0.010, 0.009),
        Vec3::new(0.06, 0.03, 0.015),
        Vec3::new(0.22, 0.12, 0.05),
        Vec3::new(0.55, 0.40, 0.18),
        Vec3::new(0.30, 0.08, 0.02),
        Vec3::new(0.45, 0.45, 0.46),
    ];
    let hair = if rng.random::<f32>() < 0.12 { skin * 0.92 } else { hairs[rng.random_range(0..hairs.len())] };
    let mut cloth = || {
        let hidden = backdrop.colors[rng.random_range(0..backdrop.colors.len())];
        any_color(rng).lerp(hidden, blend)
    };
    let (shirt, trousers, shoes) = (cloth(), cloth(), cloth());
    let long_sleeves = rng.random::<f32>();
    let shorts = rng.random::<f32>() < 0.3;
    figure
        .parts
        .iter()
        .map(|part| match figure.materials[part.material].as_str() {
            "hair" => hair,
            "eyes" => Vec3::splat(0.02),
            "lips" => skin * Vec3::new(0.8, 0.5, 0.5),
            "shirt" => shirt,
            "sleeves" if long_sleeves < 0.8 => shirt,
            "forearms" if long_sleeves < 0.4 => shirt,
            "shins" if !shorts => trousers,
            "trousers" => trousers,
            "shoes" => shoes,
            _ => skin,
        })
        .collect()
}

fn crowd(
    scene: &Scene,
    keys: &Keys,
    record: &mut Recorder,
    camera: &Camera,
    backdrop: &Backdrop,
    blend: f32,
    hardness: f32,
) -> Vec<FigureSample> {
    let settings = &scene.randomizers.crowd;
    let mut rng = keys.stream("crowd");
    let count = record.draw("crowd.count", &settings.count, &mut rng, hardness).round().clamp(0.0, 8.0) as usize;
    let (right, away) = ground_axes(camera);
    (0..count)
        .map(|_| {
            let side = if rng.random::<bool>() { 1.0 } else { -1.0 };
            let lateral = record.draw("crowd.lateral_m", &settings.lateral_m, &mut rng, hardness) * side;
            let behind = record.draw("crowd.behind_m", &settings.behind_m, &mut rng, hardness);
            let shape = body_shape(&scene.figure, &mut rng);
            let angles = joint_angles(&scene.figure, 0.3, 1.0, 0.1, &mut rng);
            let turn = Quat::from_rotation_y(rng.random::<f32>() * std::f32::consts::TAU);
            let mut figure = stand(&scene.figure, shape, angles, turn, right * lateral + away * behind);
            figure.part_colors = figure_colors(&scene.figure, backdrop, blend, &mut rng);
            figure
        })
        .collect()
}

/// The camera's right and forward directions on the ground, as (x, z).
fn ground_axes(camera: &Camera) -> (Vec2, Vec2) {
    let [right, _, forward] = camera.axes();
    // Straight down, forward has no direction on the ground, but then right still lies in it.
    let away =
        Vec2::new(forward.x, forward.z).try_normalize().unwrap_or(Vec2::new(right.z, -right.x).normalize_or(Vec2::Y));
    (Vec2::new(-away.y, away.x), away)
}

/// How far behind the origin, seen from the camera, the figures reach: the wall has to stand behind that, metres.
fn farthest(camera: &Camera, figures: &[FigureSample]) -> f32 {
    let (_, away) = ground_axes(camera);
    let balls = figures.iter().flat_map(|figure| &figure.parts).flat_map(|part| part.ends.into_iter().zip(part.radii));
    balls.map(|(centre, radius)| away.dot(Vec2::new(centre.x, centre.z)) + radius).fold(0.0, f32::max)
}

/// Props above the ground between figure and camera, waiting to be dropped.
fn props(scene: &Scene, keys: &Keys, record: &mut Recorder, camera: &Camera, hardness: f32) -> Vec<Prop> {
    let settings = &scene.randomizers.occlusion;
    let mut rng = keys.stream("occlusion");
    let count = record.draw("occlusion.count", &settings.count, &mut rng, hardness).round().clamp(0.0, 8.0) as usize;
    let eye = camera.eye();
    let to_camera = Vec2::new(eye.x, eye.z);
    let (right, _) = ground_axes(camera);
    let mut height = 0.0;
    (0..count)
        .map(|_| {
            let nearness = record.draw("occlusion.nearness", &settings.nearness, &mut rng, hardness);
            let lateral = record.draw("occlusion.lateral_m", &settings.lateral_m, &mut rng, hardness);
            let size = record.draw("occlusion.size_m", &settings.size_m, &mut rng, hardness).clamp(0.05, 2.5);
            let mut vary = |low: f32, high: f32| low + (high - low) * rng.random::<f32>();
            // A prop further out covers more of the picture, so it is made smaller to cover about as much.
            let size = size * (1.0 - 0.6 * nearness.clamp(0.0, 1.0));
            let (shape, upright) = match (vary(0.0, 10.0)) as u32 {
                0 | 1 => (PropShape::Ball { radius: size * 0.5 }, false),
                2 | 3 => {
                    (PropShape::Capsule { half_length: size * vary(0.6, 1.2), radius: size * vary(0.15, 0.3) }, false)
                }
                4..=6 => (
                    PropShape::Cuboid {
                        half_extents: Vec3::new(vary(0.3, 0.7), vary(0.3, 0.8), vary(0.3, 0.6)) * size,
                    },
                    true,
                ),
                // Something tall: a pillar, a cupboard, a sign.
                _ => (
                    PropShape::Cuboid {
                        half_extents: Vec3::new(vary(0.15, 0.4), vary(0.9, 1.6), vary(0.2, 0.35)) * size,
                    },
                    true,
                ),
            };
            let turn = Quat::from_rotation_y(vary(0.0, std::f32::consts::TAU));
            let rotation = if upright {
                turn * Quat::from_rotation_x(vary(-0.03, 0.03))
            } else {
                turn * Quat::from_rotation_z(vary(0.8, 1.57))
            };
            let reach = match shape {
                PropShape::Ball { radius } => radius,
                PropShape::Capsule { half_length, radius } => (rotation * Vec3::Y * half_length).y.abs() + radius,
                PropShape::Cuboid { half_extents } => half_extents.y + 0.05 * half_extents.z,
            };
            let at = to_camera * nearness.clamp(0.05, 0.9) + right * lateral;
            // Each is dropped from above the last, so that none starts inside another.
            height += 0.03;
            let position = Vec3::new(at.x, height + reach, at.y);
            height += if upright { 0.0 } else { 2.0 * reach };
            Prop { shape, position, rotation, color: any_color(&mut rng) }
        })
        .collect()
}

fn degradation(scene: &Scene, keys: &Keys, record: &mut Recorder, hardness: f32) -> Degradation {
    let settings = &scene.randomizers.degradation;
    let mut rng = keys.stream("degradation");
    let height = scene.image.height as f32;
    Degradation {
        blur: (record.draw("degradation.blur", &settings.blur, &mut rng, hardness) * height).clamp(0.0, 16.0),
        noise: record.draw("degradation.noise", &settings.noise, &mut rng, hardness).clamp(0.0, 0.5),
        block: (record.draw("degradation.block", &settings.block, &mut rng, hardness) * height).round().clamp(1.0, 64.0)
            as u32,
        seed: rng.random(),
    }
}

/// A fully saturated colour of the given hue in [0, 1), as linear RGB of about even brightness.
fn hue(h: f32) -> Vec3 {
    let wave = |shift: f32| ((h + shift) * std::f32::consts::TAU).cos() * 0.5 + 0.5;
    let color = Vec3::new(wave(0.0), wave(1.0 / 3.0), wave(2.0 / 3.0));
    color / color.dot(Vec3::new(0.3, 0.55, 0.15)).max(0.2)
}

/// Any colour, as linear RGB: dull ones are more common than vivid ones.
fn any_color(rng: &mut ChaCha8Rng) -> Vec3 {
    let saturation = rng.random::<f32>().powi(2);
    let brightness = 0.02 + 0.7 * rng.random::<f32>().powf(1.5);
    (Vec3::ONE.lerp(hue(rng.random::<f32>()), saturation) * brightness).min(Vec3::splat(0.9))
}
