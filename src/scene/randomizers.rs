//! The randomizers' settings: for every physical parameter its distribution from easy to hard.
//!
//! The field names are the keys of a scene file; the section a parameter stands in tells which hardness axis moves it.

use super::distribution::Ramp;
use serde::{Deserialize, Serialize};

macro_rules! randomizer {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: Ramp,)*
        }

        impl $name {
            fn ramps(&self) -> Vec<(&'static str, &Ramp)> {
                vec![$((stringify!($field), &self.$field),)*]
            }
        }
    };
}

randomizer! {
    /// `[pose]`: how the primary figure holds itself. Moved by the pose axis.
    PoseRandomizer {
        /// Factor on the base pose's own spread.
        spread,
        /// How far joints are blended towards random points within their limits, 0 to 1.
        limit_blend,
        /// Tilt of the whole figure, degrees.
        tilt_deg,
    }
}

randomizer! {
    /// `[view]`: where the camera stands. Moved by the view axis.
    ViewRandomizer {
        /// Angle around the figure, degrees; 0 is in front of it, 90 on its left.
        azimuth_deg,
        /// Height of the camera above the horizontal through the figure's middle, degrees.
        elevation_deg,
        /// Roll about the viewing axis, degrees.
        roll_deg,
        /// Field of view over the shorter image side, degrees.
        field_of_view_deg,
    }
}

randomizer! {
    /// `[occlusion]`: props dropped between camera and figure. Moved by the occlusion axis.
    OcclusionRandomizer {
        /// How many (rounded).
        count,
        /// Where they land between the figure (0) and the camera (1).
        nearness,
        /// Sideways distance from the line of sight, metres.
        lateral_m,
        /// Typical size, metres.
        size_m,
    }
}

randomizer! {
    /// `[truncation]`: how the figure is framed. Moved by the truncation axis.
    TruncationRandomizer {
        /// Longer side of the figure's box, as a share of the image side.
        fill,
        /// Shift of the figure's box in x, as a share of the box.
        shift_x,
        /// Shift of the figure's box in y, as a share of the box.
        shift_y,
    }
}

randomizer! {
    /// `[lighting]`. Moved by the lighting axis.
    LightingRandomizer {
        /// Strength of the sun, relative to a white surface facing it.
        sun,
        /// Height of the sun, degrees.
        sun_elevation_deg,
        /// Angle of the sun around the figure, degrees; 0 is behind the camera, 180 behind the figure.
        sun_azimuth_deg,
        /// Strength of the light from the sky.
        sky,
        /// How coloured the light is, 0 to 1.
        tint,
        /// Exposure, in stops.
        exposure_stops,
    }
}

randomizer! {
    /// `[camouflage]`: colours and backdrop. Moved by the camouflage axis.
    CamouflageRandomizer {
        /// How far clothes take on the backdrop's colours, 0 to 1.
        blend,
        /// How strongly the backdrop's colours differ, 0 to 1.
        contrast,
        /// Size of the backdrop's elements, metres.
        scale_m,
        /// Distance of the wall behind the figure, metres.
        wall_m,
    }
}

randomizer! {
    /// `[crowd]`: other figures. Moved by the crowd axis.
    CrowdRandomizer {
        /// How many (rounded).
        count,
        /// Sideways distance from the primary figure, metres.
        lateral_m,
        /// Distance behind the primary figure, seen from the camera, metres; negative is in front.
        behind_m,
    }
}

randomizer! {
    /// `[degradation]`: what the camera does to the picture. Moved by the degradation axis.
    DegradationRandomizer {
        /// Deviation of the blur, as a share of the image height.
        blur,
        /// Deviation of the noise, in sRGB units of [0, 1].
        noise,
        /// Side of the blocks that the picture is reduced to, as a share of the image height.
        block,
    }
}

/// All randomizers of a scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Randomizers {
    /// How the primary figure holds itself.
    pub pose: PoseRandomizer,
    /// Where the camera stands.
    pub view: ViewRandomizer,
    /// Props dropped between camera and figure.
    pub occlusion: OcclusionRandomizer,
    /// How the figure is framed.
    pub truncation: TruncationRandomizer,
    /// The light.
    pub lighting: LightingRandomizer,
    /// Colours and backdrop.
    pub camouflage: CamouflageRandomizer,
    /// Other figures.
    pub crowd: CrowdRandomizer,
    /// What the camera does to the picture.
    pub degradation: DegradationRandomizer,
}

impl Randomizers {
    /// Every parameter as (section, key, ramp).
    pub(super) fn all(&self) -> Vec<(&'static str, &'static str, &Ramp)> {
        [
            ("pose", self.pose.ramps()),
            ("view", self.view.ramps()),
            ("occlusion", self.occlusion.ramps()),
            ("truncation", self.truncation.ramps()),
            ("lighting", self.lighting.ramps()),
            ("camouflage", self.camouflage.ramps()),
            ("crowd", self.crowd.ramps()),
            ("degradation", self.degradation.ramps()),
        ]
        .into_iter()
        .flat_map(|(section, ramps)| ramps.into_iter().map(move |(key, ramp)| (section, key, ramp)))
        .collect()
    }
}
