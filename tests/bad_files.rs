//! Bad files and settings of every kind that people write: the message names the file, the line or
//! key, what was found and what would do.

use marionette::figure::load_figure;
use marionette::run::RunConfig;
use marionette::scene::load_scene;
use std::{fs, path::Path};

fn asset(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// `text` with `old`, which must be there, replaced by `new`, and the line (from 1) on which that
/// begins.
fn spoiled(text: &str, old: &str, new: &str) -> (String, usize) {
    let at = text.find(old).unwrap_or_else(|| panic!("{old:?} is not in the file"));
    (text.replacen(old, new, 1), 1 + text[..at].matches('\n').count())
}

#[track_caller]
fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "no {part:?} in: {message}");
    }
}

/// (what is replaced, by what, lines from there to the one that is named or none, what the message
/// says)
type Case = (&'static str, &'static str, Option<isize>, &'static [&'static str]);

fn check_files(text: &str, cases: &[Case], load: impl Fn(&str) -> String) {
    let folder = tempfile::tempdir().unwrap();
    for (i, (old, new, line, parts)) in cases.iter().enumerate() {
        let (bad, at) = spoiled(text, old, new);
        let path = folder.path().join(format!("bad{i}.toml"));
        fs::write(&path, bad).unwrap();
        let message = load(path.to_str().unwrap());
        let place = line
            .as_ref()
            .map_or(String::new(), |further| format!(":{}", at.saturating_add_signed(*further)));
        let begin = format!("{}{place}: ", path.display());
        assert!(message.starts_with(&begin), "{begin:?} does not begin: {message}");
        assert_says(&message, parts);
    }
}

/// The families that the first scene shows, as its file lists them.
const POSES: &str = r#"poses = [
    "stand", "contrapposto", "hands_on_hips", "walk", "run", "sit", "reach_high", "wave", "arms_up", "arms_out", "crouch", "bend",
    "lunge", "kick",
]"#;

#[test]
fn scene_files() {
    let cases: &[Case] = &[
        ("[view]\n", "[view]\nazimut = 3\n", Some(1), &["unknown field `azimut`", "azimuth_deg"]),
        ("[view]\n", "[vieuw]\n", Some(0), &["unknown field `vieuw`", "`view`"]),
        ("name = \"quickstart\"", "name = 3", Some(0), &["integer `3`", "expected a string"]),
        ("width = 64", "width = \"64\"", Some(0), &["string \"64\"", "expected u32"]),
        ("width = 64", "width = 8", Some(0), &["image.width is 8", "16 to 1024"]),
        ("width = 64", "width = -64", Some(0), &["`-64`", "u32"]),
        (
            "pose = { steered = true, reach = 1.0",
            "pose = { steered = true, reach = 1.5",
            Some(0),
            &["axes.pose.reach is 1.5", "0 to 1"],
        ),
        (
            "pose = { steered = true, reach = 1.0",
            "pose = { steered = true, reach = nan",
            Some(0),
            &["axes.pose.reach is NaN"],
        ),
        (
            "uniform = [25, 80]",
            "uniform = [80, 25]",
            Some(0),
            &["view.field_of_view_deg.hard", "[80, 25]", "lower first"],
        ),
        (
            "normal = [2, 3]",
            "normal = [2, -3]",
            Some(0),
            &["view.elevation_deg.easy", "-3", "0 or more"],
        ),
        (
            "normal = [2, 3]",
            "normal = [2, inf]",
            Some(0),
            &["view.elevation_deg.easy", "inf", "finite"],
        ),
        (
            "normal = [2, 3]",
            "gaussian = [2, 3]",
            Some(0),
            &["unknown variant `gaussian`", "truncated_normal"],
        ),
        ("normal = [2, 3]", "normal = [2, 3, 4]", Some(0), &["invalid length 3", "a list of 2"]),
        ("normal = [2, 3]", "normal = [2]", Some(0), &["invalid length 1", "a list of 2"]),
        (
            "[[2, 1], [3, 2], [4, 1]]",
            "[[2, 1], [3, 2, 5], [4, 1]]",
            Some(0),
            &["invalid length 3", "a list of 2"],
        ),
        (
            "choice = [[2, 1], [3, 2], [4, 1]]",
            "choice = []",
            Some(0),
            &["occlusion.count.hard", "[value, weight]"],
        ),
        (
            "figure = \"human\"",
            "figure = \"horse\"",
            Some(0),
            &["no figure \"horse\"", "with the program come human, dog, arm"],
        ),
        (
            "pose = { steered",
            "mood = { steered",
            Some(0),
            &["\"mood\" is no hardness axis", "pose, view, occlusion"],
        ),
        ("[view]\n", "[view\n", Some(0), &["]"]),
        (
            "\"stand\", \"contrapposto\"",
            "\"fly\", \"contrapposto\"",
            Some(-1),
            &["\"fly\" is no family of poses", "there are stand, contrapposto"],
        ),
        (POSES, "poses = []", Some(0), &["poses is empty"]),
        (
            "image = {",
            "backgrounds = [\"none/*.jpg\"]\nimage = {",
            Some(0),
            &["no file matches", "none/*.jpg"],
        ),
        (
            "image = {",
            "backgrounds = [\"a***b\"]\nimage = {",
            Some(0),
            &["is no pattern of file names"],
        ),
        ("name = \"quickstart\"", "name = \"quickstart", Some(0), &["string"]),
        ("name = \"quickstart\"\n", "", Some(-8), &["missing field `name`"]),
        ("[view]\n", "[view]\n[view]\n", Some(1), &["duplicate"]),
    ];
    check_files(&asset("scenes/quickstart.toml"), cases, |path| {
        load_scene(path).map_or_else(|e| e.to_string(), |_| "accepted".to_owned())
    });

    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("binary.toml"), [0xff, 0xfe, 0x00]).unwrap();
    fs::write(at("empty.toml"), "").unwrap();
    for (name, part) in [
        ("none.toml", "cannot be read: No such file"),
        ("binary.toml", "UTF-8"),
        ("empty.toml", "missing"),
    ] {
        assert_says(&load_scene(&at(name)).unwrap_err().to_string(), &[&at(name), part]);
    }
    assert_says(
        &load_scene(folder.path().to_str().unwrap()).unwrap_err().to_string(),
        &["cannot be read"],
    );
}

#[test]
fn pictures_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let (picture, scene) = (folder.path().join("beach.jpg"), folder.path().join("scene.toml"));
    fs::write(&picture, b"no picture").unwrap();
    fs::write(&scene, "name = \"mine\"\nbase = \"all\"\nbackgrounds = [\"*.jpg\"]\n").unwrap();
    let message = load_scene(scene.to_str().unwrap()).unwrap_err().to_string();
    assert_says(&message, &["beach.jpg: is no picture", "PNG or JPEG"]);
    image::RgbImage::from_pixel(300, 200, image::Rgb([200, 40, 10]))
        .save(folder.path().join("beach.jpg"))
        .unwrap();
    let scene = load_scene(scene.to_str().unwrap()).unwrap();
    assert!(
        scene.pictures.pictures[0].means[4].x > 0.5 && scene.pictures.pictures[0].means[4].z < 0.01
    );
}

#[test]
fn a_scene_that_rests_on_another() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).to_str().unwrap().to_owned()
    };
    let own = write(
        "own.toml",
        "name = \"own\"\nbase = \"quickstart\"\n[view]\nroll_deg = { easy = { constant = 5 } }\n",
    );
    let (scene, base) = (load_scene(&own).unwrap(), load_scene("quickstart").unwrap());
    assert_eq!((scene.name.as_str(), scene.image), ("own", base.image));
    assert_eq!(scene.randomizers.view.azimuth_deg, base.randomizers.view.azimuth_deg);
    assert_ne!(scene.randomizers.view.roll_deg, base.randomizers.view.roll_deg);
    assert!(
        !scene.scene_file.text.contains("base"),
        "the copy that a run keeps must need no other file"
    );
    for (name, text, parts) in [
        (
            "none.toml",
            "name = \"a\"\nbase = \"b.toml\"\n",
            [":2: ", "no scene \"b.toml\"", "quickstart"],
        ),
        (
            "loop.toml",
            "name = \"a\"\nbase = \"loop.toml\"\n",
            [":2: ", "rest on one another", "circle"],
        ),
        ("bare.toml", "name = \"a\"\n", ["bare.toml", "no `image`", "`base`"]),
        (
            "wrong.toml",
            "name = \"a\"\nbase = \"quickstart\"\n[view]\nroll_deg = { easy = { normal = [0, -1] \
             } }\n",
            [":4: ", "view.roll_deg.easy", "0 or more"],
        ),
    ] {
        assert_says(&load_scene(&write(name, text)).unwrap_err().to_string(), &parts);
    }
}

#[test]
fn a_scene_with_a_bad_figure_names_the_figure_file() {
    let folder = tempfile::tempdir().unwrap();
    let (scene, _) =
        spoiled(&asset("scenes/quickstart.toml"), "figure = \"human\"", "figure = \"bad.toml\"");
    let (figure, line) = spoiled(&asset("assets/figures/human.toml"), "mass = 0.20", "mass = 20");
    fs::write(folder.path().join("scene.toml"), scene).unwrap();
    fs::write(folder.path().join("bad.toml"), figure).unwrap();
    let message =
        load_scene(folder.path().join("scene.toml").to_str().unwrap()).unwrap_err().to_string();
    // An entry is named by the line it begins on.
    assert_says(
        &message,
        &[&format!("bad.toml:{}: ", line - 5), "\"chest\"", "mass is 20", "0 to 1"],
    );
}

#[test]
fn figure_files() {
    const SECONDS: &[&str] =
        &["pose \"sit\": settle.seconds is [", "above 0, at most 5", "the lower first"];
    let cases: &[Case] = &[
        ("parent = \"pelvis\"", "parent = \"chest\"", Some(-2), &["in a circle", "spine", "chest"]),
        (
            "parent = \"pelvis\"",
            "parent = \"hips\"",
            Some(0),
            &["\"spine\" hangs on \"hips\"", "not a bone"],
        ),
        (
            "name = \"spine\"\nparent = \"pelvis\"",
            "name = \"spine\"",
            Some(-1),
            &["2 bones have no parent", "pelvis, spine"],
        ),
        (
            "bone = \"head\"\noffset = [0.0, 0.058",
            "bone = \"snout\"\noffset = [0.0, 0.058",
            Some(0),
            &["keypoint \"nose\"", "\"snout\"", "there are pelvis"],
        ),
        (
            "x = [-35, 45]",
            "x = [45, -35]",
            Some(-4),
            &["bone \"spine\"", "limits.x is [45, -35]", "lower first"],
        ),
        ("x = [-35, 45]", "x = [-400, 45]", Some(-4), &["limits.x is [-400, 45]", "-360 and 360"]),
        (
            "name = \"spine\"\nparent = \"pelvis\"",
            "name = \"spine\"\nparent = \"pelvis\"\nslides = { x = [1, 0] }",
            Some(-1),
            &["bone \"spine\": slides.x is [1, 0]", "lower first"],
        ),
        (
            "name = \"spine\"\nparent = \"pelvis\"",
            "name = \"spine\"\nparent = \"pelvis\"\njoint = \"j\"",
            Some(2),
            &["bone \"spine\" is joint \"j\", moves in 3 ways"],
        ),
        (
            "name = \"spine\"\nparent = \"pelvis\"",
            "name = \"spine\"\nparent = \"pelvis\"\nfollows = { bone = \"tail\" }",
            Some(2),
            &["`follows` of bone \"spine\" is on bone \"tail\"", "there are pelvis"],
        ),
        ("x = [-35, 45]", "x = [nan, 45]", Some(-4), &["limits.x is [NaN, 45]"]),
        ("name = \"chest\"", "name = \"spine\"", Some(-1), &["two bones are called \"spine\""]),
        (
            "name = \"nose\"\nbone",
            "name = \"mouth\"\nbone",
            Some(16),
            &["two parts are called \"mouth\""],
        ),
        (
            "name = \"left_eye\"\nbone = \"head\"\nmirror = true\noffset",
            "name = \"nose\"\nbone = \"head\"\noffset",
            Some(-1),
            &["two keypoints are called \"nose\""],
        ),
        (
            "radii = [0.096, 0.058]",
            "radii = [-0.096, 0.058]",
            Some(-6),
            &["part \"cranium\"", "-0.096", "above 0"],
        ),
        ("radii = [0.096, 0.058]", "radii = [nan, 0.058]", Some(-6), &["part \"cranium\"", "NaN"]),
        ("ends = [[0.0, 0.115", "ends = [[inf, 0.115", Some(-5), &["ends holds inf"]),
        (
            "sigma = 0.026",
            "sigma = 0",
            Some(-4),
            &["keypoint \"nose\": sigma is 0", "between 0 and 1"],
        ),
        (
            "own_groups = [\"left_arm\"]",
            "own_groups = [\"left_wing\"]",
            Some(0),
            &["no part is in group \"left_wing\"", "there are head"],
        ),
        (
            "shin = [86, 0, 0]",
            "shin = [186, 0, 0]",
            Some(0),
            &["pose \"sit\" turns \"left_shin\" by 186", "outside its limits [0, 150]"],
        ),
        ("shin = [86, 0, 0]", "shin = [nan, 0, 0]", Some(0), &["pose \"sit\"", "NaN"]),
        (
            "shin = [86, 0, 0]",
            "tail = [86, 0, 0]",
            Some(0),
            &["pose \"sit\"", "\"tail\"", "there are pelvis"],
        ),
        (
            "name = \"contrapposto\"",
            "name = \"stand\"",
            Some(-1),
            &["pose \"stand\"", "names must differ"],
        ),
        (
            "name = \"stand\"\nweights = [4, 0.6]",
            "name = \"stand\"\nclearance = [0.1, 0.2]\nweights = [4, 0.6]",
            Some(-1),
            &["pose \"stand\"", "clearance", "nowhere else"],
        ),
        (
            "name = \"stand\"\nweights = [4, 0.6]",
            "name = \"stand\"\nroll = [0, nan]\nweights = [4, 0.6]",
            Some(-1),
            &["pose \"stand\"", "roll is [0, NaN]"],
        ),
        (
            "name = \"stand\"\nweights = [4, 0.6]",
            "name = \"stand\"\nweights = [-4, 0.6]",
            Some(-1),
            &["pose \"stand\"", "weights must be 0 or more"],
        ),
        (
            "[\"nose\", \"left_eye\"]",
            "[\"nose\", \"left_horn\"]",
            Some(0),
            &["\"left_horn\"", "there are nose"],
        ),
        (
            "name = \"left_hand\"\nparent",
            "name = \"hand\"\nparent",
            Some(-1),
            &["\"hand\" has mirror = true", "\"left_\""],
        ),
        (
            "range = [0.565, 1.13]",
            "range = [1.13, 0.565]",
            Some(0),
            &["shape.height.range is [1.13, 0.565]", "lower first"],
        ),
        (
            "mean = 0.955",
            "mean = 1.955",
            Some(0),
            &["shape.height.mean is 1.955, outside its range"],
        ),
        ("children = 0.18", "children = 1.8", Some(0), &["shape.children is 1.8", "0 to 1"]),
        (
            "covers = [\"shins\"]",
            "covers = [\"tail\"]",
            Some(0),
            &["garment \"socks\"", "\"tail\"", "there are skin"],
        ),
        (
            "garment = \"cap\"",
            "garment = \"crown\"",
            Some(0),
            &["\"cap_crown\" belongs to garment \"crown\"", "there are bald"],
        ),
        (
            "thickness = 0.032",
            "thickness = 16",
            Some(-5),
            &["garment \"wide_trousers\"", "thickness is 16", "0.2 metres"],
        ),
        (
            "replaces = [\"top\"",
            "replaces = [\"tip\"",
            Some(0),
            &["no slot is called \"tip\"", "there are hair"],
        ),
        (
            "support = \"seat\"",
            "support = \"throne\"",
            Some(0),
            &["unknown variant `throne`", "`seat`"],
        ),
        (
            "pitch = [5, 20]",
            "pitch = [20, 5]",
            Some(-8),
            &["pose \"sprint\": pitch is [20, 5]", "lower first"],
        ),
        (
            "clearance = [0, 0.2]\n",
            "",
            Some(-10),
            &["pose \"sprint\": clearance", "give [lowest, highest]"],
        ),
        (
            "seconds = [0.2, 0.4], strength = 0.7",
            "seconds = [-0.2, 0.4], strength = 0.7",
            Some(0),
            SECONDS,
        ),
        (
            "seconds = [0.2, 0.4], strength = 0.7",
            "seconds = [0.2, nan], strength = 0.7",
            Some(0),
            SECONDS,
        ),
        (
            "seconds = [0.2, 0.4], strength = 0.7",
            "seconds = [0.2, 9], strength = 0.7",
            Some(0),
            SECONDS,
        ),
        (
            "seconds = [0.2, 0.4], strength = 0.7",
            "seconds = [0.4, 0.2], strength = 0.7",
            Some(0),
            SECONDS,
        ),
        (
            "seconds = [0.2, 0.4], strength = 0.7",
            "seconds = [0.2, 0.4], strength = 7",
            Some(0),
            &["pose \"sit\": settle.strength is 7", "0 (limp) to 1 (stiff)"],
        ),
        (
            "tumble = 90",
            "tumble = inf",
            Some(0),
            &["pose \"fall\": settle.tumble is inf", "degrees a second"],
        ),
        ("tumble = 90", "spin = 90", Some(0), &["unknown field `spin`", "`tumble`"]),
        ("mass = 0.20", "mass = 0", Some(-5), &["bone \"chest\": mass is 0", "above 0 to 1"]),
        (
            "thigh = [-86, 0, 12]",
            "thigh = [-150, 0, 12]",
            Some(0),
            &["pose \"sit\" turns \"left_thigh\" by -150 degrees about x", "[-140, 75]"],
        ),
        (
            "ends = [[0.0, 0.115,",
            "ends = [[0.0, 0.0, 0.115,",
            Some(0),
            &["invalid length 4", "a list of 3"],
        ),
        ("[86, 0, 0]", "[86, 0, 0, 0]", Some(0), &["invalid length 4", "a list of 3"]),
        ("[\"nose\", \"left_eye\"]", "[\"nose\"]", Some(-1), &["invalid length 1", "a list of 2"]),
        ("x = [-35, 45]", "x = [-35, 45, 1]", Some(0), &["invalid length 3", "a list of 2"]),
        (
            "scale = \"trunk\"",
            "scale = \"tail\"",
            Some(0),
            &["scale is \"tail\"", "there are arm, head, leg, trunk"],
        ),
        ("mass = 0.14", "weight = 0.14", Some(0), &["unknown field `weight`", "`mass`"]),
    ];
    check_files(&asset("assets/figures/human.toml"), cases, |path| {
        load_figure(Path::new(path)).map_or_else(|e| e.to_string(), |_| "accepted".to_owned())
    });

    let human = asset("assets/figures/human.toml");
    let (begin, end) = (human.find("[[keypoints]]").unwrap(), human.find("[[poses]]").unwrap());
    let none = format!("keypoints = []\n{}{}", &human[..begin], &human[end..]);
    let missing = format!("{}{}", &human[..begin], &human[end..]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("figure.toml");
    let extra: String = (0..30)
        .map(|i| {
            let ends = "ends = [[0.0, 0.0, 0.0], [0.0, 0.0, 0.1]]\nradii = [0.1, 0.1]";
            format!(
                "[[parts]]\nname = \"wart{i}\"\nbone = \"head\"\ngroup = \"head\"\nmaterial = \
                 \"skin\"\n{ends}\n\n"
            )
        })
        .collect();
    let many = human.replacen("[[parts]]", &format!("{extra}[[parts]]"), 1);
    for (text, part) in [
        (many, "at most 68 in all"),
        (none, "there are 0 keypoints"),
        (missing, "missing field `keypoints`"),
    ] {
        fs::write(&path, text).unwrap();
        assert_says(&load_figure(&path).unwrap_err().to_string(), &[path.to_str().unwrap(), part]);
    }
}

#[test]
fn config_files() {
    let text = RunConfig::default().to_toml().unwrap();
    let cases: &[Case] = &[
        ("steps = 1800", "step = 3000", Some(0), &["unknown field `step`", "`steps`"]),
        ("steps = 1800", "steps = \"many\"", Some(0), &["string \"many\"", "u64"]),
        ("steps = 1800", "steps = 0", Some(0), &["steps: found 0, expected 1 to"]),
        (
            "model = \"nano\"",
            "model = \"nono\"",
            Some(0),
            &["model: found \"nono\", expected one of nano, small"],
        ),
        (
            "clip_norm = 5.0",
            "clip_norm = -5.0",
            Some(0),
            &["optimizer.clip_norm: found -5, expected above 0"],
        ),
        ("bins = 6", "bins = 60", Some(0), &["curriculum.bins: found 60, expected 5 to 8"]),
        (
            "flips = \"random\"",
            "flips = \"all\"",
            Some(0),
            &["unknown variant `all`, expected one of `none`, `random`, `both`"],
        ),
        ("flips = \"random\"", "flip = 1", Some(0), &["flip: found 1, expected true or false"]),
        (
            "flips = \"random\"",
            "flips = \"random\"\nmirror = true",
            Some(1),
            &["flips: is given together with the older key mirror"],
        ),
        (
            "uniform = 0.05",
            "uniform = 1.0",
            None,
            &["curriculum.mix: found shares that sum to 1.95"],
        ),
        ("keep = 3", "keep = 0", Some(0), &["checkpoint.keep: found 0, expected 1 to"]),
        (
            "gamma = 1.0",
            "gamma = inf",
            Some(0),
            &["afl.gamma: found inf; it must be a power from -8 to 8"],
        ),
    ];
    check_files(&text, cases, |path| RunConfig::load(Path::new(path)).unwrap_err().to_string());
}

#[test]
fn config_overrides() {
    for (text, parts) in [
        ("stepps=3", &["stepps: unknown key", "did you mean steps?", "there are afl, batch"][..]),
        (
            "optimizer.learing_rate=1",
            &["optimizer.learing_rate: unknown key", "did you mean optimizer.learning_rate?"],
        ),
        ("clip_norm=1", &["clip_norm: unknown key", "did you mean optimizer.clip_norm?"]),
        ("afl.x.y=1", &["afl.x.y: unknown key", "there are betas, clip"]),
        ("steps.x=1", &["steps.x: unknown key"]),
        ("=1", &["unknown key"]),
        ("afl=1", &["afl: is a table; set one of its keys: betas, clip"]),
        ("steps", &["steps: no value", "key=value"]),
        ("steps=", &["steps: found nothing, expected a whole number"]),
        ("steps=many", &["steps: found many (text), expected a whole number"]),
        ("steps=1.5", &["steps: found 1.5 (a number), expected a whole number"]),
        ("steps=-1", &["steps: -1", "u64"]),
        ("steps=0", &["steps: found 0, expected 1 to"]),
        ("flips=all", &["flips: all", "unknown variant `all`", "`none`, `random`, `both`"]),
        ("flip=yes", &["flip: found yes (text), expected true or false"]),
        ("afl.hidden=3", &["afl.hidden: found 3 (a whole number), expected a list"]),
        ("afl.hidden=[a]", &["afl.hidden: found [a] (text), expected a list"]),
        ("afl.clip=[1]", &["afl.clip: [1]", "invalid length 1", "a list of 2"]),
        ("afl.clip=[1, 2, 3]", &["afl.clip: [1, 2, 3]", "invalid length 3", "a list of 2"]),
        ("afl.mode=papre", &["afl.mode: papre", "unknown variant `papre`", "`paper`"]),
        ("afl.gamma=nan", &["afl.gamma: found nan; it must be a power from -8 to 8"]),
        ("loss=1", &["loss: found \"1\", expected one of cross_entropy"]),
        ("device=gpu", &["device: found \"gpu\", expected auto, cpu, cuda:N or metal"]),
        ("lag=65", &["lag: found 65, expected 1 to 64"]),
        ("seed=99999999999999999999", &["seed: found 99999999999999999999"]),
        ("steps=1\nbatch=2", &["steps: found 1\nbatch=2"]),
    ] {
        assert_says(&RunConfig::with_overrides(&[text.to_owned()]).unwrap_err().to_string(), parts);
    }
}
