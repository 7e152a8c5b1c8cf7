//! A sample's body parts and props as instances.

use super::layout::{GpuInstance, MOST_FABRICS, MOST_INSTANCES};
use glam::{Vec3, Vec4};
use marionette_stream::{PixelId, Prop, PropShape, SceneSample};

/// The instances of a sample: round cones first, then cuboids, otherwise in the sample's order. Of
/// two instances at the same distance, the first is seen.
pub struct Instances {
    /// The instances.
    pub all: Vec<GpuInstance>,
    /// The id of each.
    pub ids: Vec<PixelId>,
    /// How many are round cones.
    pub cones: usize,
}

impl Instances {
    /// The instances of `sample`, at most [`MOST_INSTANCES`].
    pub fn of(sample: &SceneSample) -> Self {
        let mut named = Vec::new();
        // Fabric 0 is the plain one, for instances without a fabric.
        let mut fabrics = 1;
        for (f, figure) in sample.figures.iter().enumerate() {
            let parts = figure.parts.iter().zip(&figure.part_colors).enumerate();
            named.extend(parts.map(|(p, (part, color))| {
                let [a, b] = [0, 1].map(|end| part.ends[end].extend(part.radii[end]));
                let instance = GpuInstance::round_cone(a, b, *color);
                let look = figure.looks.get(p).map(|look| (look, fabrics + look.fabric));
                let instance = match look {
                    Some((look, fabric)) if fabric < MOST_FABRICS => {
                        instance.with_look(look, fabric)
                    }
                    _ => instance,
                };
                (PixelId::figure(f, figure.part(p)), instance)
            }));
            fabrics += figure.fabrics.len();
        }
        named.extend(
            sample.props.iter().enumerate().map(|(p, prop)| (PixelId::prop(p), instance_of(prop))),
        );
        named.truncate(MOST_INSTANCES);
        named.sort_by_key(|(_, instance)| instance.is_cuboid());
        let cones = named.partition_point(|(_, instance)| !instance.is_cuboid());
        let (ids, all) = named.into_iter().unzip();
        Instances { all, ids, cones }
    }
}

fn instance_of(prop: &Prop) -> GpuInstance {
    match prop.shape {
        PropShape::Ball { radius } => {
            let ball = prop.position.extend(radius);
            GpuInstance::round_cone(ball, ball, prop.color)
        }
        PropShape::Capsule { half_length, radius } => {
            let half = prop.rotation * Vec3::Y * half_length;
            let [a, b] = [prop.position - half, prop.position + half];
            GpuInstance::round_cone(a.extend(radius), b.extend(radius), prop.color)
        }
        PropShape::Cuboid { half_extents } => GpuInstance {
            a: prop.position.extend(0.0),
            b: half_extents.extend(0.0),
            color: prop.color.extend(1.0),
            turn: Vec4::from(prop.rotation),
            origin: Vec4::ZERO,
            pieces: [0; 4],
        },
    }
}
