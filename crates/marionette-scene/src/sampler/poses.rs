//! Figures in their poses: a varied moment of a movement, and the props that carry the figure.

use super::{framing::ground_axes, sampling::Sampling, settling};
use crate::{Scene, colors::any_color};
use glam::{Quat, Vec2, Vec3};
use marionette_base::random::weighted;
use marionette_figure::{
    BodyShape, Figure, Pose, PoseFamily, RoundCone, Support, WorldBones, grips, keep_to_joints,
    lowest_point, place_parts, solve,
};
use marionette_stream::{Camera, FigureSample, Prop, PropRole, PropShape};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};

/// How a figure is posed.
struct PoseSettings {
    /// Pose hardness: which families are likely.
    pub hardness: f32,
    /// Factor on a family's own spread.
    pub spread: f32,
    /// How far joints are blended towards random points within their limits, 0 to 1.
    pub limit_blend: f32,
    /// Whether it may need a seat, a wall or a bar.
    pub carried: bool,
    /// Probability that it stands on a block where it would stand on the ground.
    pub block: f32,
}

/// Which body is to be posed, in which family, and where.
struct Placement {
    shape: BodyShape,
    /// Index of the family of poses.
    family: usize,
    /// What turns the whole figure, on top of the pose's own orientation.
    turn: Quat,
    /// Where the root is above, (x, z), metres.
    position: Vec2,
}

/// A posed figure and the props that carry it.
fn posed(
    figure: &Figure,
    placement: Placement,
    settings: &PoseSettings,
    rng: &mut ChaCha8Rng,
) -> (FigureSample, Vec<Prop>) {
    let Placement { shape, family: index, turn, position } = placement;
    let family = &figure.poses[index];
    // A figure without twins has no other side to mirror its poses to.
    let mirrored = rng.random::<bool>()
        && figure.bones.iter().enumerate().any(|(index, bone)| bone.twin != index);
    let angles = joint_angles(figure, family, mirrored, settings, rng);
    let slides = slides(figure, rng);
    let mut between = |[low, high]: [f32; 2]| low + (high - low) * rng.random::<f32>();
    let (pitch, roll) =
        (between(family.pitch), between(family.roll) * if mirrored { -1.0 } else { 1.0 });
    let orientation = turn * Quat::from_rotation_z(roll) * Quat::from_rotation_x(pitch);
    let root = Vec3::new(position.x, 0.0, position.y);
    let mut pose = Pose { root, orientation, angles, slides };
    keep_to_joints(figure, &mut pose);
    let bones = solve(figure, &shape, &pose);
    let parts = place_parts(figure, &shape, &bones);
    let lowest = lowest_of(figure, &shape, &bones, &parts);
    let stature = figure.stature;
    let mut props = Vec::new();
    let mut lift = -lowest;
    match family.support {
        Support::Air(clearance) => lift += between(clearance),
        Support::Bar(clearance) => {
            lift += between(clearance);
            if let [left, right] = grips(figure, &shape)[..] {
                let place = |(hand, palm): (usize, Vec3)| bones[hand].transform_point3(palm);
                props.push(bar([place(left), place(right)], stature, rng));
            }
        }
        Support::Seat => props.extend(seat(&parts, lowest, position, stature, rng)),
        Support::Wall => props.push(wall(&parts, lowest, orientation * Vec3::Y, stature, rng)),
        Support::Ground => {
            if rng.random::<f32>() < settings.block {
                // A lying figure needs a block below its whole body, not only below the heel that
                // is lowest.
                let room = if family.settle.is_some() { 0.25 } else { 0.04 };
                let block = block(&parts, lowest, room * stature, stature, rng);
                lift += block.1;
                props.push(block.0);
            }
        }
        Support::Fixed => {
            let root =
                figure.bones[0].offset.y * figure.shape.length_scale(&shape, figure.bones[0].scale);
            // Everything so far is about a root at the origin.
            lift = root;
            if rng.random::<f32>() < settings.block {
                let block = block(&base(figure, &parts, pose.root), -root, 0.0, stature, rng);
                lift += block.1;
                props.push(block.0);
            }
        }
    }
    for prop in &mut props {
        prop.position.y += lift;
    }
    pose.root.y += lift;
    (FigureSample { shape, family: index, pose, ..FigureSample::default() }, props)
}

/// The corners, seen from above, of what stays where a fixed figure is bolted down: `root` and the
/// parts that cannot move against it.
fn base(figure: &Figure, parts: &[RoundCone], root: Vec3) -> Vec<RoundCone> {
    let rigid = figure.parts[..figure.body_parts]
        .iter()
        .zip(parts)
        .filter(|(part, _)| figure.rigid(part.bone))
        .flat_map(|(_, placed)| placed.ends.into_iter().zip(placed.radii));
    let corners = |(centre, radius): (Vec3, f32)| {
        let aside = Vec3::new(radius, 0.0, radius);
        RoundCone { ends: [centre - aside, centre + aside], radii: [f32::MAX; 2] }
    };
    std::iter::once((root, 0.0)).chain(rigid).map(corners).collect()
}

/// The lowest height that a figure reaches, metres: of what is drawn, not of round cones that stand
/// for it.
fn lowest_of(figure: &Figure, shape: &BodyShape, bones: &WorldBones, parts: &[RoundCone]) -> f32 {
    if figure.surface.triangles.is_empty() {
        return lowest_point(parts);
    }
    let drawn = parts.iter().enumerate().filter(|(part, _)| !figure.surface.replaces(*part));
    let drawn: Vec<RoundCone> = drawn.map(|(_, cone)| *cone).collect();
    let vertices = figure.surface.place(figure, shape, bones);
    vertices.iter().map(|vertex| vertex.position.y).fold(lowest_point(&drawn), f32::min)
}

/// Samples one of `families`, which the scene shows; all are indices into the figure's.
fn family(
    scene: &Scene,
    families: &[usize],
    settings: &PoseSettings,
    rng: &mut ChaCha8Rng,
) -> usize {
    // A scene that has only rare families has no weights at hardness 0.
    let weight = |index: &usize| {
        let PoseFamily { weights: [easy, hard], support, .. } = &scene.figure.poses[*index];
        let possible = settings.carried
            || matches!(support, Support::Ground | Support::Air(_) | Support::Fixed);
        if possible { easy + (hard - easy) * settings.hardness + 1e-3 } else { 0.0 }
    };
    families[weighted(rng, families.iter().map(weight)).unwrap_or(0)]
}

/// Samples a moment of the movement. Each joint varies by itself, and some are blended towards a
/// random point within their limits.
fn joint_angles(
    figure: &Figure,
    family: &PoseFamily,
    mirrored: bool,
    settings: &PoseSettings,
    rng: &mut ChaCha8Rng,
) -> Vec<Vec3> {
    let (from, to, share) = family.moment(rng.random::<f32>());
    let [from, to] = [from, to].map(|key| &family.keys[key]);
    let at = |bone: usize| from[bone].lerp(to[bone], share);
    let mut angles: Vec<Vec3> =
        (0..figure.bones.len())
            // The mirror image of a rotation has the same x and the opposite y and z.
            .map(|i| {
                if mirrored { at(figure.bones[i].twin) * Vec3::new(1.0, -1.0, -1.0) } else { at(i) }
            })
            .collect();
    for (bone, angle) in figure.bones.iter().zip(&mut angles) {
        // Most joints stay near the family's angles. Some go far, as in people.
        let blend = settings.limit_blend * rng.random::<f32>();
        for axis in 0..3 {
            let [low, high] = bone.limits[axis];
            let jitter: f32 = StandardNormal.sample(rng);
            let anywhere = low + (high - low) * rng.random::<f32>();
            let near = angle[axis] + jitter.clamp(-2.5, 2.5) * family.spread * settings.spread;
            angle[axis] = near + (anywhere - near) * blend;
        }
    }
    angles
}

/// Each joint that slides, anywhere within its limits. Draws nothing where none does.
fn slides(figure: &Figure, rng: &mut ChaCha8Rng) -> Vec<Vec3> {
    let mut slides = figure.no_slides();
    for (bone, slide) in figure.bones.iter().zip(&mut slides) {
        for (axis, [low, high]) in bone.slides.into_iter().enumerate() {
            slide[axis] = low + (high - low) * rng.random::<f32>();
        }
    }
    slides
}

/// A bar through both hands.
fn bar(hands: [Vec3; 2], stature: f32, rng: &mut ChaCha8Rng) -> Prop {
    let along = (hands[0] - hands[1]).with_y(0.0).normalize_or(Vec3::X);
    let beyond = (0.3 + 1.2 * rng.random::<f32>()) * stature;
    fixed(
        PropShape::Capsule {
            half_length: hands[0].distance(hands[1]) * 0.5 + beyond,
            radius: (0.016 + 0.012 * rng.random::<f32>()) * stature,
        },
        (hands[0] + hands[1]) * 0.5,
        Quat::from_rotation_arc(Vec3::Y, along),
        rng,
    )
}

/// A block from the ground to the lowest surface above the hips' place; `None` if that surface is
/// on the ground already.
fn seat(
    parts: &[RoundCone],
    lowest: f32,
    hips: Vec2,
    stature: f32,
    rng: &mut ChaCha8Rng,
) -> Option<Prop> {
    let half = Vec2::new(0.2 + 0.5 * rng.random::<f32>(), 0.16 + 0.1 * rng.random::<f32>());
    let half = half * stature;
    let balls = || parts.iter().flat_map(|part| part.ends.into_iter().zip(part.radii));
    let middle = hips + Vec2::new(0.0, 0.12 * stature - half.y);
    let above = |(centre, radius): (Vec3, f32)| {
        let off = (Vec2::new(centre.x, centre.z) - middle).abs() - half;
        (off.max_element() < radius).then_some(centre.y - radius)
    };
    let top = balls().filter_map(above).fold(f32::INFINITY, f32::min);
    let height = top - lowest;
    (height.is_finite() && height > 0.12 * stature).then(|| {
        let shape = PropShape::Cuboid { half_extents: Vec3::new(half.x, height * 0.5, half.y) };
        fixed(shape, Vec3::new(middle.x, lowest + height * 0.5, middle.y), Quat::IDENTITY, rng)
    })
}

/// An upright slab on the ground, where the figure meets it first when it tips over. `up` points to
/// the figure's head.
fn wall(parts: &[RoundCone], lowest: f32, up: Vec3, stature: f32, rng: &mut ChaCha8Rng) -> Prop {
    let away = up.with_y(0.0).normalize_or(Vec3::Z);
    let balls = || parts.iter().flat_map(|part| part.ends.into_iter().zip(part.radii));
    let met = balls()
        .map(|(centre, radius)| (centre.dot(away) + radius, centre))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let (reach, place) = met.unwrap_or_default();
    // From a parapet that ends at the point of contact to a wall higher than any head.
    let height = (place.y - lowest + 0.06 * stature).max(0.5 * stature)
        + 1.4 * rng.random::<f32>().powi(2) * stature;
    let half = Vec3::new(
        (0.35 + 1.2 * rng.random::<f32>()) * stature,
        height * 0.5,
        (0.04 + 0.12 * rng.random::<f32>()) * stature,
    );
    let aside = place - away * place.dot(away);
    let middle = (aside + away * (reach + half.z)).with_y(lowest + half.y);
    fixed(
        PropShape::Cuboid { half_extents: half },
        middle,
        Quat::from_rotation_y(away.x.atan2(away.z)),
        rng,
    )
}

/// A block, a beam or a wall below all of the figure that is within `room` metres of its lowest
/// point, and the block's height, metres.
fn block(
    parts: &[RoundCone],
    lowest: f32,
    room: f32,
    stature: f32,
    rng: &mut ChaCha8Rng,
) -> (Prop, f32) {
    let balls = || parts.iter().flat_map(|part| part.ends.into_iter().zip(part.radii));
    let resting = || {
        balls()
            .filter(|(centre, radius)| centre.y - radius < lowest + room)
            .map(|(centre, _)| centre)
    };
    let low = resting().fold(Vec3::INFINITY, Vec3::min);
    let high = resting().fold(Vec3::NEG_INFINITY, Vec3::max);
    let height = (0.1 + 1.1 * rng.random::<f32>()) * stature;
    let mut margin = || (0.03 + 0.8 * rng.random::<f32>().powi(3)) * stature;
    let half = (high - low).with_y(0.0) * 0.5 + Vec3::new(margin(), height * 0.5, margin());
    let middle = ((low + high) * 0.5).with_y(lowest - height * 0.5);
    (fixed(PropShape::Cuboid { half_extents: half }, middle, Quat::IDENTITY, rng), height)
}

fn fixed(shape: PropShape, position: Vec3, rotation: Quat, rng: &mut ChaCha8Rng) -> Prop {
    Prop { shape, position, rotation, color: any_color(rng), role: PropRole::Support }
}

/// Samples the pose settings of the labelled figure.
fn settings(sampling: &mut Sampling, hardness: f32, rng: &mut ChaCha8Rng) -> PoseSettings {
    let scene = sampling.scene;
    let pose = &scene.randomizers.pose;
    PoseSettings {
        hardness,
        carried: true,
        spread: sampling.sample("pose.spread", &pose.spread, rng, hardness),
        limit_blend: sampling
            .sample("pose.limit_blend", &pose.limit_blend, rng, hardness)
            .clamp(0.0, 1.0),
        block: sampling.sample("pose.block", &pose.block, rng, hardness),
    }
}

/// Samples how far the whole figure is tilted.
fn tilt(sampling: &mut Sampling, hardness: f32, rng: &mut ChaCha8Rng) -> Quat {
    let scene = sampling.scene;
    let tilt = &scene.randomizers.pose.tilt_deg;
    let mut sample = |name| sampling.sample(name, tilt, rng, hardness).to_radians();
    Quat::from_rotation_x(sample("pose.tilt_x_deg"))
        * Quat::from_rotation_z(sample("pose.tilt_z_deg"))
}

/// The figure that is labelled, at the origin, and the props that carry it. Its pose is of one of
/// the families that are `wanted`, where the scene shows one of these.
pub(super) fn primary(
    sampling: &mut Sampling,
    hardness: f32,
    wanted: &[usize],
) -> (FigureSample, Vec<Prop>) {
    let scene = sampling.scene;
    let shape = scene.figure.shape.sample(&mut sampling.stream("body"));
    let mut rng = sampling.stream("pose");
    let settings = settings(sampling, hardness, &mut rng);
    let tilt = tilt(sampling, hardness, &mut rng);
    // A new attempt keeps the family. Otherwise families that are often rejected would be rarer
    // than their weights say.
    let shown: Vec<usize> =
        scene.poses.iter().copied().filter(|family| wanted.contains(family)).collect();
    let families = if shown.is_empty() { &scene.poses } else { &shown };
    let family = family(scene, families, &settings, &mut sampling.lasting_stream("pose/family"));
    let fixed = scene.figure.poses[family].support == Support::Fixed;
    let turn = if fixed { Quat::IDENTITY } else { tilt };
    let placement = Placement { shape, family, turn, position: Vec2::ZERO };
    let (mut figure, props) = posed(&scene.figure, placement, &settings, &mut rng);
    settling::settle_on(
        sampling.settle,
        &scene.figure,
        &mut figure,
        &props,
        &mut sampling.stream("pose/settle"),
    );
    (figure, props)
}

/// The other figures: beside, behind and in front of the labelled one. Where the scene allows it,
/// only the ground carries them.
pub(super) fn crowd(
    sampling: &mut Sampling,
    camera: &Camera,
    hardness: f32,
) -> Vec<(FigureSample, ChaCha8Rng)> {
    let scene = sampling.scene;
    let settings = &scene.randomizers.crowd;
    let mut rng = sampling.stream("crowd");
    let count =
        sampling.sample("crowd.count", &settings.count, &mut rng, hardness).round().clamp(0.0, 8.0)
            as usize;
    let (right, away) = ground_axes(camera);
    let easy =
        PoseSettings { hardness: 0.3, carried: false, spread: 1.0, limit_blend: 0.1, block: 0.0 };
    (0..count)
        .map(|_| {
            let side = if rng.random::<bool>() { 1.0 } else { -1.0 };
            let lateral =
                sampling.sample("crowd.lateral_m", &settings.lateral_m, &mut rng, hardness)
                    * side
                    * scene.figure.stature;
            let behind = sampling.sample("crowd.behind_m", &settings.behind_m, &mut rng, hardness)
                * scene.figure.stature;
            let shape = scene.figure.shape.sample(&mut rng);
            let turn = Quat::from_rotation_y(rng.random::<f32>() * std::f32::consts::TAU);
            let family = family(scene, &scene.poses, &easy, &mut rng);
            let position = right * lateral + away * behind;
            let placement = Placement { shape, family, turn, position };
            let (figure, _) = posed(&scene.figure, placement, &easy, &mut rng);
            let own = ChaCha8Rng::from_rng(&mut rng);
            (figure, own)
        })
        .collect()
}
