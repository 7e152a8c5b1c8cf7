//! A sample's body parts and props as instances.

use super::layout::{GpuInstance, MOST_FABRICS, MOST_INSTANCES};
use glam::{Vec3, Vec4};
use marionette_stream::{PixelId, Prop, PropShape, SceneSample};
use std::ops::Range;

/// The instances of a sample: round cones that are drawn, round cones that stand for triangles, then
/// cuboids, otherwise in the sample's order. Of two instances at the same distance, the first is
/// seen.
pub struct Instances {
    /// The instances.
    pub all: Vec<GpuInstance>,
    /// The id of each.
    pub ids: Vec<PixelId>,
    /// How many are round cones that are drawn.
    pub drawn: usize,
    /// How many are round cones.
    pub cones: usize,
    /// The shapes that are drawn as triangles.
    pub shapes: Vec<Shape>,
}

/// A shape that is drawn as triangles: a part of a figure, and the instances that stand for it.
pub struct Shape {
    /// Index of the figure.
    pub figure: usize,
    /// Index of the first part, which its triangles are seen as.
    pub part: usize,
    /// The places of its instances.
    pub places: Range<usize>,
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
                let kind = if figure.surface.replaces(figure.part(p)) { PROXY } else { DRAWN };
                (kind, PixelId::figure(f, figure.part(p)), instance)
            }));
            fabrics += figure.fabrics.len();
        }
        named.extend(sample.props.iter().enumerate().map(|(p, prop)| {
            let instance = instance_of(prop);
            let kind = if instance.is_cuboid() { CUBOID } else { DRAWN };
            (kind, PixelId::prop(p), instance)
        }));
        named.truncate(MOST_INSTANCES);
        named.sort_by_key(|(kind, ..)| *kind);
        let [drawn, cones] =
            [PROXY, CUBOID].map(|end| named.partition_point(|(kind, ..)| *kind < end));
        let proxies: Vec<PixelId> = named[drawn..cones].iter().map(|(_, id, _)| *id).collect();
        let (ids, all) = named.into_iter().map(|(_, id, instance)| (id, instance)).unzip();
        Instances { all, ids, drawn, cones, shapes: shapes(sample, drawn, &proxies) }
    }

    /// The place of the first instance that stands for a part's triangles; no place where it has
    /// none.
    pub fn place_of(&self, figure: usize, part: usize) -> u32 {
        let shape = self.shapes.iter().find(|shape| (shape.figure, shape.part) == (figure, part));
        shape.map_or(0, |shape| shape.places.start as u32)
    }
}

/// The kinds of instances, in their order.
const DRAWN: u8 = 0;
const PROXY: u8 = 1;
const CUBOID: u8 = 2;

/// The shapes of a sample, whose instances have these ids from the place `first` on.
fn shapes(sample: &SceneSample, first: usize, proxies: &[PixelId]) -> Vec<Shape> {
    let figures = sample.figures.iter().enumerate();
    let all =
        figures.flat_map(|(f, figure)| figure.surface.proxies.iter().map(move |fit| (f, fit)));
    let placed = all.filter_map(|(figure, fit)| {
        let start =
            first + proxies.iter().position(|id| *id == PixelId::figure(figure, fit.part))?;
        let end = (start + fit.count).min(first + proxies.len());
        Some(Shape { figure, part: fit.part, places: start..end })
    });
    placed.collect()
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
