//! Numbers that are known of a sample before it is drawn.

use super::{Camera, SceneSample, image_box};
use glam::{Vec2, Vec3};
use marionette_figure::Pose;
use serde::{Deserialize, Serialize};

/// A number that is known of a sample before it is drawn; of the primary figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quantity {
    /// Mean angle that the joints are turned by, degrees.
    Bend,
    /// Angle in the image between its vertical and the pelvis' own upward axis, degrees; 180 upside
    /// down.
    Lean,
    /// Angle between the direction that the figure faces and the one to the camera, degrees; 180
    /// from behind.
    Turn,
    /// The longer side of the box around the whole figure, as a share of the image's.
    Size,
}

impl Quantity {
    /// How much of it `sample` has; 0 without a figure.
    pub fn of(self, sample: &SceneSample) -> f32 {
        let Some(figure) = sample.figures.first() else { return 0.0 };
        let (pose, camera) = (&figure.pose, &sample.camera);
        match self {
            Quantity::Bend => bend(pose),
            Quantity::Lean => lean(pose, camera),
            Quantity::Turn => turn(pose, camera),
            Quantity::Size => {
                let [low, high] = image_box(camera, &figure.parts);
                let image = Vec2::new(camera.width as f32, camera.height as f32);
                ((high - low) / image).max_element()
            }
        }
    }
}

fn bend(pose: &Pose) -> f32 {
    pose.angles.iter().map(|angles| angles.length().to_degrees()).sum::<f32>()
        / pose.angles.len().max(1) as f32
}

fn lean(pose: &Pose, camera: &Camera) -> f32 {
    // The camera's y axis points down. Seen along itself the trunk has no direction, and counts as
    // upright.
    let up = camera.camera_from_world.transform_vector3(pose.orientation * Vec3::Y);
    up.x.abs().atan2(-up.y).to_degrees()
}

fn turn(pose: &Pose, camera: &Camera) -> f32 {
    (pose.orientation * Vec3::Z).angle_between(camera.eye() - pose.root).to_degrees()
}

#[cfg(test)]
mod tests {
    use super::*;
    use glam::Quat;
    use std::f32::consts::FRAC_PI_2;

    fn pose(orientation: Quat) -> Pose {
        Pose {
            root: Vec3::ZERO,
            orientation,
            angles: vec![Vec3::ZERO, Vec3::new(FRAC_PI_2, 0.0, 0.0)],
            slides: Vec::new(),
        }
    }

    #[test]
    fn angles_by_hand() {
        // The figure faces +z, where the camera stands.
        let camera = Camera::look_at([64, 64], 1.0, Vec3::Z * 4.0, Vec3::ZERO, 0.0);
        let upright = pose(Quat::IDENTITY);
        assert!((bend(&upright) - 45.0).abs() < 1e-4);
        assert!(lean(&upright, &camera).abs() < 1e-3 && turn(&upright, &camera).abs() < 0.1);
        let on_its_side = pose(Quat::from_rotation_z(FRAC_PI_2));
        assert!((lean(&on_its_side, &camera) - 90.0).abs() < 1e-3);
        let handstand = pose(Quat::from_rotation_x(2.0 * FRAC_PI_2));
        assert!((lean(&handstand, &camera) - 180.0).abs() < 1e-3);
        assert!((turn(&handstand, &camera) - 180.0).abs() < 0.1);
        // A camera that is rolled a quarter sees the upright figure on its side.
        let rolled = Camera::look_at([64, 64], 1.0, Vec3::Z * 4.0, Vec3::ZERO, FRAC_PI_2);
        assert!((lean(&upright, &rolled) - 90.0).abs() < 1e-3);
    }
}
