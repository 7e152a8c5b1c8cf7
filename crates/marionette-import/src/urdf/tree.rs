//! From links and joints to bones: what is rigidly joined is one bone.

use super::{
    freedom::{Freedom, freedoms},
    parse::{Joint, Kind, Robot},
};
use crate::{DraftBone, DraftFrame, Follows, ImportError};
use glam::{Affine3A, Mat3, Quat, Vec3};
use std::path::Path;

/// Most bones of a figure.
const MOST_BONES: usize = 250;

/// The bones of a robot, and where its links are in them.
#[derive(Debug, Default)]
pub struct Tree {
    pub bones: Vec<DraftBone>,
    /// One for each link that hangs on the root, in the order of the bones.
    pub frames: Vec<DraftFrame>,
    /// The link of each frame, as an index.
    pub links: Vec<usize>,
}

/// Our axes from those of a URDF file. ROS has x in front, y on the left and z up; some files have
/// our own.
fn ours_from_file(y_up: bool) -> Quat {
    let ours_from_ros = Mat3::from_cols(Vec3::Z, Vec3::X, Vec3::Y);
    if y_up { Quat::IDENTITY } else { Quat::from_mat3(&ours_from_ros) }
}

/// Builds the bones of `robot`, which was read from the file at `path`; in it y is up if `y_up` says
/// so.
///
/// # Errors
/// If its links form no tree or none of them moves.
pub fn tree(
    path: &Path,
    robot: &Robot,
    y_up: bool,
    notes: &mut Vec<String>,
) -> Result<Tree, ImportError> {
    let fail = |line: usize, message: String| ImportError::file(path, Some(line), message);
    let link = |name: &str| robot.links.iter().position(|link| link.name == name);
    let mut above: Vec<Option<&Joint>> = vec![None; robot.links.len()];
    let mut below: Vec<Vec<(usize, &Joint)>> = vec![Vec::new(); robot.links.len()];
    for joint in &robot.joints {
        let ends = [&joint.parent, &joint.child].map(|name| {
            link(name).ok_or_else(|| {
                let message = format!("joint \"{}\" names the link \"{name}\"", joint.name);
                fail(joint.line, format!("{message}, which there is not"))
            })
        });
        let [parent, child] = ends;
        let (parent, child) = (parent?, child?);
        if let Some(other) = above[child].replace(joint) {
            let message = format!(
                "link \"{}\" hangs on two joints, \"{}\" and \"{}\"; loops cannot be imported: \
                 take one of them out",
                joint.child, other.name, joint.name
            );
            return Err(fail(joint.line, message));
        }
        below[parent].push((child, joint));
    }
    let roots: Vec<usize> = (0..robot.links.len()).filter(|link| above[*link].is_none()).collect();
    let root = match roots[..] {
        [root] => root,
        [] => {
            let message = "every link hangs on another, in a circle; one must be the root";
            return Err(ImportError::file(path, None, message));
        }
        [first, second, ..] => {
            let [a, b] = [first, second].map(|root| robot.links[root].name.as_str());
            let message = format!(
                "{} links hang on nothing, among them \"{a}\" and \"{b}\"; a figure has one root: \
                 join them, or take out what does not belong to it",
                roots.len()
            );
            return Err(fail(robot.links[second].line, message));
        }
    };
    let freedoms = freedoms(robot, notes);
    let mut tree = Tree::default();
    let mut names = Vec::new();
    // Depth first, in the order of the file. What is left over hangs in a circle.
    let mut next: Vec<(usize, Option<(usize, Affine3A, &Joint)>)> = vec![(root, None)];
    let mut joint_bones: Vec<(&Joint, usize)> = Vec::new();
    while let Some((at, from)) = next.pop() {
        let name = &robot.links[at].name;
        let (bone, bone_from_link) = match from {
            None => {
                let turn = ours_from_file(y_up);
                tree.bones.push(DraftBone { turn, ..DraftBone::fixed(name, None) });
                (0, Affine3A::IDENTITY)
            }
            Some((parent, parent_from_link, joint)) => {
                let origin = Affine3A::from_rotation_translation(joint.turn, joint.offset);
                let parent_from_joint = parent_from_link * origin;
                let index = robot.joints.iter().position(|other| std::ptr::eq(other, joint));
                match &freedoms[index.unwrap_or(0)] {
                    Freedom::Held(moved) => (parent, parent_from_joint * *moved),
                    Freedom::Free { aligned, limits, slides } => {
                        let (_, turn, offset) = parent_from_joint.to_scale_rotation_translation();
                        let has_one = !matches!(joint.kind, Kind::Planar | Kind::Spherical);
                        joint_bones.push((joint, tree.bones.len()));
                        tree.bones.push(DraftBone {
                            offset,
                            turn: (turn * *aligned).normalize(),
                            limits: *limits,
                            slides: *slides,
                            joint: has_one.then(|| joint.name.clone()),
                            ..DraftBone::fixed(name, Some(parent))
                        });
                        (tree.bones.len() - 1, Affine3A::from_quat(aligned.inverse()))
                    }
                }
            }
        };
        let (_, turn, place) = bone_from_link.to_scale_rotation_translation();
        tree.frames.push(DraftFrame { name: name.clone(), bone, at: place, turn });
        tree.links.push(at);
        names.push(name);
        for (child, joint) in below[at].iter().rev() {
            next.push((*child, Some((bone, bone_from_link, joint))));
        }
    }
    if tree.links.len() < robot.links.len() {
        let left = (0..robot.links.len()).find(|link| !tree.links.contains(link)).unwrap_or(0);
        let link = &robot.links[left];
        let message = format!(
            "link \"{}\" hangs on itself through other links, in a circle, and not on the root \
             \"{}\"",
            link.name, robot.links[root].name
        );
        return Err(fail(link.line, message));
    }
    if tree.bones.len() == 1 {
        let message = format!(
            "none of its {} joints moves; a figure needs one that does (revolute, continuous, \
             prismatic or planar)",
            robot.joints.len()
        );
        return Err(ImportError::file(path, None, message));
    }
    if tree.bones.len() > MOST_BONES {
        let message = format!(
            "has {} links that move; a figure has at most {MOST_BONES} bones: make joints fixed",
            tree.bones.len()
        );
        return Err(ImportError::file(path, None, message));
    }
    follow(&mut tree.bones, &joint_bones, notes);
    weigh(robot, &mut tree, notes);
    Ok(tree)
}

/// Says which bones move with which.
fn follow(bones: &mut [DraftBone], joints: &[(&Joint, usize)], notes: &mut Vec<String>) {
    for (joint, bone) in joints {
        let Some(mimic) = &joint.mimic else { continue };
        let (mut factor, mut offset) = (mimic.factor, mimic.offset);
        let mut name = mimic.joint.as_str();
        // A joint that is followed may follow another one; more steps than joints are a circle.
        let mut steps = 0;
        let leader = loop {
            let leader = joints.iter().find(|(other, _)| other.name == name);
            steps += 1;
            match leader {
                Some((other, _)) if other.mimic.is_some() && steps <= joints.len() => {
                    let next = other.mimic.as_ref().expect("asked");
                    offset += factor * next.offset;
                    factor *= next.factor;
                    name = &next.joint;
                }
                Some((other, at)) if steps <= joints.len() => break Some((other, *at)),
                _ => break None,
            }
        };
        let free = |bone: &DraftBone| {
            let free = |[low, high]: [f32; 2]| low < high;
            (bone.limits.map(free), bone.slides.map(free))
        };
        match leader {
            Some((_, leader)) if free(&bones[leader]) == free(&bones[*bone]) => {
                bones[*bone].follows = Some(Follows { bone: leader, factor, offset });
            }
            _ => notes.push(format!(
                "Joint \"{}\" follows \"{}\", which is not there, does not move, moves in another \
                 way or follows it back; it moves freely instead.",
                joint.name, mimic.joint
            )),
        }
    }
}

/// Gives each bone the mass of its links.
fn weigh(robot: &Robot, tree: &mut Tree, notes: &mut Vec<String>) {
    let mut masses = vec![0.0; tree.bones.len()];
    let mut wrong: Vec<&str> = Vec::new();
    for (frame, link) in tree.frames.iter().zip(&tree.links) {
        let link = &robot.links[*link];
        match link.mass {
            Some(mass) if mass > 0.0 => masses[frame.bone] += mass,
            Some(_) => wrong.push(&link.name),
            None => {}
        }
    }
    if !wrong.is_empty() {
        let names = wrong.join("\", \"");
        notes.push(format!("The mass of \"{names}\" is 0 or less; they count little."));
    }
    let known: Vec<f32> = masses.iter().copied().filter(|mass| *mass > 0.0).collect();
    let mean = if known.is_empty() { 1.0 } else { known.iter().sum::<f32>() / known.len() as f32 };
    // A bone without a mass is light, unless none has any.
    let light = if known.is_empty() { 1.0 } else { 0.01 * mean };
    for (bone, mass) in tree.bones.iter_mut().zip(masses) {
        bone.mass = if mass > 0.0 { mass.max(1e-3 * mean) } else { light };
    }
}
