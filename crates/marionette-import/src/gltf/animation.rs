//! Animations: where the nodes are at a moment.

use super::{
    nodes::{Local, Nodes},
    source::Source,
};
use crate::ImportError;
use glam::{Mat4, Quat, Vec3, Vec4};
use gltf::animation::{Interpolation, Property};

/// A movement of the nodes.
pub(super) struct Animation {
    pub name: String,
    channels: Vec<Channel>,
    /// First and last moment, seconds.
    pub span: [f32; 2],
    /// The most key frames that anything in it has.
    pub frames: usize,
}

/// What one property of one node does.
struct Channel {
    node: usize,
    property: Property,
    times: Vec<f32>,
    /// Values at the times; of splines three each: tangent before, value, tangent after.
    values: Vec<Vec4>,
    interpolation: Interpolation,
}

impl Animation {
    /// All animations of a file that move nodes.
    pub fn read_all(source: &Source) -> Result<Vec<Animation>, ImportError> {
        let mut animations = Vec::new();
        for animation in source.document.animations() {
            let number = animation.index() + 1;
            let name = animation.name().filter(|name| !name.trim().is_empty());
            let name = name.map_or_else(|| format!("animation {number}"), str::to_owned);
            let mut channels = Vec::new();
            for channel in animation.channels() {
                let target = channel.target();
                let what = format!("animation \"{name}\"");
                let property = target.property();
                let sampler = channel.sampler();
                let values: Vec<Vec4> = match property {
                    Property::MorphTargetWeights => continue,
                    Property::Rotation => {
                        let rows = source.floats::<4>(&sampler.output(), &what)?;
                        rows.into_iter().map(Vec4::from).collect()
                    }
                    Property::Translation | Property::Scale => {
                        let rows = source.floats::<3>(&sampler.output(), &what)?;
                        rows.into_iter().map(|row| Vec3::from(row).extend(0.0)).collect()
                    }
                };
                let times = source.floats::<1>(&sampler.input(), &what)?;
                let times: Vec<f32> = times.into_iter().map(|[time]| time).collect();
                let interpolation = sampler.interpolation();
                let each = if interpolation == Interpolation::CubicSpline { 3 } else { 1 };
                if values.len() != times.len() * each || times.windows(2).any(|w| w[0] > w[1]) {
                    let message = format!(
                        "{what} has {} values at {} moments, which must be {each} each and in \
                         order",
                        values.len(),
                        times.len()
                    );
                    return Err(source.fail(message));
                }
                if !times.is_empty() {
                    let node = target.node().index();
                    channels.push(Channel { node, property, times, values, interpolation });
                }
            }
            let ends =
                |channel: &Channel| [channel.times[0], channel.times[channel.times.len() - 1]];
            let span = channels.iter().map(ends).reduce(|a, b| [a[0].min(b[0]), a[1].max(b[1])]);
            let frames = channels.iter().map(|channel| channel.times.len()).max().unwrap_or(0);
            if let Some(span) = span {
                animations.push(Animation { name, channels, span, frames });
            }
        }
        Ok(animations)
    }

    /// The nodes' places in their parents at a moment, seconds.
    pub fn pose(&self, nodes: &Nodes, time: f32) -> Vec<Mat4> {
        let mut locals: Vec<Option<Local>> = vec![None; nodes.locals.len()];
        for channel in &self.channels {
            let local = locals[channel.node].get_or_insert(nodes.locals[channel.node]);
            let value = channel.at(time);
            match channel.property {
                Property::Rotation => local.rotation = Quat::from_vec4(value).normalize(),
                Property::Translation => local.translation = value.truncate(),
                Property::Scale => local.scale = value.truncate(),
                Property::MorphTargetWeights => {}
            }
        }
        let place = |(node, local): (usize, &Option<Local>)| {
            local.map_or(nodes.matrices[node], |local| local.matrix())
        };
        locals.iter().enumerate().map(place).collect()
    }

    /// The nodes that turn, and those that are moved or scaled.
    pub fn moved(&self) -> (Vec<usize>, Vec<usize>) {
        let moving = self.channels.iter().filter(|channel| channel.moves());
        let (turning, other): (Vec<&Channel>, Vec<&Channel>) =
            moving.partition(|channel| channel.property == Property::Rotation);
        let nodes = |channels: Vec<&Channel>| channels.iter().map(|c| c.node).collect();
        (nodes(turning), nodes(other))
    }
}

impl Channel {
    /// Whether its values differ. A quaternion and its opposite are one rotation.
    fn moves(&self) -> bool {
        let each = self.values.len() / self.times.len();
        let values: Vec<Vec4> = self.values.iter().skip(each / 2).step_by(each).copied().collect();
        let first = values[0];
        let turns = self.property == Property::Rotation;
        let size = first.length().max(1e-6);
        values.iter().any(|value| {
            let same = (*value - first).length();
            let opposite = if turns { (*value + first).length() } else { same };
            same.min(opposite) > 2e-3 * size
        })
    }

    fn at(&self, time: f32) -> Vec4 {
        let last = self.times.len() - 1;
        let next = self.times.partition_point(|moment| *moment <= time);
        let key = next.saturating_sub(1).min(last);
        let (from, to) = (key, (key + 1).min(last));
        let length = self.times[to] - self.times[from];
        let share =
            if length > 0.0 { ((time - self.times[from]) / length).clamp(0.0, 1.0) } else { 0.0 };
        let value = match self.interpolation {
            Interpolation::Step => self.values[from],
            Interpolation::Linear => {
                let (a, b) = (self.values[from], self.values[to]);
                match self.property {
                    Property::Rotation => {
                        let [a, b] = [a, b].map(|v| Quat::from_vec4(v.normalize_or(Vec4::W)));
                        a.slerp(b, share).into()
                    }
                    _ => a.lerp(b, share),
                }
            }
            Interpolation::CubicSpline => {
                let [a, after] = [self.values[3 * from + 1], self.values[3 * from + 2]];
                let [before, b] = [self.values[3 * to], self.values[3 * to + 1]];
                let (s, s2, s3) = (share, share * share, share * share * share);
                a * (2.0 * s3 - 3.0 * s2 + 1.0)
                    + after * length * (s3 - 2.0 * s2 + s)
                    + b * (3.0 * s2 - 2.0 * s3)
                    + before * length * (s3 - s2)
            }
        };
        if self.property == Property::Rotation { value.normalize_or(Vec4::W) } else { value }
    }
}
