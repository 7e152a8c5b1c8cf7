//! BVH files as text: a skeleton, and what each of its channels says in each frame.

use glam::{Quat, Vec3};
use marionette_base::{atomic_file::read_file, text_file, toml_file::FileError};
use std::path::{Path, PathBuf};

/// The largest file that is read, bytes.
const LARGEST: u64 = 256 << 20;
/// Most joints of a skeleton, and most channels of a joint.
const MOST_JOINTS: usize = 1000;
const MOST_CHANNELS: usize = 6;

/// A movement of a skeleton, as a BVH file has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bvh {
    pub path: PathBuf,
    /// Parents before children; the first is the root.
    pub joints: Vec<Joint>,
    /// Seconds from frame to frame.
    pub frame_time: f32,
    /// The values of all channels, in degrees and in units of length.
    pub frames: Vec<Vec<f32>>,
    /// What the file says otherwise than it is.
    pub notes: Vec<String>,
}

/// A joint of a skeleton.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Joint {
    pub name: String,
    pub parent: Option<usize>,
    /// From its parent, units of length.
    pub offset: Vec3,
    /// Where the first end site that hangs on it is, if one does.
    pub tip: Option<Vec3>,
    pub channels: Vec<Channel>,
    /// Place of its first channel in a frame.
    pub first: usize,
}

/// What a number of a frame moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Channel {
    /// Moves along an axis.
    Position,
    /// Turns about this axis.
    Rotation(Vec3),
}

impl Bvh {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// If it is missing or no BVH file: the line, what was found and what would do.
    pub fn read(path: &Path) -> Result<Bvh, FileError> {
        let fail = |message: String| FileError { path: path.to_owned(), line: None, message };
        let bytes = read_file(path, LARGEST)
            .map_err(|error| fail(format!("cannot be read: {}", error.error)))?;
        Bvh::parse(path, &text_file::decode(bytes).map_err(fail)?)
    }

    /// Reads a file's text.
    pub fn parse(path: &Path, text: &str) -> Result<Bvh, FileError> {
        // Some programs end lines with a carriage return alone.
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let mut lines = Lines { path, lines: text.lines().collect(), next: 0 };
        let joints = skeleton(&mut lines)?;
        motion(lines, joints)
    }

    /// The rotation of each joint in the file's world in a frame; at rest all are identities.
    pub fn turned(&self, frame: &[f32]) -> Vec<Quat> {
        let mut world: Vec<Quat> = Vec::with_capacity(self.joints.len());
        for joint in &self.joints {
            let own =
                joint.channels.iter().enumerate().fold(Quat::IDENTITY, |turned, (i, c)| match c {
                    Channel::Rotation(axis) => {
                        turned * Quat::from_axis_angle(*axis, frame[joint.first + i].to_radians())
                    }
                    Channel::Position => turned,
                });
            world.push(joint.parent.map_or(own, |parent| (world[parent] * own).normalize()));
        }
        world
    }

    /// Where each joint is at rest, units of length.
    pub fn rest(&self) -> Vec<Vec3> {
        let mut places: Vec<Vec3> = Vec::with_capacity(self.joints.len());
        for joint in &self.joints {
            places.push(joint.parent.map_or(Vec3::ZERO, |parent| places[parent] + joint.offset));
        }
        places
    }
}

/// The lines that are left.
struct Lines<'a> {
    path: &'a Path,
    lines: Vec<&'a str>,
    next: usize,
}

impl<'a> Lines<'a> {
    /// The words of the next line that is not empty.
    fn words(&mut self) -> Option<Vec<&'a str>> {
        while let Some(line) = self.lines.get(self.next) {
            self.next += 1;
            let words: Vec<&str> = line.split_whitespace().collect();
            if !words.is_empty() {
                return Some(words);
            }
        }
        None
    }

    /// An error in the line that was read last.
    fn fail(&self, message: impl Into<String>) -> FileError {
        FileError { path: self.path.to_owned(), line: Some(self.next), message: message.into() }
    }

    fn number(&self, word: &str) -> Result<f32, FileError> {
        match word.parse::<f32>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(self.fail(format!("\"{word}\" stands where a finite number must be"))),
        }
    }

    fn vector(&self, words: &[&str]) -> Result<Vec3, FileError> {
        let [x, y, z] = words else {
            let message = format!("OFFSET has {} numbers; it needs three", words.len());
            return Err(self.fail(message));
        };
        Ok(Vec3::new(self.number(x)?, self.number(y)?, self.number(z)?))
    }
}

/// What a block in braces is of.
enum Block {
    Joint(usize),
    /// An end site on a joint.
    End(usize),
}

/// `HIERARCHY`: the joints, up to the line `MOTION`.
fn skeleton(lines: &mut Lines) -> Result<Vec<Joint>, FileError> {
    if lines.words().is_none_or(|words| words[0] != "HIERARCHY") {
        return Err(lines.fail("is no BVH file: it does not begin with HIERARCHY"));
    }
    let mut joints: Vec<Joint> = Vec::new();
    let mut open: Vec<Block> = Vec::new();
    let mut waiting: Option<Block> = None;
    let mut channels = 0;
    while let Some(mut words) = lines.words() {
        // A brace may stand at the end of the line of what it opens.
        let opens = words.last() == Some(&"{");
        if opens {
            words.pop();
        }
        match words[..] {
            [] => {}
            ["MOTION"] if open.is_empty() && waiting.is_none() => {
                return match joints.is_empty() {
                    true => Err(lines.fail("there is no ROOT above MOTION")),
                    false => Ok(joints),
                };
            }
            ["MOTION"] => return Err(lines.fail("MOTION comes before the last }")),
            ["ROOT", ..] if !joints.is_empty() => {
                return Err(lines.fail("a second ROOT; give a file with one skeleton"));
            }
            [kind @ ("ROOT" | "JOINT"), ref name @ ..] => {
                let parent = match (kind, open.last()) {
                    ("ROOT", _) => None,
                    (_, Some(Block::Joint(parent))) => Some(*parent),
                    _ => return Err(lines.fail("a JOINT stands outside of any other's braces")),
                };
                if name.is_empty() || joints.len() == MOST_JOINTS {
                    let message =
                        format!("{kind} needs a name, and there are at most {MOST_JOINTS} joints");
                    return Err(lines.fail(message));
                }
                waiting = Some(Block::Joint(joints.len()));
                joints.push(Joint {
                    name: name.join(" "),
                    parent,
                    offset: Vec3::ZERO,
                    tip: None,
                    channels: Vec::new(),
                    first: channels,
                });
            }
            ["End", ..] => match open.last() {
                Some(Block::Joint(joint)) => waiting = Some(Block::End(*joint)),
                _ => return Err(lines.fail("an End Site stands outside of a joint's braces")),
            },
            ["OFFSET", ref numbers @ ..] => {
                let offset = lines.vector(numbers)?;
                match open.last() {
                    Some(Block::Joint(joint)) => joints[*joint].offset = offset,
                    Some(Block::End(joint)) => {
                        joints[*joint].tip.get_or_insert(offset);
                    }
                    None => return Err(lines.fail("OFFSET stands outside of any braces")),
                }
            }
            ["CHANNELS", ref list @ ..] => {
                let Some(Block::Joint(joint)) = open.last() else {
                    return Err(lines.fail("CHANNELS stands outside of a joint's braces"));
                };
                if !joints[*joint].channels.is_empty() {
                    return Err(lines.fail("a joint has a second CHANNELS; leave one of them out"));
                }
                let found = channels_of(lines, list)?;
                joints[*joint].first = channels;
                channels += found.len();
                joints[*joint].channels = found;
            }
            ["}"] => {
                if open.pop().is_none() {
                    return Err(lines.fail("one } too many"));
                }
            }
            [word, ..] => {
                let message = format!(
                    "\"{word}\" stands where JOINT, End Site, OFFSET, CHANNELS or a brace must be"
                );
                return Err(lines.fail(message));
            }
        }
        if opens {
            let Some(block) = waiting.take() else {
                return Err(lines.fail("a { that belongs to no joint"));
            };
            open.push(block);
        }
    }
    Err(lines.fail("the file ends before MOTION; it is cut off"))
}

/// The channels of a joint, in their order.
fn channels_of(lines: &Lines, list: &[&str]) -> Result<Vec<Channel>, FileError> {
    let [count, names @ ..] = list else {
        return Err(lines.fail("CHANNELS has no count"));
    };
    if count.parse() != Ok(names.len()) || names.len() > MOST_CHANNELS {
        let message = format!(
            "CHANNELS announces {count} and names {}; give as many names, at most {MOST_CHANNELS}",
            names.len()
        );
        return Err(lines.fail(message));
    }
    let channel = |name: &&str| match name.to_ascii_lowercase().as_str() {
        "xposition" | "yposition" | "zposition" => Ok(Channel::Position),
        "xrotation" => Ok(Channel::Rotation(Vec3::X)),
        "yrotation" => Ok(Channel::Rotation(Vec3::Y)),
        "zrotation" => Ok(Channel::Rotation(Vec3::Z)),
        _ => Err(lines.fail(format!(
            "no channel is called \"{name}\"; there are Xposition to Zposition and Xrotation to \
             Zrotation"
        ))),
    };
    names.iter().map(channel).collect()
}

/// `MOTION`: the frames, one in a line.
fn motion(mut lines: Lines, joints: Vec<Joint>) -> Result<Bvh, FileError> {
    let channels: usize = joints.iter().map(|joint| joint.channels.len()).sum();
    let announced: usize = match lines.words().as_deref() {
        Some(["Frames:", count]) => count
            .parse()
            .map_err(|_| lines.fail(format!("Frames is \"{count}\"; give their number")))?,
        _ => return Err(lines.fail("Frames: must follow MOTION")),
    };
    let frame_time = match lines.words().as_deref() {
        Some(["Frame", "Time:", time]) => lines.number(time)?,
        _ => return Err(lines.fail("Frame Time: must follow Frames:")),
    };
    if frame_time <= 0.0 {
        return Err(lines.fail(format!("Frame Time is {frame_time}; give seconds above 0")));
    }
    let mut frames = Vec::new();
    while let Some(words) = lines.words() {
        if words.len() != channels {
            let message = format!(
                "frame {} has {} numbers; the joints above have {channels} channels",
                frames.len() + 1,
                words.len()
            );
            return Err(lines.fail(message));
        }
        frames.push(words.iter().map(|word| lines.number(word)).collect::<Result<Vec<f32>, _>>()?);
    }
    if frames.is_empty() {
        return Err(lines.fail("there are no frames below Frame Time:"));
    }
    let mut notes = Vec::new();
    if frames.len() != announced {
        let (name, found) = (lines.path.display(), frames.len());
        notes
            .push(format!("{name} announces {announced} frames and has {found}; those were read."));
    }
    let path = lines.path.to_owned();
    Ok(Bvh { path, joints, frame_time, frames, notes })
}
