//! Tests which spheres may take light from which others.

use glam::{Vec3, Vec4};
use marionette_stream::Light;
use std::ops::Range;

/// Spheres around the pieces of shadow casters, with the places of their instances, in the order of
/// the instances.
pub struct Casters<'a> {
    light: &'a Light,
    x: Vec<f32>,
    y: Vec<f32>,
    z: Vec<f32>,
    radius: Vec<f32>,
    places: Vec<u16>,
}

impl<'a> Casters<'a> {
    /// The pieces of all instances, instance by instance.
    pub fn new<'b>(light: &'a Light, pieces: impl Iterator<Item = &'b [Vec4]>) -> Self {
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

    /// The spheres that may take light from anything within one of the `receivers`, without those
    /// of the instances `skipped`.
    pub fn against(&self, receivers: &[Vec4], skipped: Range<u16>) -> Self {
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
        for k in (0..met.len()).filter(|k| met[*k] && !skipped.contains(&self.places[*k])) {
            left.push(Vec4::new(self.x[k], self.y[k], self.z[k], self.radius[k]), self.places[k]);
        }
        left
    }

    /// Marks the spheres that may take light from anything within the sphere `receiver`.
    ///
    /// A point of the receiver that is `r` away from its centre has a way to the sun or lamp. That
    /// way lies at most `r` from the way of the centre. The disc of light seems wider by `softness`
    /// for every metre up to the caster: `passes` in `shadow.wgsl`.
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
    pub fn places(&self) -> impl Iterator<Item = u16> {
        self.places.chunk_by(|a, b| a == b).map(|pieces| pieces[0])
    }
}
