use super::*;
use crate::{BodyShape, Figure, Pose, PoseFamily, load_figure, parse_figure, solve};
use marionette_base::toml_file::TomlFile;
use std::fmt::Write;

fn human() -> Figure {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/figures/human.toml");
    load_figure(Path::new(path)).unwrap()
}

/// A joint of a skeleton that a test writes: name, parent, offset.
type Written = (&'static str, &'static str, [f32; 3]);

/// A T-pose as CMU's files have it, in inches or so: y up, facing +z.
const CMU: [Written; 21] = [
    ("Hips", "", [0.0, 0.0, 0.0]),
    ("LHipJoint", "Hips", [0.0, 0.0, 0.0]),
    ("LeftUpLeg", "LHipJoint", [1.6, -1.8, 0.8]),
    ("LeftLeg", "LeftUpLeg", [2.4, -6.7, 0.0]),
    ("LeftFoot", "LeftLeg", [2.6, -7.1, 0.0]),
    ("LeftToeBase", "LeftFoot", [0.2, -0.4, 2.2]),
    ("RHipJoint", "Hips", [0.0, 0.0, 0.0]),
    ("RightUpLeg", "RHipJoint", [-1.6, -1.8, 0.8]),
    ("RightLeg", "RightUpLeg", [-2.4, -6.7, 0.0]),
    ("RightFoot", "RightLeg", [-2.6, -7.1, 0.0]),
    ("RightToeBase", "RightFoot", [-0.2, -0.4, 2.2]),
    ("Spine", "Hips", [0.0, 2.0, -0.2]),
    ("Spine1", "Spine", [0.1, 2.0, 0.0]),
    ("Neck", "Spine1", [0.0, 0.3, 0.0]),
    ("Head", "Neck", [0.0, 1.7, 0.2]),
    ("LeftShoulder", "Spine1", [0.0, 0.0, 0.0]),
    ("LeftArm", "LeftShoulder", [3.3, 1.2, 0.0]),
    ("LeftForeArm", "LeftArm", [5.0, 0.0, 0.0]),
    ("LeftHand", "LeftForeArm", [3.3, 0.0, 0.0]),
    ("RightArm", "Spine1", [-3.3, 1.2, 0.0]),
    ("RightForeArm", "RightArm", [-5.0, 0.0, 0.0]),
];

fn mixamo() -> Vec<(String, String, [f32; 3])> {
    let plain: [Written; 15] = [
        ("Hips", "", [0.0, 100.0, 0.0]),
        ("Spine", "Hips", [0.0, 10.0, 0.0]),
        ("Spine1", "Spine", [0.0, 11.0, 0.0]),
        ("Spine2", "Spine1", [0.0, 13.0, 0.0]),
        ("Neck", "Spine2", [0.0, 15.0, 0.0]),
        ("Head", "Neck", [0.0, 9.0, 3.0]),
        ("LeftShoulder", "Spine2", [6.0, 9.0, 0.0]),
        ("LeftArm", "LeftShoulder", [12.0, 0.0, -1.0]),
        ("LeftForeArm", "LeftArm", [27.0, 0.0, 0.0]),
        ("LeftHand", "LeftForeArm", [28.0, 0.0, 0.0]),
        ("LeftUpLeg", "Hips", [9.0, -6.0, 0.0]),
        ("LeftLeg", "LeftUpLeg", [0.0, -42.0, 0.0]),
        ("LeftFoot", "LeftLeg", [0.0, -43.0, -2.0]),
        ("RightUpLeg", "Hips", [-9.0, -6.0, 0.0]),
        ("RightLeg", "RightUpLeg", [0.0, -42.0, 0.0]),
    ];
    let named = |name: &str| match name {
        "" => String::new(),
        name => format!("mixamorig:{name}"),
    };
    plain.into_iter().map(|(name, on, at)| (named(name), named(on), at)).collect()
}

fn cmu() -> Vec<(String, String, [f32; 3])> {
    CMU.iter().map(|(name, on, at)| ((*name).to_owned(), (*on).to_owned(), *at)).collect()
}

/// A BVH file. All joints have channels in the order z, x, y; each frame turns some joints by
/// angles about x, y and z, degrees.
fn bvh(skeleton: &[(String, String, [f32; 3])], frames: &[&[(&str, [f32; 3])]]) -> String {
    let mut order = Vec::new();
    let mut text = "HIERARCHY\n".to_owned();
    joint(skeleton, 0, 0, &mut text, &mut order);
    writeln!(text, "MOTION\nFrames: {}\nFrame Time: 0.0333333", frames.len()).unwrap();
    for frame in frames {
        let mut numbers: Vec<f32> = vec![0.0, 90.0, 0.0];
        for index in &order {
            let name = skeleton[*index].0.rsplit(':').next().unwrap();
            let turned = frame.iter().find(|(turned, _)| *turned == name);
            let [x, y, z] = turned.map_or([0.0; 3], |(_, angles)| *angles);
            numbers.extend([z, x, y]);
        }
        let words: Vec<String> = numbers.iter().map(f32::to_string).collect();
        writeln!(text, "{}", words.join(" ")).unwrap();
    }
    text
}

fn joint(
    skeleton: &[(String, String, [f32; 3])],
    index: usize,
    depth: usize,
    text: &mut String,
    order: &mut Vec<usize>,
) {
    order.push(index);
    let (name, _, [x, y, z]) = &skeleton[index];
    let indent = "\t".repeat(depth);
    let (kind, positions) = match depth {
        0 => ("ROOT", "6 Xposition Yposition Zposition"),
        _ => ("JOINT", "3"),
    };
    writeln!(text, "{indent}{kind} {name}\n{indent}{{\n{indent}\tOFFSET {x} {y} {z}").unwrap();
    writeln!(text, "{indent}\tCHANNELS {positions} Zrotation Xrotation Yrotation").unwrap();
    let children: Vec<usize> =
        (0..skeleton.len()).filter(|child| skeleton[*child].1 == *name).collect();
    for child in &children {
        joint(skeleton, *child, depth + 1, text, order);
    }
    if children.is_empty() {
        writeln!(text, "{indent}\tEnd Site\n{indent}\t{{\n{indent}\t\tOFFSET 0 1 0").unwrap();
        writeln!(text, "{indent}\t}}").unwrap();
    }
    writeln!(text, "{indent}}}").unwrap();
}

/// The human with a family "walks" from files of these texts.
fn captured(files: &[String], more: &str) -> Result<(Figure, PoseFamily, Inlined), FileError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("walks")).unwrap();
    for (index, text) in files.iter().enumerate() {
        std::fs::write(folder.path().join(format!("walks/{index}.bvh")), text).unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/figures/human.toml");
    let human = TomlFile::read(Path::new(path)).unwrap();
    let text = format!(
        "{}\n[[poses]]\nname = \"walks\"\nmotion = \"bvh:walks/*.bvh\"\n{more}\n",
        human.text
    );
    let inlined = inline_motion(TomlFile { path: folder.path().join("walker.toml"), text })?;
    // The text that is kept needs the files no more.
    drop(folder);
    let figure = parse_figure(&inlined.file)?;
    let family = figure.poses.iter().find(|pose| pose.name == "walks").unwrap().clone();
    Ok((figure, family, inlined))
}

/// Where a bone is in a key frame, metres, with the hips at the origin.
fn place(figure: &Figure, angles: &[Vec3], bone: &str) -> Vec3 {
    let pose = Pose { angles: angles.to_vec(), ..Pose::at_rest(figure) };
    let world = solve(figure, &BodyShape::default(), &pose);
    let index = figure.bones.iter().position(|known| known.name == bone).unwrap();
    world[index].translation.into()
}

#[test]
fn the_rest_of_a_capture_is_a_t_pose_and_not_hanging_arms() {
    for skeleton in [cmu(), mixamo()] {
        let (figure, family, inlined) = captured(&[bvh(&skeleton, &[&[]])], "").unwrap();
        assert_eq!((family.keys.len(), inlined.notes.len()), (1, 0), "{:?}", inlined.notes);
        let key = &family.keys[0];
        let (shoulder, elbow) =
            (place(&figure, key, "left_upper_arm"), place(&figure, key, "left_forearm"));
        let along = (elbow - shoulder).normalize();
        assert!(along.x > 0.98, "the left arm points to {along}");
        let hand = place(&figure, key, "left_hand");
        assert!((hand - elbow).normalize().x > 0.97, "{hand}");
        let ankle = place(&figure, key, "left_foot");
        assert!(ankle.y < -0.8, "{ankle}");
    }
}

#[test]
fn legs_and_arms_go_where_the_capture_has_them() {
    // A step: the left leg forward and its knee bent, the right leg back; the left arm hangs
    // down, the right one points forward.
    let step: [(&str, [f32; 3]); 5] = [
        ("LeftUpLeg", [-40.0, 0.0, 0.0]),
        ("LeftLeg", [50.0, 0.0, 0.0]),
        ("RightUpLeg", [25.0, 0.0, 0.0]),
        ("LeftArm", [0.0, 0.0, -80.0]),
        ("RightArm", [0.0, 80.0, 0.0]),
    ];
    for (skeleton, arm) in [(cmu(), true), (mixamo(), false)] {
        for heading in [0.0, 70.0, 180.0] {
            // Whichever way it walks.
            let frame: Vec<(&str, [f32; 3])> =
                step.iter().copied().chain([("Hips", [0.0, heading, 0.0])]).collect();
            let (figure, family, _) = captured(&[bvh(&skeleton, &[&frame])], "").unwrap();
            let key = &family.keys[0];
            let [left, right] = ["left_shin", "right_shin"].map(|bone| place(&figure, key, bone));
            assert!(left.z > 0.2 && left.x > 0.0, "left knee at {left}");
            assert!(right.z < -0.1 && right.x < 0.0, "right knee at {right}");
            let ankle = place(&figure, key, "left_foot");
            assert!((ankle - left).z < 0.0 && ankle.y < left.y - 0.3, "{left} {ankle}");
            let hand = place(&figure, key, "left_hand") - place(&figure, key, "left_upper_arm");
            assert!(hand.y < -0.5 && hand.x.abs() < 0.2, "left hand at {hand}");
            if arm {
                let ahead =
                    place(&figure, key, "right_forearm") - place(&figure, key, "right_upper_arm");
                assert!(ahead.normalize().z > 0.9, "right elbow at {ahead}");
            }
        }
    }
}

#[test]
fn elbows_bend_forward_and_limits_hold() {
    let bent: [(&str, [f32; 3]); 3] = [
        ("LeftArm", [0.0, 0.0, -80.0]),
        ("LeftForeArm", [0.0, -70.0, 0.0]),
        ("LeftLeg", [-60.0, 0.0, 0.0]),
    ];
    let (figure, family, _) = captured(&[bvh(&mixamo(), &[&bent])], "").unwrap();
    let key = &family.keys[0];
    let forearm = place(&figure, key, "left_hand") - place(&figure, key, "left_forearm");
    assert!(forearm.normalize().z > 0.75, "{forearm}");
    for (bone, angles) in figure.bones.iter().zip(key) {
        for axis in 0..3 {
            let [low, high] = bone.limits[axis];
            assert!((low - 1e-4..=high + 1e-4).contains(&angles[axis]), "{} {angles}", bone.name);
        }
    }
    // No knee bends forward.
    let shin = figure.bones.iter().position(|bone| bone.name == "left_shin").unwrap();
    assert!(key[shin].x.abs() < 0.05, "{}", key[shin]);
}

#[test]
fn files_with_z_up_and_any_front_are_turned() {
    let turned = |at: [f32; 3]| [-at[0], at[2], at[1]];
    let skeleton: Vec<(String, String, [f32; 3])> =
        cmu().into_iter().map(|(name, on, at)| (name, on, turned(at))).collect();
    // What was a turn about x is one about -x here.
    let frame: [(&str, [f32; 3]); 1] = [("LeftUpLeg", [40.0, 0.0, 0.0])];
    let (figure, family, _) = captured(&[bvh(&skeleton, &[&frame])], "").unwrap();
    let knee = place(&figure, &family.keys[0], "left_shin");
    assert!(knee.z > 0.2 && knee.x > 0.0 && knee.y < -0.2, "{knee}");
}

#[test]
fn nothing_lies_between_two_files() {
    let swing = |angle: f32| [("LeftUpLeg", [angle, 0.0, 0.0])];
    let (a, b) = ([swing(-30.0), swing(-10.0), swing(10.0)], [swing(30.0), swing(20.0)]);
    let frames = |rows: &[[(&'static str, [f32; 3]); 1]]| {
        let rows: Vec<&[(&str, [f32; 3])]> = rows.iter().map(|row| &row[..]).collect();
        bvh(&cmu(), &rows)
    };
    let (_, family, inlined) = captured(&[frames(&a), frames(&b), frames(&a[..1])], "").unwrap();
    assert_eq!((family.keys.len(), &family.breaks[..]), (6, &[3, 5][..]));
    assert_eq!(inlined.read_from.len(), 3);
    let ways: Vec<(usize, usize)> = (0..100)
        .map(|i| family.moment(i as f32 / 100.0))
        .map(|(from, to, share)| {
            assert!((0.0..=1.0).contains(&share));
            (from, to)
        })
        .collect();
    let mut each = ways.clone();
    each.dedup();
    assert_eq!(each, [(0, 1), (1, 2), (3, 4), (5, 5)]);
    assert_eq!(ways.iter().filter(|way| **way == (5, 5)).count(), 25);
}

#[test]
fn names_can_be_written_and_those_of_others_are_guessed_and_said() {
    let renamed = |name: &str| {
        let words = [
            ("LeftUpLeg", "thigh.L"),
            ("RightUpLeg", "thigh.R"),
            ("LeftLeg", "shin.L"),
            ("RightLeg", "shin.R"),
            ("LeftArm", "upperarm_l"),
            ("RightArm", "upperarm_r"),
            ("LeftForeArm", "lowerarm_l"),
            ("RightForeArm", "lowerarm_r"),
            ("LeftFoot", "gibberish"),
            ("RightFoot", "nonsense"),
            ("LeftToeBase", "a"),
            ("RightToeBase", "b"),
        ];
        words.iter().find(|(old, _)| *old == name).map_or(name, |(_, new)| new).to_owned()
    };
    let skeleton: Vec<(String, String, [f32; 3])> =
        cmu().into_iter().map(|(name, on, at)| (renamed(&name), renamed(&on), at)).collect();
    let text = bvh(&skeleton, &[&[("thigh.L", [-40.0, 0.0, 0.0])]]);
    let (figure, family, inlined) = captured(std::slice::from_ref(&text), "").unwrap();
    assert!(place(&figure, &family.keys[0], "left_shin").z > 0.2);
    let note = inlined.notes.join(" ");
    assert!(
        note.contains("thigh.L = left_thigh") && note.contains("shin.R = right_shin"),
        "{note}"
    );
    assert!(!note.contains("gibberish"), "{note}");
    let written = "bones = { \"thigh.L\" = \"right_thigh\", \"thigh.R\" = \"left_thigh\" }";
    let (figure, family, _) = captured(std::slice::from_ref(&text), written).unwrap();
    assert!(place(&figure, &family.keys[0], "right_shin").z > 0.2);
    for (bones, expected) in [
        (
            "bones = { \"thigh.X\" = \"left_thigh\" }",
            "no joint is called \"thigh.X\"; there are Hips",
        ),
        ("bones = { \"thigh.L\" = \"left_wing\" }", "no bone is called \"left_wing\"; there are"),
    ] {
        let error = captured(std::slice::from_ref(&text), bones).unwrap_err();
        assert!(error.message.starts_with(expected), "{error}");
    }
    let unknown: Vec<(String, String, [f32; 3])> = cmu()
        .into_iter()
        .map(|(name, on, at)| {
            let odd = |name: String| name.replace(char::is_alphabetic, "q");
            (format!("{}{}", odd(name), at[0]), on, at)
        })
        .take(1)
        .collect();
    let error = captured(&[bvh(&unknown, &[&[]])], "").unwrap_err();
    assert!(error.message.starts_with("none of its joints is known as \"pelvis\""), "{error}");
}

#[test]
fn lying_frames_are_left_out_and_long_captures_thinned() {
    let lies: [(&str, [f32; 3]); 1] = [("Hips", [90.0, 0.0, 0.0])];
    let (_, family, inlined) = captured(&[bvh(&cmu(), &[&[], &lies, &[]])], "").unwrap();
    assert_eq!((family.keys.len(), &family.breaks[..]), (2, &[1][..]));
    assert!(inlined.notes[0].contains("1 frames in which the figure lies"), "{inlined:?}");
    let error = captured(&[bvh(&cmu(), &[&lies])], "").unwrap_err();
    assert!(error.message.contains("lies or tumbles in every frame"), "{error}");
    let many: Vec<&[(&str, [f32; 3])]> = vec![&[]; 1201];
    let (_, family, inlined) = captured(&[bvh(&cmu(), &many)], "").unwrap();
    assert!((250..=MOST_KEYS).contains(&family.keys.len()), "{}", family.keys.len());
    assert!(inlined.notes.iter().any(|note| note.contains("th of 1201 frames")), "{inlined:?}");
    // 1/30 s each: what is left is farther apart than is blended.
    assert_eq!(family.breaks.len(), family.keys.len() - 1);
}

#[test]
fn any_line_ends_will_do_and_counts_may_lie() {
    let text = bvh(&cmu(), &[&[], &[]]);
    for ends in ["\r\n", "\r", "\n\n", " \t\r\n"] {
        let (_, family, _) = captured(&[text.replace('\n', ends)], "").unwrap();
        assert_eq!(family.keys.len(), 2, "{ends:?}");
    }
    let (_, family, inlined) = captured(&[text.replace("Frames: 2", "Frames: 90")], "").unwrap();
    assert_eq!(family.keys.len(), 2);
    assert!(inlined.notes[0].contains("announces 90 frames and has 2"), "{inlined:?}");
}

#[test]
fn what_is_broken_is_named_with_its_line() {
    let text = bvh(&cmu(), &[&[], &[]]);
    let channels = 3 + 3 * CMU.len();
    let last = text.trim_end().lines().last().unwrap().to_owned();
    let lines = text.trim_end().lines().count();
    let cut = |line: &str| text.replacen(line, line.rsplit_once(' ').unwrap().0, 1);
    let twice = text.lines().find(|line| line.contains("CHANNELS")).unwrap();
    let twice = text.replacen(twice, &format!("{twice}\n{twice}"), 1);
    let cases: [(String, Option<usize>, String); 13] = [
        (twice, Some(6), "a joint has a second CHANNELS".into()),
        (String::new(), None, "is no BVH file".into()),
        ("{}".into(), Some(1), "is no BVH file".into()),
        (cut(&last), Some(lines - 1), format!("frame 1 has {} numbers", channels - 1)),
        (text.replacen("OFFSET 0 0 0", "OFFSET 0 0", 1), Some(4), "OFFSET has 2 numbers".into()),
        (text.replacen("OFFSET 0 0 0", "OFFSET 0 x 0", 1), Some(4), "\"x\" stands where".into()),
        (text.replacen("6 Xpos", "5 Xpos", 1), Some(5), "CHANNELS announces 5 and names 6".into()),
        (text.replacen("Zrotation", "Wrotation", 1), Some(5), "no channel is called".into()),
        (text.replacen("Frames: 2", "Frames: two", 1), None, "Frames is \"two\"".into()),
        (text.replacen("0.0333333", "0", 1), None, "Frame Time is 0".into()),
        (text.replacen("0.0333333", "nan", 1), None, "\"nan\" stands where".into()),
        (text.split("MOTION").next().unwrap().into(), None, "the file ends before MOTION".into()),
        (text.replacen("}\nMOTION", "MOTION", 1), None, "MOTION comes before the last }".into()),
    ];
    for (text, line, expected) in cases {
        let error = captured(&[text], "").unwrap_err();
        assert!(error.message.starts_with(&expected), "{expected}: {error}");
        assert!(line.is_none() || error.line == line, "{error}");
        assert!(error.path.ends_with("walks/0.bvh"), "{error}");
    }
    let missing = captured(&[], "").unwrap_err();
    assert!(missing.message.contains("no file matches \"walks/*.bvh\""), "{missing}");
    let both = captured(&[text], "angles = { thigh = [0, 0, 0] }").unwrap_err();
    assert!(both.message.contains("both a motion and angles"), "{both}");
}

#[test]
fn a_file_without_motion_keeps_its_text() {
    let human = human();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/figures/human.toml");
    let file = TomlFile::read(Path::new(path)).unwrap();
    let inlined = inline_motion(file.clone()).unwrap();
    assert_eq!(inlined.file.text, file.text);
    assert!(human.poses.iter().all(|pose| pose.breaks.is_empty()));
    // What has no breaks is sampled as ever.
    let family = human.poses.iter().find(|pose| pose.keys.len() > 2).unwrap();
    let last = family.keys.len() - 1;
    for share in [0.0_f32, 0.2, 0.55, 0.999] {
        let moment = share * last as f32;
        let key = (moment as usize).min(last - 1);
        assert_eq!(family.moment(share), (key, key + 1, moment - key as f32));
    }
}
