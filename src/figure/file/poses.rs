//! `[[poses]]`: joint angles to start from.

use super::{FigureError, PoseEntry, list};
use crate::{
    figure::{BasePose, Bone},
    toml_file::{Exact, TomlFile},
};
use glam::Vec3;
use toml::Spanned;

pub(super) fn poses(
    file: &TomlFile,
    entries: &[Spanned<PoseEntry>],
    bones: &[Bone],
) -> Result<Vec<BasePose>, FigureError> {
    let mut poses = Vec::new();
    for entry in entries {
        let (span, pose) = (entry.span(), entry.get_ref());
        if pose.weights.iter().any(|w| !(*w >= 0.0 && w.is_finite())) || !(0.0..=180.0).contains(&pose.spread) {
            let message = format!("pose \"{}\": weights must be 0 or more, spread 0 to 180 degrees", pose.name);
            return Err(file.error(Some(span), message));
        }
        let mut angles = vec![Vec3::ZERO; bones.len()];
        for (name, Exact(degrees)) in &pose.angles {
            // A pair's common name ("thigh") turns both sides alike.
            let written = name.get_ref();
            let targets: Vec<(usize, usize)> = bones
                .iter()
                .enumerate()
                .filter_map(|(i, bone)| {
                    let pair = bone.name.strip_prefix("left_").or(bone.name.strip_prefix("right_"));
                    let side = usize::from(bone.name.starts_with("right_"));
                    match () {
                        () if bone.name == *written => Some((i, 0)),
                        () if pair == Some(written.as_str()) => Some((i, side)),
                        () => None,
                    }
                })
                .collect();
            if targets.is_empty() {
                let known = list(bones.iter().map(|bone| bone.name.as_str()));
                let message = format!("pose \"{}\": no bone is called \"{written}\"; there are {known}", pose.name);
                return Err(file.error(Some(name.span()), message));
            }
            for (bone, side) in targets {
                let mirror = if side == 1 { Vec3::new(1.0, -1.0, -1.0) } else { Vec3::ONE };
                let angle = Vec3::from(degrees.map(f32::to_radians)) * mirror;
                for axis in 0..3 {
                    let [low, high] = bones[bone].limits[axis];
                    if !(angle[axis] >= low - 1e-4 && angle[axis] <= high + 1e-4) {
                        let message = format!(
                            "pose \"{}\" turns \"{}\" by {:.0} degrees about {}, outside its limits [{:.0}, {:.0}]",
                            pose.name,
                            bones[bone].name,
                            angle[axis].to_degrees(),
                            ["x", "y", "z"][axis],
                            low.to_degrees(),
                            high.to_degrees()
                        );
                        return Err(file.error(Some(name.span()), message));
                    }
                }
                angles[bone] = angle;
            }
        }
        poses.push(BasePose {
            name: pose.name.clone(),
            weights: pose.weights,
            angles,
            spread: pose.spread.to_radians(),
        });
    }
    for hardness in 0..2 {
        if poses.iter().map(|pose| pose.weights[hardness]).sum::<f32>() <= 0.0 {
            let message =
                format!("no pose has a weight at hardness {hardness}; give at least one [[poses]] a positive one");
            return Err(file.error(None, message));
        }
    }
    Ok(poses)
}
