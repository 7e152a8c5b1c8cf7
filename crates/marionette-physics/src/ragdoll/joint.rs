//! A joint between two bones, in the figure's own angles.
//!
//! rapier handles limits and motors for each axis by itself, which is exact only near the joint's
//! neutral rotation. So before each step the neutral rotation is set to the joint's present
//! rotation. The frame of the first body is turned by the angles about x and z, and the frame of
//! the second back by the angle about y. Then z is the axis of the angle about z, and y is the axis
//! of the twist. The third axis is perpendicular to both, and x turns about it by the cosine of z.

use bevy_rapier3d::rapier::prelude::{
    GenericJoint, ImpulseJointHandle, JointAxesMask, JointAxis, JointLimits, Pose as Frame,
};
use glam::{Quat, Vec3};
use marionette_figure::{nearest_angles, turn};

/// Natural frequency of a stiff joint, hertz.
const STIFFEST: f32 = 6.0;
/// Rounds of the search for the angles, which change little from step to step.
const ROUNDS: u32 = 3;

/// A joint between two rigid bodies.
pub(super) struct Joint {
    /// rapier's handle.
    pub handle: ImpulseJointHandle,
    /// The bone that it turns.
    pub bone: usize,
    /// The two bodies, by their place in the ragdoll's list.
    pub links: [usize; 2],
    /// Where the joint is in the first body's frame, metres, and how the bone's parent is turned
    /// there.
    pub anchor: (Vec3, Quat),
    /// The bone's limits, radians.
    pub limits: [[f32; 2]; 3],
    /// The pose to keep.
    pub target: Quat,
    /// The angles at the last step.
    pub angles: Vec3,
}

/// The axes that a bone with such limits does not turn about.
pub(super) fn locked(limits: &[[f32; 2]; 3]) -> JointAxesMask {
    let axes = [JointAxesMask::ANG_X, JointAxesMask::ANG_Y, JointAxesMask::ANG_Z];
    let fixed = |axis: &usize| limits[*axis][0] == limits[*axis][1];
    (0..3).filter(fixed).fold(JointAxesMask::LIN_AXES, |mask, axis| mask | axes[axis])
}

impl Joint {
    /// Sets the neutral rotation of `data` to the joint's present rotation. `rotation` is that of
    /// the bone in its parent's frame.
    pub(super) fn aim(&mut self, data: &mut GenericJoint, rotation: Quat, strength: f32) {
        self.angles = nearest_angles(&self.limits, rotation, self.angles, ROUNDS);
        let swing = Quat::from_rotation_x(self.angles.x) * Quat::from_rotation_z(self.angles.z);
        let twist = Quat::from_rotation_y(self.angles.y);
        let (place, parent) = self.anchor;
        data.local_frame1 = Frame::from_parts(place, parent * swing);
        data.local_frame2 = Frame::from_parts(Vec3::ZERO, twist.inverse());
        for (axis, [min, max]) in self.room().into_iter().enumerate() {
            data.limits[3 + axis] = JointLimits { min, max, ..data.limits[3 + axis] };
        }
        data.limit_axes = JointAxesMask::ANG_AXES & !data.locked_axes;
        if strength > 0.0 {
            let frequency = strength * STIFFEST * std::f32::consts::TAU;
            let left = swing.inverse() * self.target * twist.inverse();
            let left = if left.w < 0.0 { -left } else { left };
            for (axis, part) in
                [(JointAxis::AngX, left.x), (JointAxis::AngY, left.y), (JointAxis::AngZ, left.z)]
            {
                data.set_motor_position(
                    axis,
                    2.0 * part.clamp(-1.0, 1.0).asin(),
                    frequency * frequency,
                    2.0 * frequency,
                );
            }
        }
    }

    /// How far the bone may turn about each of the joint's axes, backwards and forwards, radians.
    fn room(&self) -> [[f32; 2]; 3] {
        let mut room: [[f32; 2]; 3] =
            std::array::from_fn(|axis| self.limits[axis].map(|limit| limit - self.angles[axis]));
        // A turn about the first axis changes x by 1 / cos z and y by tan z. Both have to stay
        // within their limits.
        let (sin, cos) = self.angles.z.sin_cos();
        let per_y = if sin.abs() < 1e-3 { f32::INFINITY } else { cos / sin };
        let x = room[0].map(|angle| angle * cos);
        let y = room[1].map(|angle| if angle == 0.0 { 0.0 } else { angle * per_y });
        room[0] = [x[0].min(x[1]).max(y[0].min(y[1])), x[0].max(x[1]).min(y[0].max(y[1]))];
        room
    }

    /// The rotation of the bone in its parent's frame, given those of the two bodies.
    pub(super) fn rotation(&self, first: Quat, second: Quat) -> Quat {
        (first * self.anchor.1).inverse() * second
    }

    /// The joint at the start.
    pub(super) fn start(
        bone: usize,
        links: [usize; 2],
        anchor: (Vec3, Quat),
        limits: [[f32; 2]; 3],
        angles: Vec3,
    ) -> Self {
        Joint {
            handle: ImpulseJointHandle::invalid(),
            bone,
            links,
            anchor,
            limits,
            target: turn(angles),
            angles,
        }
    }
}
