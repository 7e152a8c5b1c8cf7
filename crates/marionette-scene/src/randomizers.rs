//! The randomizers' settings: for every physical parameter its distribution from easy to hard.
//!
//! The field names are the keys of a scene file. The section of a parameter says which hardness
//! axis moves it.

use super::distribution::Ramp;
use serde::{Deserialize, Serialize};

macro_rules! randomizer {
    ($(#[$doc:meta])* $name:ident, $entry:ident { $($(#[$field_doc:meta])* $field:ident = $neutral:expr,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: Ramp,)*
        }

        /// The section as it is in a scene file, which may leave keys out.
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(super) struct $entry {
            $($field: Option<Ramp>,)*
        }

        impl $name {
            fn ramps(&self) -> Vec<(&'static str, &Ramp)> {
                vec![$((stringify!($field), &self.$field),)*]
            }
        }

        impl $entry {
            /// Parameters that the file leaves out have no effect.
            pub(super) fn complete(self) -> $name {
                $name { $($field: self.$field.unwrap_or(Ramp::constant($neutral)),)* }
            }
        }
    };
}

randomizer! {
    /// `[pose]`: how the primary figure holds itself. Moved by the pose axis.
    PoseRandomizer, PoseEntry {
        /// Factor on the base pose's own spread.
        spread = 1.0,
        /// How far joints are blended towards random points within their limits, 0 to 1.
        limit_blend = 0.0,
        /// Tilt of the whole figure, degrees.
        tilt_deg = 0.0,
        /// Probability that a figure that would stand or lie on the ground does so on a block, a
        /// beam or a wall.
        block = 0.0,
        /// Probability that a hand holds something: a ball, a racket, a stick, a bag.
        held = 0.0,
    }
}

randomizer! {
    /// `[view]`: where the camera stands. Moved by the view axis.
    ViewRandomizer, ViewEntry {
        /// Angle around the figure, degrees; 0 is in front of it, 90 on its left.
        azimuth_deg = 0.0,
        /// Height of the camera above the horizontal through the figure's middle, degrees.
        elevation_deg = 0.0,
        /// Roll about the viewing axis, degrees.
        roll_deg = 0.0,
        /// Field of view over the shorter image side, degrees.
        field_of_view_deg = 40.0,
        /// How far the lens moves the image's corners inwards, as a share of their distance from
        /// the middle; negative is outwards.
        distortion = 0.0,
    }
}

randomizer! {
    /// `[occlusion]`: props dropped between camera and figure. Moved by the occlusion axis.
    OcclusionRandomizer, OcclusionEntry {
        /// How many (rounded).
        count = 0.0,
        /// Where they land between the figure (0) and the camera (1).
        nearness = 0.5,
        /// Sideways distance from the line of sight, metres.
        lateral_m = 0.0,
        /// Typical size, metres.
        size_m = 0.3,
        /// Probability that bars or a fence stand there too.
        fence = 0.0,
    }
}

randomizer! {
    /// `[truncation]`: how the figure is framed. Moved by the truncation axis.
    TruncationRandomizer, TruncationEntry {
        /// Longer side of the figure's box, as a share of the image side.
        fill = 0.8,
        /// Shift of the figure's box in x, as a share of the box.
        shift_x = 0.0,
        /// Shift of the figure's box in y, as a share of the box.
        shift_y = 0.0,
        /// Probability, for each of the four sides, that the photograph ends within the image.
        border = 0.0,
        /// How far beyond the figure's box it ends, as a share of the box; negative cuts into the
        /// figure.
        border_margin = 0.1,
    }
}

randomizer! {
    /// `[lighting]`. Moved by the lighting axis.
    LightingRandomizer, LightingEntry {
        /// Strength of the sun, relative to a white surface facing it.
        sun = 0.8,
        /// Height of the sun, degrees.
        sun_elevation_deg = 50.0,
        /// Angle of the sun around the figure, degrees; 0 is behind the camera, 180 behind the
        /// figure.
        sun_azimuth_deg = 0.0,
        /// Strength of the light from the sky.
        sky = 0.5,
        /// How coloured the light is, 0 to 1.
        tint = 0.0,
        /// Exposure, in stops.
        exposure_stops = 0.0,
        /// How far the camera adapts its exposure to the light, 0 to 1. `exposure_stops` is then
        /// the error of the exposure.
        auto_exposure = 0.0,
        /// How far the camera takes the light's colour for white, 0 to 1.
        white_balance = 0.0,
        /// Radius of the sun or lamp over its distance: 0 casts hard shadows, 0.2 is a wide window.
        softness = 0.0,
        /// Probability that sun or lamp casts shadows. Light from everywhere, as below clouds,
        /// casts none.
        shadows = 1.0,
        /// Probability that a lamp replaces the sun, in the sun's direction.
        lamp = 0.0,
        /// Its distance from the figure, metres.
        lamp_m = 3.0,
        /// Half the angle of its cone, degrees; from 120 on it shines all round.
        lamp_cone_deg = 180.0,
        /// Probability that the lamp is the camera's flash.
        flash = 0.0,
    }
}

randomizer! {
    /// `[camouflage]`: colours and backdrop. Moved by the camouflage axis.
    CamouflageRandomizer, CamouflageEntry {
        /// How far clothes take on the backdrop's colours, 0 to 1.
        blend = 0.0,
        /// How far skin is paler than all tones alike, 0 to 1. At 0 all are about equally common, at
        /// 1 four in five are pale.
        pale_skin = 0.0,
        /// Up to which share a garment loses its brightness, 0 to 1.
        dark_cloth = 0.0,
        /// How strongly the backdrop's colours differ, 0 to 1.
        contrast = 0.3,
        /// Size of the backdrop's elements, metres.
        scale_m = 0.5,
        /// Distance of the wall behind the figure, metres.
        wall_m = 3.0,
        /// Share of backdrops that are pictures.
        picture = 0.0,
        /// How much of the image's height one picture fills.
        picture_size = 1.0,
        /// Share of pictures that fill the whole image, without a ground to stand on.
        open = 0.0,
        /// How many things stand behind the figure: furniture, rails, trees, posts (rounded).
        clutter = 0.0,
    }
}

randomizer! {
    /// `[crowd]`: other figures. Moved by the crowd axis.
    CrowdRandomizer, CrowdEntry {
        /// How many (rounded).
        count = 0.0,
        /// Sideways distance from the primary figure, metres.
        lateral_m = 0.0,
        /// Distance behind the primary figure, seen from the camera, metres; negative is in front.
        behind_m = 1.0,
    }
}

randomizer! {
    /// `[degradation]`: what the camera does to the picture. Moved by the degradation axis.
    DegradationRandomizer, DegradationEntry {
        /// Deviation of the blur, as a share of the image height.
        blur = 0.0,
        /// Deviation of the noise, in sRGB units of [0, 1].
        noise = 0.0,
        /// Side of the blocks to which the picture is reduced, as a share of the image height.
        block = 0.0,
        /// Probability that the blocks are enlarged smoothly, as photographs are.
        smooth = 0.0,
        /// Deviation of the blur of things that are infinitely far away, as a share of the image
        /// height.
        aperture = 0.0,
        /// How far off the focus is, as a share of the figure's distance.
        misfocus = 0.0,
        /// Deviation of the motion during the exposure, as a share of the image height.
        motion = 0.0,
        /// How much darker the picture's corners are, as a share.
        vignette = 0.0,
        /// Deviation of white's linear brightness from one pixel to the next.
        shot_noise = 0.0,
        /// Power to which linear light is raised, about middle grey.
        contrast = 1.0,
        /// Factor on how far colours are from grey.
        saturation = 1.0,
        /// Share of the range, at its bright end, into which all brighter values are compressed.
        shoulder = 0.0,
        /// Quality of the JPEG file that the picture goes through; from 100 on there is none.
        jpeg = 100.0,
    }
}

/// All randomizers of a scene.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
