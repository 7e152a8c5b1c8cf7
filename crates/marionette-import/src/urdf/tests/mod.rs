mod shapes;

use crate::{Draft, DraftShape, ImportError, Options, import, write};
use glam::{Quat, Vec3};
use shapes::{meshed, obj};
use std::{f32::consts::PI, fs};

const BOX: &str = "<visual><geometry><box size='.1 .2 .3'/></geometry></visual>";

fn link(name: &str) -> String {
    format!("<link name='{name}'><inertial><mass value='1'/></inertial>{BOX}</link>\n")
}

fn joint(name: &str, kind: &str, [parent, child]: [&str; 2], inside: &str) -> String {
    format!(
        "<joint name='{name}' type='{kind}'><parent link='{parent}'/><child link='{child}'/>\
         <origin xyz='0 0 .5'/>{inside}</joint>\n"
    )
}

/// Imports a robot with these elements from a file in a folder of its own, where `files` are too.
fn with_files(inside: &str, files: &[(&str, &[u8])]) -> Result<Draft, ImportError> {
    with_options(inside, files, &Options::default())
}

fn with_options(
    inside: &str,
    files: &[(&str, &[u8])],
    options: &Options,
) -> Result<Draft, ImportError> {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let file = folder.path().join("robot.urdf");
    fs::write(&file, format!("<?xml version='1.0'?>\n<robot name='r'>\n{inside}</robot>\n"))
        .unwrap();
    import(&file, options)
}

fn robot(inside: &str) -> Draft {
    with_files(inside, &[]).unwrap()
}

fn refused(inside: &str) -> String {
    with_files(inside, &[]).unwrap_err().to_string()
}

fn arm(joints: &str) -> String {
    format!("{}{}{}{joints}", link("base"), link("upper"), link("fore"))
}

const LIMIT: &str = "<axis xyz='0 1 0'/><limit lower='-1' upper='2'/>";

fn two_joints() -> String {
    arm(&(joint("shoulder", "revolute", ["base", "upper"], LIMIT)
        + &joint("elbow", "revolute", ["upper", "fore"], LIMIT)))
}

#[test]
fn an_arm_stands_upright_with_its_limits_and_masses() {
    let draft = robot(&two_joints());
    let names: Vec<&str> = draft.bones.iter().map(|bone| bone.name.as_str()).collect();
    assert_eq!(names, ["base", "upper", "fore"]);
    assert_eq!(draft.bones[2].limits, [[0.0; 2], [-1.0, 2.0], [0.0; 2]]);
    assert_eq!(draft.bones[2].joint.as_deref(), Some("elbow"));
    // ROS's z is our y, its x our z, its y our x.
    let rest = draft.rest();
    assert!(rest[2].translation.distance(Vec3::new(0.0, 1.0, 0.0).into()) < 1e-6);
    assert!(rest[2].transform_vector3(Vec3::X).distance(Vec3::Z) < 1e-6);
    assert!(rest[2].transform_vector3(Vec3::Y).distance(Vec3::X) < 1e-6);
    assert_eq!(draft.parts[0].shape, DraftShape::Box(Vec3::new(0.1, 0.2, 0.3)));
    let keypoints: Vec<&str> = draft.keypoints.iter().map(|k| k.name.as_str()).collect();
    assert_eq!(keypoints, ["base", "upper", "fore"]);
    assert_eq!(draft.edges, [[0, 1], [1, 2]]);
    assert_eq!(draft.poses[0].support, "fixed");
    assert!((draft.bones[0].offset.y - 0.15).abs() < 1e-6);
}

#[test]
fn a_robot_whose_file_has_y_up_stands_as_well() {
    let options = Options { y_up: true, ..Options::default() };
    let draft = with_options(&two_joints(), &[], &options).unwrap();
    let rest = draft.rest();
    assert!(rest[1].translation.distance(Vec3::new(0.0, 0.0, 0.5).into()) < 1e-6);
}

#[test]
fn other_axes_become_y_and_what_hangs_below_stays_in_place() {
    for axis in ["0 0 -1", "1 2 3", "0 -1 0", "1 0 0", "0 0 2"] {
        let inside = format!("<axis xyz='{axis}'/><limit lower='-1' upper='1'/>");
        let draft = robot(&arm(&(joint("a", "revolute", ["base", "upper"], &inside)
            + &joint("b", "revolute", ["upper", "fore"], &inside))));
        let rest = draft.rest();
        assert!(rest[2].translation.distance(Vec3::Y.into()) < 1e-6, "{axis}");
        let free = (0..3).find(|at| draft.bones[2].limits[*at] == [-1.0, 1.0]).unwrap();
        let numbers: Vec<f32> = axis.split(' ').map(|word| word.parse().unwrap()).collect();
        let ros = Vec3::new(numbers[0], numbers[1], numbers[2]).normalize();
        let mut own = Vec3::ZERO;
        own[free] = 1.0;
        let turned = rest[2].transform_vector3(own);
        assert!(turned.distance(Vec3::new(ros.y, ros.z, ros.x)) < 1e-6, "{axis}: {turned}");
        // The box lies as the link does, not as the bone does.
        let DraftShape::Box(_) = draft.parts[2].shape else { panic!() };
        let upright = rest[2] * glam::Affine3A::from_quat(draft.parts[2].turn);
        assert!(upright.transform_vector3(Vec3::Z).distance(Vec3::Y) < 1e-6, "{axis}");
    }
}

#[test]
fn every_kind_of_joint_moves_as_it_should() {
    let kinds = |kind: &str, inside: &str| {
        let joints = joint("a", kind, ["base", "upper"], inside)
            + &joint("b", "revolute", ["upper", "fore"], LIMIT);
        robot(&arm(&joints))
    };
    let z = "<axis xyz='0 0 1'/>";
    assert_eq!(kinds("continuous", z).bones[1].limits[2], [-PI, PI]);
    let slides = kinds("prismatic", "<axis xyz='0 0 1'/><limit lower='0' upper='.2'/>");
    assert_eq!((slides.bones[1].slides[2], slides.bones[1].limits), ([0.0, 0.2], [[0.0; 2]; 3]));
    let plane = kinds("planar", z);
    assert_eq!(plane.bones[1].freedoms(), 3);
    assert_eq!(plane.bones[1].joint, None);
    assert!(plane.notes.iter().any(|note| note.contains("moves in a plane")));
    let ball = kinds("spherical", "");
    assert_eq!(ball.bones[1].freedoms(), 3);
    // Fixed ones make one bone of two links, whose frames stay.
    for kind in ["fixed", "floating"] {
        let draft = kinds(kind, "");
        assert_eq!(draft.bones.len(), 2);
        assert_eq!(draft.parts.len(), 2);
        let frame = draft.frames.iter().find(|frame| frame.name == "upper").unwrap();
        assert_eq!((frame.bone, frame.at), (0, Vec3::new(0.0, 0.0, 0.5)));
        assert_eq!(kind == "floating", draft.notes.iter().any(|note| note.contains("floats")));
    }
    let held = kinds("revolute", "<axis xyz='0 0 1'/><limit lower='.5' upper='.5'/>");
    assert_eq!(held.bones.len(), 2);
    let turn = held.frames.iter().find(|frame| frame.name == "upper").unwrap().turn;
    assert!(turn.angle_between(Quat::from_rotation_z(0.5)) < 1e-3);
    for (inside, range, said) in [
        ("<axis xyz='0 1 0'/>", [-PI, PI], "a guess"),
        ("<axis xyz='0 1 0'/><limit lower='1' upper='-1'/>", [-1.0, 1.0], "swapped"),
        ("<axis xyz='0 1 0'/><limit lower='-9' upper='9'/>", [-2.0 * PI, 2.0 * PI], "whole turn"),
    ] {
        let draft = kinds("revolute", inside);
        assert_eq!(draft.bones[1].limits[1], range);
        assert!(draft.notes.iter().any(|note| note.contains(said)), "{:?}", draft.notes);
    }
}

#[test]
fn followers_follow_about_the_same_component() {
    let range = "<limit lower='0' upper='.1'/>";
    let follower = |axis: &str, mimic: &str| {
        let leader = format!("<axis xyz='1 0 0'/>{range}");
        let inside = format!("<axis xyz='{axis}'/>{range}{mimic}");
        robot(&arm(&(joint("a", "prismatic", ["base", "upper"], &leader)
            + &joint("b", "prismatic", ["base", "fore"], &inside))))
    };
    let draft = follower("-1 0 0", "<mimic joint='a' multiplier='2' offset='.01'/>");
    let follows = draft.bones[2].follows.unwrap();
    assert_eq!((follows.bone, follows.factor, follows.offset), (1, 2.0, 0.01));
    assert_eq!(draft.bones[1].slides[1], [0.0, 0.1]);
    assert_eq!(draft.bones[2].slides[1], [0.0, 0.1]);
    // One that moves the other way moves all to y, those of the leader's own axis too.
    let finger = |name: &str, child: &str, axis: &str| {
        let inside = format!("<axis xyz='{axis}'/>{range}<mimic joint='a'/>");
        joint(name, "prismatic", ["base", child], &inside)
    };
    let hand = joint("a", "prismatic", ["base", "upper"], &format!("<axis xyz='1 0 0'/>{range}"))
        + &finger("b", "fore", "1 0 0")
        + &finger("c", "tip", "-1 0 0");
    let draft = robot(&(arm(&hand) + &link("tip")));
    assert!(draft.bones[2..].iter().all(|bone| bone.follows.is_some()), "{:?}", draft.notes);
    for wrong in ["<mimic joint='c'/>", "<mimic joint='b'/>"] {
        let draft = follower("1 0 0", wrong);
        assert_eq!(draft.bones[2].follows, None);
        assert!(draft.notes.iter().any(|note| note.contains("moves freely instead")));
    }
}

#[test]
fn what_is_no_tree_is_refused_in_one_sentence() {
    let three = |joints: String| refused(&arm(&joints));
    let turns = |name: &str, ends: [&str; 2]| joint(name, "revolute", ends, LIMIT);
    for (message, expected) in [
        (
            three(turns("a", ["base", "upper"])),
            "2 links hang on nothing, among them \"base\" and \"fore\"",
        ),
        (
            three(
                turns("a", ["base", "upper"])
                    + &turns("b", ["upper", "base"])
                    + &turns("c", ["upper", "fore"]),
            ),
            "in a circle; one must be the root",
        ),
        (
            three(turns("a", ["upper", "fore"]) + &turns("b", ["fore", "upper"])),
            "link \"upper\" hangs on itself through other links, in a circle",
        ),
        (
            three(
                turns("a", ["base", "upper"])
                    + &turns("b", ["base", "upper"])
                    + &turns("c", ["base", "fore"]),
            ),
            "link \"upper\" hangs on two joints, \"a\" and \"b\"",
        ),
        (
            three(turns("a", ["base", "upper"]) + &turns("b", ["upper", "hand"])),
            "joint \"b\" names the link \"hand\", which there is not",
        ),
        (
            three(
                joint("a", "fixed", ["base", "upper"], "")
                    + &joint("b", "fixed", ["base", "fore"], ""),
            ),
            "none of its 2 joints moves",
        ),
        (refused(&(two_joints() + &link("base"))), "another link is called \"base\" too"),
        (
            three(joint("a", "screw", ["base", "upper"], "")),
            "joint \"a\" has the type \"screw\"; there are fixed",
        ),
        (
            three(joint("a", "revolute", ["base", "upper"], "<axis xyz='0 0 0'/>")),
            "joint \"a\" has the axis 0 0 0",
        ),
        (
            three(joint("a", "revolute", ["base", "upper"], "<axis xyz='0 no 0'/>")),
            "<axis> has xyz=\"0 no 0\"; give 3 numbers",
        ),
        (refused(""), "has no <link>"),
        (refused("<link name='a'>"), "is no XML that can be read"),
        (
            refused(&two_joints().replace(BOX, "")),
            "no link has a shape: neither <visual> nor <collision>",
        ),
        (refused("<xacro:include filename='a'/>"), "is a xacro file"),
        (refused("<link name='${prefix}base'/>"), "expand it first: xacro "),
    ] {
        assert!(message.contains(expected), "{message}");
        assert!(message.contains("robot.urdf"), "{message}");
        assert_eq!(message.lines().count(), 1);
    }
}

#[test]
fn many_links_are_fine_and_too_many_are_not() {
    let chain = |count: usize| {
        let mut text: String = (0..count).map(|index| link(&format!("l{index}"))).collect();
        for index in 1..count {
            let ends = [format!("l{}", index - 1), format!("l{index}")];
            let ends = [ends[0].as_str(), ends[1].as_str()];
            text += &joint(&format!("j{index}"), "continuous", ends, "<axis xyz='0 1 0'/>");
        }
        text
    };
    // Its size says millimetres, which does not matter here.
    let draft = robot(&chain(150));
    assert_eq!((draft.bones.len(), draft.parts.len()), (150, 64));
    assert!(draft.keypoints.len() <= 20 && draft.edges.len() >= draft.keypoints.len() - 1);
    assert!(draft.notes.iter().any(|note| note.contains("the 86 smallest were left out")));
    assert!(refused(&chain(251)).contains("has 251 links that move; a figure has at most 250"));
}

#[test]
fn masses_that_cannot_be_and_shapes_without_a_size_are_said() {
    let text = two_joints().replacen("mass value='1'", "mass value='-3'", 1).replacen(
        BOX,
        "<visual><geometry><sphere radius='0'/></geometry></visual>",
        1,
    );
    let draft = robot(&text);
    assert!(draft.bones.iter().all(|bone| bone.mass > 0.0));
    assert!(draft.bones[0].mass < 0.1 * draft.bones[1].mass);
    assert!(draft.notes.iter().any(|note| note.contains("The mass of \"base\" is 0 or less")));
    assert!(draft.notes.iter().any(|note| note.contains("without a size, is left out")));
    let negative = text.replace("radius='0'", "radius='-1'");
    assert!(refused(&negative).contains("<sphere> has radius=\"-1\"; give 0 or more"));
}

#[test]
fn text_that_is_written_oddly_is_read_and_what_is_none_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.urdf");
    let text = two_joints().replace("0 0 .5", "0, 0, .5").replace("upper='2'", "upper='2.0.'");
    fs::write(&file, format!("\n\n<?xml version='1.0'?><robot name='r'>{text}</robot>\n\0"))
        .unwrap();
    assert_eq!(import(&file, &Options::default()).unwrap().bones[1].limits[1], [-1.0, 2.0]);
    fs::write(&file, b"<robot name='r'>\n<link name='M\xfcller'/></robot>").unwrap();
    let message = import(&file, &Options::default()).unwrap_err().to_string();
    assert!(message.contains("is no UTF-8 text, from line 2 on; save it as UTF-8"), "{message}");
    for (name, text, expected) in [
        ("a.xml", "<mujoco/>", "is a MuJoCo model"),
        ("a.stl", "solid", "is a mesh alone"),
        ("a.txt", "hello", "is no model file that is known"),
        ("a.urdf", "<sdf/>", "starts with <sdf>"),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        let message = import(&file, &Options::default()).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    let missing = import(&folder.path().join("no.urdf"), &Options::default()).unwrap_err();
    assert!(missing.to_string().contains("no.urdf: cannot be read"));
}

#[test]
fn twins_are_found_by_names_and_places() {
    let mut text = link("trunk");
    let sides = [("FL", ".3 .2 0"), ("FR", ".3 -.2 0"), ("RL", "-.3 .2 0"), ("RR", "-.3 -.2 0")];
    for (side, place) in sides {
        let [hip, foot] = [format!("{side}_hip"), format!("{side}_foot")];
        text += &(link(&hip) + &link(&foot));
        text += &joint(&format!("{side}_a"), "revolute", ["trunk", &hip], LIMIT)
            .replace("0 0 .5", place);
        text += &joint(&format!("{side}_b"), "revolute", [&hip, &foot], LIMIT)
            .replace("0 0 .5", "0 0 -.4");
    }
    let draft = robot(&text);
    let twin = |name: &str| {
        let keypoint = draft.keypoints.iter().find(|keypoint| keypoint.name == name).unwrap();
        keypoint.twin.map(|twin| draft.keypoints[twin].name.as_str())
    };
    assert_eq!(twin("fl_hip"), Some("fr_hip"));
    assert_eq!(twin("rr_foot"), Some("rl_foot"));
    assert_eq!(twin("trunk"), None);
    assert_eq!(draft.keypoints.len(), 9);
    assert_eq!(draft.poses[0].support, "ground");
    let crooked = robot(&text.replace(".3 -.2 0", ".3 -.6 0"));
    assert!(crooked.keypoints.iter().filter(|keypoint| keypoint.twin.is_some()).count() <= 4);
}

#[test]
fn keypoints_of_ones_own_are_in_their_links_frame() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.urdf");
    let text = arm(&(joint("a", "revolute", ["base", "upper"], "<axis xyz='0 0 -1'/>")
        + &joint("b", "fixed", ["upper", "fore"], "")));
    fs::write(&file, format!("<robot name='r'>{text}</robot>")).unwrap();
    let path = folder.path().join("k.toml");
    let read = |keypoints: &str| {
        fs::write(&path, keypoints).unwrap();
        let options = Options { keypoints: Some(path.clone()), ..Options::default() };
        import(&file, &options)
    };
    let point = |name: &str, link: &str, more: &str| {
        format!("[[keypoints]]\nname = '{name}'\nlink = '{link}'\n{more}\n")
    };
    let two = point("a", "base", "") + &point("b", "fore", "offset = [0.1, 0, 0]");
    let draft = read(&two).unwrap();
    let at = &draft.keypoints[1];
    let place = draft.rest()[at.bone].transform_point3(at.offset);
    assert!(place.distance(Vec3::new(0.0, 1.0, 0.1)) < 1e-6, "{place}");
    assert_eq!(draft.edges, [[0, 1]]);
    let edged = format!("edges = [['b', 'a']]\n{two}");
    assert_eq!(read(&edged).unwrap().edges, [[1, 0]]);
    let twins = two.replace("link = 'fore'", "link = 'fore'\ntwin = 'a'");
    assert_eq!(read(&twins).unwrap().keypoints[0].twin, Some(1));
    for (text, expected) in [
        (point("a", "base", ""), "has fewer than two [[keypoints]]"),
        (two.clone() + &point("a", "base", ""), "k.toml:10: another keypoint is called \"a\" too"),
        (
            two.clone() + &point("c", "hand", ""),
            "k.toml:11: there is no link or node \"hand\"; there are",
        ),
        (format!("edges = [['b', 'c']]\n{two}"), "k.toml:1: no keypoint of this file is called"),
        (two + "place = 3\n", "unknown field `place`"),
    ] {
        let message = read(&text).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn wheels_stand_on_the_ground_and_a_right_side_is_written_as_a_left_one() {
    let mut text = link("body");
    for (name, place) in [("left_w", "0 .3 0"), ("right_w", "0 -.3 0")] {
        text += &link(name);
        text += &joint(&format!("{name}_j"), "continuous", ["body", name], "<axis xyz='0 1 0'/>")
            .replace("0 0 .5", place);
    }
    assert_eq!(robot(&text).poses[0].support, "ground");
    let bent = two_joints()
        .replace("'upper'", "'right_upper'")
        .replace("lower='-1' upper='2'", "lower='1' upper='2'");
    let home = tempfile::tempdir().unwrap();
    write(&mut robot(&bent), &home.path().join("r")).unwrap();
    let text = fs::read_to_string(home.path().join("r/figure.toml")).unwrap();
    let expected = "angles = { \"right_upper\" = [0, -86, 0], \"fore\" = [0, 86, 0] }";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_folder_is_written_whole_or_not_at_all() {
    let mut draft = with_files(&meshed("a.obj", ""), &[("a.obj", obj(0.2).as_bytes())]).unwrap();
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("arm");
    write(&mut draft, &folder).unwrap();
    let text = fs::read_to_string(folder.join("figure.toml")).unwrap();
    for expected in [
        "name = \"r\"",
        "joint = \"elbow\"",
        "limits = { y = [-57.2958, 114.5916] }",
        "mesh = \"meshes/base.ply\"",
        "box = [0.1, 0.2, 0.3]",
        "support = \"fixed\"",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
    let ply = fs::read_to_string(folder.join("meshes/base.ply")).unwrap();
    assert!(ply.contains("element face 4\n") && ply.contains("property float nx\n"));
    toml::from_str::<toml::Table>(&text).unwrap();
    let message = write(&mut draft, &folder).unwrap_err().to_string();
    assert!(message.contains("is not empty"), "{message}");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}
