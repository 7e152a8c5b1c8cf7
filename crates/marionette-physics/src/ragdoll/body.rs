//! The rigid bodies of a figure, and their world.

use super::{
    fault::{FASTEST, Fault},
    joint::{Joint, locked},
};
use bevy_rapier3d::rapier::prelude::{
    ColliderBuilder, GenericJoint, Group, InteractionGroups, InteractionTestMode, MassProperties,
    PhysicsWorld, Pose as Frame, RigidBodyBuilder, RigidBodyHandle, SharedShape,
    SphericalJointBuilder,
};
use glam::{Affine3A, Quat, Vec3};
use marionette_figure::{
    Figure, LimbPair, Obstacle, ObstacleShape, RoundCone, SettleStart, WorldBones, place_parts,
    solve,
};

/// Fixed time step, seconds.
pub(super) const STEP: f32 = 1.0 / 60.0;
/// Bones with less than this share of the mass move with their parents. Toes, hands and collarbones
/// would cost as much as thighs, and the solver would have to cope with a hundred times their mass
/// on the other side of a joint.
const LIGHTEST: f32 = 0.012;
/// The least share of the mass of a rigid body, and the least distance of that mass from its
/// middle, metres. A foot of one kilogram below a whole body would need too many iterations.
const LEAST_SHARE: f32 = 0.03;
const LEAST_ARM: f32 = 0.09;
/// Iterations of the solver. Of 1800 sampled poses that settle, 39 came apart with 4 iterations, 3
/// with 6, and 1 with 8, which takes an eighth more time.
const ITERATIONS: usize = 6;
/// Mass of a figure, kilograms. All forces are in proportion to it, so its value does not matter.
const MASS: f32 = 70.0;
/// Parts thinner than this touch nothing, metres.
const THINNEST: f32 = 0.025;
/// How much thicker parts are than in the picture, metres: contacts give way by some millimetres,
/// and clothes come on top.
const SKIN: f32 = 0.003;
/// How much larger the ground and obstacles are than in the picture, metres, for the same reason.
/// Between limbs there is less room.
const WORLD_SKIN: f32 = 0.004;
/// A part whose radii differ by more than this is made of two capsules, metres.
const TAPER: f32 = 0.015;
/// Damping of each turn by flesh and air, a share a second.
const DAMPING: f32 = 1.5;
/// The bit that says that a collider belongs to no bone.
const WORLD: Group = Group::GROUP_32;

/// A figure's rigid bodies in a world of their own. There the figure is as large as a human: all
/// limits here, and the solver's own, suit that size.
pub(super) struct Ragdoll {
    world: PhysicsWorld,
    links: Vec<RigidBodyHandle>,
    joints: Vec<Joint>,
    strength: f32,
    /// How large the figure is over that.
    stature: f32,
}

impl Ragdoll {
    /// The figure at the moment when it is let go.
    pub(super) fn new(start: &SettleStart) -> Self {
        let figure = start.figure;
        let factor = 1.0 / figure.stature;
        let mut bones = solve(figure, start.shape, start.pose);
        let parts = place_parts(figure, start.shape, &bones);
        let parts = parts.iter().map(|part| RoundCone {
            ends: part.ends.map(|end| end * factor),
            radii: part.radii.map(|radius| radius * factor),
        });
        bones.iter_mut().for_each(|bone| bone.translation *= factor);
        let (link_of, heads) = links(figure);
        let mut world = PhysicsWorld::default();
        world.integration_parameters.dt = STEP;
        world.integration_parameters.num_solver_iterations = ITERATIONS;
        world.integration_parameters.warmstart_joints = true;
        let everything = InteractionGroups::new(WORLD, Group::all(), InteractionTestMode::And);
        let fixed = |collider: ColliderBuilder| {
            collider.friction(0.9).restitution(0.0).collision_groups(everything)
        };
        let ground =
            ColliderBuilder::new(SharedShape::halfspace(Vec3::Y)).translation(Vec3::Y * WORLD_SKIN);
        world.insert_collider(fixed(ground), None);
        for obstacle in &start.obstacles {
            world.insert_collider(fixed(shape_of(obstacle, factor)), None);
        }
        let mut ragdoll = Ragdoll {
            world,
            links: Vec::new(),
            joints: Vec::new(),
            strength: start.strength,
            stature: figure.stature,
        };
        ragdoll.add_links(start, &bones, &parts.collect::<Vec<_>>(), &link_of, &heads);
        ragdoll.add_joints(start, &bones, &link_of, &heads);
        ragdoll
    }

    fn add_links(
        &mut self,
        start: &SettleStart,
        bones: &WorldBones,
        parts: &[RoundCone],
        link_of: &[usize],
        heads: &[usize],
    ) {
        let figure = start.figure;
        let factor = 1.0 / self.stature;
        let [velocity, root] = [start.velocity, start.pose.root].map(|vector| vector * factor);
        let accepted = accepted(figure, link_of, heads.len());
        let held: Vec<usize> = start.held.iter().map(|(bone, _)| link_of[*bone]).collect();
        for (link, head) in heads.iter().enumerate() {
            let share: f32 = (0..figure.bones.len())
                .filter(|b| link_of[*b] == link)
                .map(|b| figure.bones[b].mass)
                .sum();
            let share = share.max(LEAST_SHARE);
            let solid = |part: &usize| {
                link_of[figure.parts[*part].bone] == link
                    && parts[*part].radii[0].max(parts[*part].radii[1]) > THINNEST
            };
            let of_link: Vec<usize> = (0..parts.len()).filter(solid).collect();
            let volume: f32 = of_link.iter().map(|part| size(&parts[*part])).sum();
            // A bone without parts has a mass too.
            let bare = if of_link.is_empty() { MASS * share } else { 0.0 };
            let inertia = Vec3::splat(MASS * share * LEAST_ARM * LEAST_ARM);
            let (_, rotation, place) = bones[*head].to_scale_rotation_translation();
            let body = RigidBodyBuilder::dynamic()
                .pose(Frame::from_parts(place, rotation))
                .linvel(velocity + start.spin.cross(place - root))
                .angvel(start.spin)
                .angular_damping(DAMPING)
                .additional_mass_properties(MassProperties::new(Vec3::ZERO, bare, inertia))
                .can_sleep(false);
            let body = self.world.insert_body(body);
            self.links.push(body);
            let inverse = bones[*head].inverse();
            for part in of_link {
                let mut filter = Group::from(accepted[part]);
                // Hands close around what they hold.
                if !held.contains(&link) {
                    filter |= WORLD;
                }
                let groups = InteractionGroups::new(
                    Group::from(1 << link),
                    filter,
                    InteractionTestMode::And,
                );
                let capsules = capsules(&parts[part], inverse);
                let mass = MASS * share * size(&parts[part]) / volume / capsules.len() as f32;
                for capsule in capsules {
                    let capsule =
                        capsule.mass(mass).friction(0.9).restitution(0.0).collision_groups(groups);
                    self.world.insert_collider(capsule, Some(body));
                }
            }
        }
        for (bone, point) in &start.held {
            let (link, place) = (link_of[*bone], bones[*bone].transform_point3(*point * factor));
            let own = bones[heads[link]].inverse().transform_point3(place);
            let peg = self.world.insert_body(RigidBodyBuilder::fixed().translation(place));
            let joint = SphericalJointBuilder::new().local_anchor2(own);
            self.world.insert_impulse_joint(peg, self.links[link], joint);
        }
    }

    fn add_joints(
        &mut self,
        start: &SettleStart,
        bones: &WorldBones,
        link_of: &[usize],
        heads: &[usize],
    ) {
        for (link, head) in heads.iter().enumerate() {
            let bone = &start.figure.bones[*head];
            let Some(parent) = bone.parent else { continue };
            let first = link_of[parent];
            let inverse = bones[heads[first]].inverse();
            let place = inverse.transform_point3(bones[*head].translation.into());
            let turned = Quat::from_mat3a(&(inverse * bones[parent]).matrix3) * bone.rest;
            let angles = start.pose.angles[*head];
            let mut joint =
                Joint::start(*head, [first, link], (place, turned), bone.limits, angles);
            let mut data = GenericJoint::new(locked(&bone.limits));
            data.contacts_enabled = false;
            joint.handle =
                self.world.insert_impulse_joint(self.links[first], self.links[link], data);
            self.joints.push(joint);
        }
    }

    /// One time step.
    pub(super) fn step(&mut self) -> Result<(), Fault> {
        let Ragdoll { world, links, joints, strength, .. } = self;
        for joint in joints {
            let [first, second] = joint.links.map(|link| *world.bodies[links[link]].rotation());
            let rotation = joint.rotation(first, second);
            if !rotation.is_finite() {
                return Err(Fault::NotFinite);
            }
            if let Some(impulse) = world.impulse_joints.get_mut(joint.handle, false) {
                joint.aim(&mut impulse.data, rotation, *strength);
            }
        }
        world.step();
        let fastest = self
            .links
            .iter()
            .map(|link| self.world.bodies[*link].linvel().length())
            .fold(0.0, f32::max);
        if fastest > FASTEST { Err(Fault::TooFast) } else { Ok(()) }
    }

    /// Where the root is in the sample, metres, and how it is turned.
    pub(super) fn root(&self) -> (Vec3, Quat) {
        let body = &self.world.bodies[self.links[0]];
        (body.translation() * self.stature, *body.rotation())
    }

    /// The joints, parents first.
    pub(super) fn joints(&self) -> &[Joint] {
        &self.joints
    }

    /// How a joint's bone is turned in its parent's frame, and how far its two sides are apart,
    /// metres.
    pub(super) fn measure(&self, joint: &Joint) -> (Quat, f32) {
        let [first, second] = joint.links.map(|link| &self.world.bodies[self.links[link]]);
        let place = first.translation() + *first.rotation() * joint.anchor.0;
        (
            joint.rotation(*first.rotation(), *second.rotation()),
            place.distance(second.translation()),
        )
    }
}

/// For each bone the body that it belongs to, and for each body its first bone.
fn links(figure: &Figure) -> (Vec<usize>, Vec<usize>) {
    let mut link_of: Vec<usize> = Vec::with_capacity(figure.bones.len());
    let mut heads = Vec::new();
    for (index, bone) in figure.bones.iter().enumerate() {
        match bone.parent {
            Some(parent) if bone.mass < LIGHTEST => link_of.push(link_of[parent]),
            _ => {
                link_of.push(heads.len());
                heads.push(index);
            }
        }
    }
    (link_of, heads)
}

/// For each part, as bits, the bodies that it collides with: the bodies none of whose parts it may
/// go through. Neighbours at a joint and parts that overlap in the figure at rest do not collide.
fn accepted(figure: &Figure, link_of: &[usize], links: usize) -> Vec<u32> {
    let count = figure.body_parts;
    let mut apart = vec![false; count * count];
    for LimbPair { parts: [i, j], .. } in figure.limb_pairs.iter().filter(|pair| !pair.folds) {
        apart[i * count + j] = true;
        apart[j * count + i] = true;
    }
    let link = |part: usize| link_of[figure.parts[part].bone];
    let meets =
        |part: usize, other: usize| (0..count).all(|j| link(j) != other || apart[part * count + j]);
    (0..count)
        .map(|part| {
            (0..links).filter(|other| meets(part, *other)).fold(0, |bits, other| bits | 1 << other)
        })
        .collect()
}

/// A round cone's rough volume. Only the proportions matter.
fn size(part: &RoundCone) -> f32 {
    let radius = 0.5 * (part.radii[0] + part.radii[1]);
    radius * radius * (part.ends[0].distance(part.ends[1]) + 1.33 * radius)
}

/// A part as capsules in the frame that `inverse` leads to.
fn capsules(part: &RoundCone, inverse: Affine3A) -> Vec<ColliderBuilder> {
    let [a, b] = part.ends.map(|end| inverse.transform_point3(end));
    let [thick, thin] = part.radii;
    let piece = |from: f32, to: f32| {
        let radius = thick + (thin - thick) * 0.5 * (from + to) + SKIN;
        ColliderBuilder::capsule_from_endpoints(a.lerp(b, from), a.lerp(b, to), radius)
    };
    if (thick - thin).abs() > TAPER {
        vec![piece(0.0, 0.5), piece(0.5, 1.0)]
    } else {
        vec![piece(0.0, 1.0)]
    }
}

fn shape_of(obstacle: &Obstacle, factor: f32) -> ColliderBuilder {
    let builder = match obstacle.shape {
        ObstacleShape::Capsule { half_length, radius } => {
            ColliderBuilder::capsule_y(half_length * factor, radius * factor + WORLD_SKIN)
        }
        ObstacleShape::Cuboid { half_extents } => {
            let Vec3 { x, y, z } = half_extents * factor + WORLD_SKIN;
            ColliderBuilder::cuboid(x, y, z)
        }
    };
    builder.position(Frame::from_parts(obstacle.position * factor, obstacle.rotation))
}
