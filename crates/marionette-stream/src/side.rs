//! From which side a figure is seen.

use super::SceneSample;
use glam::Vec3;
use serde::{Deserialize, Serialize};

/// The side of a figure that the camera sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Its face side.
    Front,
    /// Its back.
    Back,
    /// Its left side.
    Left,
    /// Its right side.
    Right,
    /// Its head's end.
    Above,
    /// Its feet's end.
    Below,
}

impl Side {
    /// Every side.
    pub const ALL: [Side; 6] =
        [Side::Front, Side::Back, Side::Left, Side::Right, Side::Above, Side::Below];

    /// As it is said.
    pub fn words(self) -> &'static str {
        match self {
            Side::Front => "from the front",
            Side::Back => "from behind",
            Side::Left => "from the left",
            Side::Right => "from the right",
            Side::Above => "from the head's end",
            Side::Below => "from the feet's end",
        }
    }

    /// The side that is seen from `direction`, from the figure to the camera in the figure's own
    /// axes: at rest it stands along y, faces z, and its left is x.
    fn towards(direction: Vec3) -> Self {
        let Vec3 { x, y, z } = direction;
        let greatest = direction.abs().max_element();
        match direction.abs() {
            size if size.z == greatest => {
                if z >= 0.0 {
                    Side::Front
                } else {
                    Side::Back
                }
            }
            size if size.x == greatest => {
                if x >= 0.0 {
                    Side::Left
                } else {
                    Side::Right
                }
            }
            _ => {
                if y >= 0.0 {
                    Side::Above
                } else {
                    Side::Below
                }
            }
        }
    }

    /// The side of the primary figure of `scene` that is seen.
    pub fn of(scene: &SceneSample) -> Self {
        let pose = &scene.figures[0].pose;
        let camera = scene.camera.camera_from_world.inverse().transform_point3(Vec3::ZERO);
        Side::towards(pose.orientation.inverse() * (camera - pose.root))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_side_is_the_one_that_is_turned_to_the_camera() {
        for (direction, side) in [
            (Vec3::new(0.1, 0.5, 3.0), Side::Front),
            (Vec3::new(0.1, 0.5, -3.0), Side::Back),
            (Vec3::new(2.0, 0.5, 1.0), Side::Left),
            (Vec3::new(-2.0, 0.5, 1.0), Side::Right),
            (Vec3::new(0.5, 2.0, 1.0), Side::Above),
            (Vec3::new(0.5, -2.0, 1.0), Side::Below),
        ] {
            assert_eq!(Side::towards(direction), side);
        }
    }
}
