//! One sample's rapier world.

use bevy_rapier3d::rapier::prelude::*;
use glam::{Quat, Vec3};
use marionette_figure::RoundCone;
use marionette_stream::{Prop, PropShape, SceneSample};

/// Props count as at rest below this speed, metres per second.
const REST_SPEED: f32 = 0.01;
/// Steps that a prop has to stay at rest for.
const REST_STEPS: u32 = 6;
/// How much the ground slows a prop's sliding and turning, as long grass or a carpet does, metres
/// and radians per second squared. Damping alone never ends a movement. Damping that is strong
/// enough to end it soon makes toppling props hang in the air.
const RESISTANCE: [f32; 2] = [0.5, 2.0];
/// Props that move for longer than that do not come to rest in reasonable time.
const MOST_STEPS: u32 = 150;
/// Deepest that a prop at rest may be inside the ground, a figure or another prop, metres. The
/// solver itself leaves 5 mm. A deeper prop is stuck where it has no room.
const DEEPEST_CONTACT: f32 = 0.01;
/// Fixed time step, seconds.
const STEP: f32 = 1.0 / 60.0;

/// The owner of a surface that a ray met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The ground.
    Ground,
    /// Part `part` of figure `figure`.
    Part {
        /// Index of the figure in the sample.
        figure: usize,
        /// Index of the part in the figure file.
        part: usize,
    },
    /// A prop, by its index in the sample.
    Prop(usize),
}

impl Owner {
    fn tag(self) -> u128 {
        match self {
            Owner::Ground => 0,
            Owner::Prop(prop) => 1 + ((prop as u128) << 2),
            Owner::Part { figure, part } => 2 + ((part as u128) << 2) + ((figure as u128) << 34),
        }
    }

    fn of(tag: u128) -> Owner {
        match tag & 3 {
            0 => Owner::Ground,
            1 => Owner::Prop((tag >> 2) as usize),
            _ => Owner::Part {
                figure: (tag >> 34) as usize,
                part: ((tag >> 2) & 0xffff_ffff) as usize,
            },
        }
    }
}

/// A sample's ground, figures and props as rapier sees them.
///
/// It is as large as it would be around a human: all limits here, and the solver's own, suit things
/// of that size.
pub struct SceneWorld {
    world: PhysicsWorld,
    /// How large the sample is over that.
    stature: f32,
    /// The props that may fall: index in the sample, and rigid body.
    props: Vec<(usize, RigidBodyHandle)>,
}

impl SceneWorld {
    /// Builds the world of a sample whose figures have this stature. Ground and figures are fixed,
    /// loose props can fall.
    pub fn new(sample: &SceneSample, stature: f32) -> Self {
        let factor = 1.0 / stature;
        let mut world = PhysicsWorld::default();
        world.integration_parameters.dt = STEP;
        world.integration_parameters.num_solver_iterations = 4;
        let tagged = |collider: ColliderBuilder, owner: Owner| {
            collider.user_data(owner.tag()).friction(0.9).restitution(0.05)
        };
        // A slab and not a half-space: rays and the bounding volume hierarchy need finite shapes.
        let slab =
            ColliderBuilder::cuboid(100.0, 0.5, 100.0).translation(Vec3::new(0.0, -0.5, 0.0));
        world.insert_collider(tagged(slab, Owner::Ground), None);
        for (f, figure) in sample.figures.iter().enumerate() {
            for (p, part) in figure.body().iter().enumerate() {
                world.insert_collider(
                    tagged(part_collider(part, factor), Owner::Part { figure: f, part: p }),
                    None,
                );
            }
        }
        let mut props = Vec::new();
        for (i, prop) in sample.props.iter().enumerate() {
            let pose = Pose::from_parts(prop.position * factor, prop.rotation);
            let shape = prop_collider(&prop.shape.scaled(factor));
            let collider = tagged(shape.density(300.0), Owner::Prop(i));
            if prop.fixed() {
                world.insert_collider(collider.position(pose), None);
                continue;
            }
            let body = RigidBodyBuilder::dynamic()
                .pose(pose)
                .angular_damping(4.0)
                .linear_damping(0.3)
                .can_sleep(false);
            props.push((i, world.insert(body, collider).0));
        }
        SceneWorld { world, stature, props }
    }

    /// Lets the props fall until all of them stay slower than 1 cm/s, and writes their final places
    /// into `props`.
    ///
    /// Returns whether they came to rest within two and a half simulated seconds, none inside
    /// anything else. If not, or if one flew off to infinity, `props` are left as they were.
    pub fn settle(&mut self, props: &mut [Prop]) -> bool {
        // The first step also builds the bounding volumes that rays need.
        let mut rested = 0;
        for _ in 0..MOST_STEPS {
            self.step();
            rested = if self.fastest() < REST_SPEED { rested + 1 } else { 0 };
            if self.props.is_empty() || rested == REST_STEPS {
                break;
            }
        }
        let ends: Vec<(usize, Vec3, Quat)> = self
            .props
            .iter()
            .map(|(prop, body)| {
                (
                    *prop,
                    self.world.bodies[*body].translation() * self.stature,
                    *self.world.bodies[*body].rotation(),
                )
            })
            .collect();
        let settled = (self.props.is_empty() || rested == REST_STEPS)
            && self.deepest_contact() <= DEEPEST_CONTACT
            && ends
                .iter()
                .all(|(_, position, rotation)| position.is_finite() && rotation.is_finite());
        if settled {
            for (prop, position, rotation) in ends {
                (props[prop].position, props[prop].rotation) = (position, rotation);
            }
        }
        settled
    }

    /// Whether the props of a new world stay slower than 1 cm/s from the first step on. A prop may
    /// lean on a contact force that the solver found in earlier steps; it starts to slide when that
    /// force is forgotten.
    pub fn rests(&mut self) -> bool {
        self.props.is_empty()
            || (0..REST_STEPS).all(|_| {
                self.step();
                self.fastest() < REST_SPEED
            })
    }

    /// One time step, with the rolling resistance that rapier does not have.
    fn step(&mut self) {
        self.world.step();
        let slower =
            |speed: Vec3, by: f32| speed * (1.0 - by * STEP / speed.length().max(by * STEP));
        for (_, body) in &self.props {
            let body = &mut self.world.bodies[*body];
            let [sliding, turning] = RESISTANCE;
            body.set_linvel(slower(body.linvel(), sliding), false);
            body.set_angvel(slower(body.angvel(), turning), false);
        }
    }

    /// The speed of the fastest prop, metres per second. Turning counts by the speed of the prop's
    /// edge.
    pub fn fastest(&self) -> f32 {
        self.props
            .iter()
            .map(|(_, body)| {
                let body = &self.world.bodies[*body];
                // Half a metre is about how far a prop's edge is from its middle.
                body.linvel().length().max(body.angvel().length() * 0.5)
            })
            .fold(0.0, f32::max)
    }

    /// How deep any prop is inside the ground, a figure or another prop, metres.
    fn deepest_contact(&self) -> f32 {
        let pairs = self.world.narrow_phase.contact_pairs();
        pairs
            .filter_map(|pair| pair.find_deepest_contact())
            .map(|(_, contact)| -contact.dist)
            .fold(0.0, f32::max)
    }

    /// Every surface that the segment from `from` to `to` enters: its owner, and its distance from
    /// `to`, metres.
    pub fn between(&self, from: Vec3, to: Vec3) -> Vec<(Owner, f32)> {
        let factor = 1.0 / self.stature;
        let [from, to] = [from * factor, to * factor];
        let length = from.distance(to);
        let ray = Ray::new(from, (to - from) / length.max(1e-6));
        let mut hits: Vec<(Owner, f32)> = self
            .world
            .query_pipeline()
            .intersect_ray(ray, length, true)
            .map(|(_, collider, hit)| {
                let short = (length - hit.time_of_impact) * self.stature;
                (Owner::of(collider.user_data), short)
            })
            .collect();
        // The hierarchy's own order has no meaning. The surface that is met first, farthest from
        // the target, comes first.
        hits.sort_by(|a, b| b.1.total_cmp(&a.1));
        hits
    }
}

fn mean_radius(part: &RoundCone) -> f32 {
    0.5 * (part.radii[0] + part.radii[1])
}

fn part_collider(part: &RoundCone, factor: f32) -> ColliderBuilder {
    let [a, b] = part.ends.map(|end| end * factor);
    ColliderBuilder::capsule_from_endpoints(a, b, mean_radius(part) * factor)
}

fn prop_collider(shape: &PropShape) -> ColliderBuilder {
    match *shape {
        PropShape::Ball { radius } => ColliderBuilder::ball(radius),
        PropShape::Capsule { half_length, radius } => {
            ColliderBuilder::capsule_y(half_length, radius)
        }
        PropShape::Cuboid { half_extents } => {
            ColliderBuilder::cuboid(half_extents.x, half_extents.y, half_extents.z)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ragdoll;
    use bevy_rapier3d::parry::query;
    use marionette_scene::{Sampler, load_scene};
    use marionette_stream::PropRole;

    fn sample_with(props: Vec<Prop>) -> SceneSample {
        let scene = load_scene("quickstart").unwrap();
        SceneSample { props, ..Sampler::new(&scene, ragdoll::settled).sample_at([0.0; 8], 1, 0, 0) }
    }

    #[test]
    fn a_dropped_box_comes_to_rest_on_the_ground() {
        let half_extents = Vec3::new(0.2, 0.3, 0.25);
        let prop = Prop {
            shape: PropShape::Cuboid { half_extents },
            position: Vec3::new(2.0, 0.8, 1.5),
            rotation: Quat::from_rotation_x(0.02),
            color: Vec3::ONE,
            role: PropRole::Loose,
        };
        let mut sample = sample_with(vec![prop]);
        let mut world = SceneWorld::new(&sample, 1.0);
        assert!(world.settle(&mut sample.props));
        assert!(world.fastest() < REST_SPEED);
        assert!(
            (sample.props[0].position.y - 0.3).abs() < 0.01,
            "centre rests at {}",
            sample.props[0].position.y
        );
    }

    #[test]
    fn what_topples_falls_and_what_rolls_comes_to_rest() {
        let pillar = Prop {
            shape: PropShape::Cuboid { half_extents: Vec3::new(0.06, 0.6, 0.06) },
            position: Vec3::new(2.0, 0.62, 1.5),
            // Its middle is 0.12 m beyond the edge that it stands on.
            rotation: Quat::from_rotation_z(0.3),
            color: Vec3::ONE,
            role: PropRole::Loose,
        };
        let log = Prop {
            shape: PropShape::Capsule { half_length: 0.4, radius: 0.15 },
            // One end falls first, and the log rolls off.
            rotation: Quat::from_rotation_y(0.7) * Quat::from_rotation_z(1.2),
            position: Vec3::new(-2.0, 0.4, 1.5),
            ..pillar
        };
        let ball = Prop {
            shape: PropShape::Ball { radius: 0.2 },
            position: Vec3::new(3.1, 0.5, 1.53),
            ..pillar
        };
        let mut sample = sample_with(vec![pillar, log, ball]);
        let mut world = SceneWorld::new(&sample, 1.0);
        assert!(world.settle(&mut sample.props));
        let heights = [0, 1, 2].map(|prop| sample.props[prop].position.y);
        for (height, lying) in heights.into_iter().zip([0.06, 0.15, 0.2]) {
            assert!((height - lying).abs() < 0.01, "{heights:?}");
        }
        assert!(SceneWorld::new(&sample, 1.0).rests());
    }

    #[test]
    fn loose_props_wait_low_and_apart_from_one_another() {
        let scene = load_scene("all").unwrap();
        let (mut pairs, mut low, mut high) = (0, 0, 0);
        for index in 0..150 {
            let sample = Sampler::new(&scene, ragdoll::settled).sample_at([1.0; 8], 3, index, 0);
            let loose: Vec<_> = (sample.props.iter().filter(|prop| !prop.fixed()))
                .map(|prop| {
                    (
                        Pose::from_parts(prop.position, prop.rotation),
                        prop_collider(&prop.shape).build(),
                    )
                })
                .collect();
            for (i, (pose, collider)) in loose.iter().enumerate() {
                for (other, beside) in &loose[..i] {
                    let (a, b) = (collider.shape(), beside.shape());
                    assert!(
                        !query::intersection_test(pose, a, other, b).unwrap(),
                        "sample {index}, prop {i}"
                    );
                    pairs += 1;
                }
                let bottom = collider.shape().compute_aabb(pose).mins.y;
                assert!(bottom > 0.0, "sample {index}, prop {i}: {bottom}");
                if bottom < 0.1 { low += 1 } else { high += 1 }
            }
        }
        assert!(pairs > 100 && high > 10 && low > high, "{pairs} pairs, {low} low, {high} high");
    }

    #[test]
    fn rays_meet_a_prop_between_camera_and_figure() {
        let prop = Prop {
            shape: PropShape::Ball { radius: 0.25 },
            position: Vec3::new(0.0, 0.26, 3.0),
            rotation: Quat::IDENTITY,
            color: Vec3::ONE,
            role: PropRole::Loose,
        };
        let mut sample = sample_with(vec![prop]);
        let mut world = SceneWorld::new(&sample, 1.0);
        assert!(world.settle(&mut sample.props));
        let y = sample.props[0].position.y;
        let hits = world.between(Vec3::new(0.0, y, 5.0), Vec3::new(0.0, y, 2.0));
        assert_eq!(hits.len(), 1);
        assert_eq!(hits[0].0, Owner::Prop(0));
        // Met at z = 3.25, 1.25 m from the end.
        assert!((hits[0].1 - 1.25).abs() < 0.02, "{hits:?}");
    }

    #[test]
    fn owners_survive_their_tags() {
        for owner in [Owner::Ground, Owner::Prop(7), Owner::Part { figure: 3, part: 41 }] {
            assert_eq!(Owner::of(owner.tag()), owner);
        }
    }
}
