//! `--pnp`: where the camera is, from the keypoints of a thing whose joint states are known.

use super::{CommandError, Listed};
use crate::cli::{output, scenes::FigureArg};
use anyhow::anyhow;
use clap::Args;
use marionette::figure::{BodyShape, Figure, place_keypoints, solve};
use marionette::pnp::{
    CameraPose, Intrinsics, JointFile, LensFile, Options, PnpError, Sighting, pose_of_joints,
    solve_camera,
};
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A camera needs so many keypoints.
const LEAST: usize = 4;

#[derive(Args)]
pub struct CameraArgs {
    /// Also find the camera, from the keypoints of a thing whose joint states are known, such as a
    /// robot: needs --figure and --intrinsics, and --joints for a figure that has joints.
    /// predictions.json then says camera_from_base, a 4x4 matrix that takes points from the root
    /// bone's own frame (a robot's base link, in the axes of its URDF file) into the camera's (x
    /// right, y down, z forward; metres), and camera_from_figure, the same from the figure's axes
    /// (y up, z front), and how sure that is.
    #[arg(long, requires_all = ["figure", "intrinsics"])]
    pnp: bool,
    /// The figure: human, dog, arm, a figure file, or a folder with a figure.toml.
    #[arg(long, value_name = "NAME|FILE|DIR", requires = "pnp")]
    figure: Option<String>,
    /// JSON file of joint states by the joints' names, radians or metres: {"panda_joint1": 0.1,
    /// ...}, or {"picture.png": {...}, ...} with such states for each picture.
    #[arg(long, value_name = "FILE", requires = "pnp")]
    joints: Option<PathBuf>,
    /// JSON file of the lens as OpenCV has it, pixels counted from the centre of the top-left one:
    /// {"fx": .., "fy": .., "cx": .., "cy": .., "width": .., "height": .., "distortion": [k1, k2,
    /// p1, p2, k3]} or {"camera_matrix": [[..], [..], [..]], ..}, or {"picture.png": {...}, ...}.
    /// Distortion, width and height may be missing.
    #[arg(long, value_name = "FILE", requires = "pnp")]
    intrinsics: Option<PathBuf>,
}

impl CameraArgs {
    /// The files that are read.
    pub fn files(&self) -> Vec<PathBuf> {
        let figure = self.figure.as_deref().map(|figure| figure_file(Path::new(figure)));
        figure.into_iter().chain(self.joints.clone()).chain(self.intrinsics.clone()).collect()
    }
}

/// A figure's file, of its folder or itself.
fn figure_file(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("figure.toml") } else { path.to_owned() }
}

/// Finds cameras.
pub struct CameraFinder {
    figure: Arc<Figure>,
    /// The figure's keypoint for each of the network's, if it has one of this name.
    keypoints: Vec<Option<usize>>,
    joints: Option<JointFile>,
    lenses: LensFile,
}

/// A camera as `predictions.json` has it.
#[derive(Serialize)]
pub struct Camera {
    /// The root bone.
    base: String,
    camera_from_base: [[f64; 4]; 4],
    camera_from_figure: [[f64; 4]; 4],
    /// Standard deviation of the base's place along the camera's axes.
    base_std_mm: [f64; 3],
    /// Standard deviation of the camera's place as the base sees it, of all axes together.
    camera_std_mm: f64,
    /// Standard deviation of the turn about the camera's axes.
    rotation_std_degrees: [f64; 3],
    /// Root of the mean square of the reprojection errors of the keypoints that it rests on.
    rms_pixels: f64,
    /// How many it rests on.
    inliers: usize,
    keypoints: Vec<CameraKeypoint>,
    /// Another camera that explains as many keypoints.
    second: Option<SecondCamera>,
}

#[derive(Serialize)]
struct CameraKeypoint {
    name: String,
    /// Where the camera sees it, less where it was found; none if it is behind the camera.
    error_pixels: Option<f64>,
    inlier: bool,
}

#[derive(Serialize)]
struct SecondCamera {
    camera_from_base: [[f64; 4]; 4],
    rms_pixels: f64,
}

impl CameraFinder {
    /// What `args` ask for, for a network that finds keypoints of these `names`; `None` if they ask
    /// for nothing.
    ///
    /// # Errors
    /// If a file is wrong, has nothing for one of the pictures, or the figure has other keypoints
    /// or joints.
    pub fn open(
        args: &CameraArgs,
        names: &[String],
        pictures: &[Listed],
    ) -> Result<Option<Self>, CommandError> {
        let (true, Some(name), Some(lens)) = (args.pnp, &args.figure, &args.intrinsics) else {
            return Ok(None);
        };
        // Any scene shows any figure; this is only about the figure.
        let scene = FigureArg::of(name).load("all").map_err(|e| CommandError::Input(e.into()))?;
        let figure = scene.figure;
        let own = |name: &String| figure.keypoints.iter().position(|own| own.name == *name);
        let keypoints: Vec<Option<usize>> = names.iter().map(own).collect();
        let shared = keypoints.iter().flatten().count();
        if shared < LEAST {
            let has: Vec<&str> = figure.keypoints.iter().map(|own| own.name.as_str()).collect();
            return Err(CommandError::Input(anyhow!(
                "{name}: has {shared} of the keypoints that the network finds, and a camera needs \
                 {LEAST}; it has {}, the network finds {}",
                has.join(", "),
                names.join(", ")
            )));
        }
        let input = |error: PnpError| CommandError::Input(error.into());
        let joints = args.joints.as_deref().map(JointFile::read).transpose().map_err(input)?;
        let lenses = LensFile::read(lens).map_err(input)?;
        let finder = CameraFinder { figure, keypoints, joints, lenses };
        for picture in pictures {
            let name = picture.path.to_string_lossy();
            finder.lenses.of(&name).map_err(input)?;
            finder.points(&name).map_err(input)?;
        }
        Ok(Some(finder))
    }

    /// Where the figure's keypoints are in its own axes, metres, and the root bone's frame.
    fn points(&self, picture: &str) -> Result<(Vec<[f64; 3]>, [[f64; 4]; 4]), PnpError> {
        let states = match &self.joints {
            Some(joints) => joints.of(picture)?.clone(),
            None => Default::default(),
        };
        let pose = pose_of_joints(&self.figure, &states)?;
        let shape = BodyShape::default();
        let bones = solve(&self.figure, &shape, &pose);
        let points = place_keypoints(&self.figure, &shape, &bones);
        let points = points.iter().map(|point| point.to_array().map(f64::from)).collect();
        let root = bones.first().copied().unwrap_or_default();
        let columns = [root.matrix3.x_axis, root.matrix3.y_axis, root.matrix3.z_axis];
        let mut rows = [[0.0, 0.0, 0.0, 0.0], [0.0; 4], [0.0; 4], [0.0, 0.0, 0.0, 1.0]];
        for row in 0..3 {
            for column in 0..3 {
                rows[row][column] = f64::from(columns[column][row]);
            }
            rows[row][3] = f64::from(root.translation[row]);
        }
        Ok((points, rows))
    }

    /// The camera of a picture of this width and height, in which the network found `keypoints`: x,
    /// y and score.
    ///
    /// # Errors
    /// If there is none, or the lens is of a picture of another size.
    pub fn find(
        &self,
        picture: &str,
        size: [u32; 2],
        keypoints: &[[f64; 3]],
    ) -> Result<Camera, PnpError> {
        let lens = self.lenses.of(picture)?;
        if let Some([width, height]) = lens.size.filter(|known| *known != size) {
            return Err(PnpError::File(format!(
                "the intrinsics are of pictures of {width}x{height} pixels, and this one has {}x{}",
                size[0], size[1]
            )));
        }
        let (points, figure_from_base) = self.points(picture)?;
        let (mut sightings, mut names) = (Vec::new(), Vec::new());
        for (&[x, y, confidence], own) in keypoints.iter().zip(&self.keypoints) {
            let Some(own) = *own else { continue };
            let pixel = Intrinsics::from_corner([x, y]);
            sightings.push(Sighting { point: points[own], pixel, confidence });
            names.push(self.figure.keypoints[own].name.clone());
        }
        let found = solve_camera(&sightings, lens, &Options::for_picture(size))?;
        Ok(self.told(&found, &figure_from_base, names))
    }

    fn told(&self, found: &CameraPose, base: &[[f64; 4]; 4], names: Vec<String>) -> Camera {
        let millimetres = |metres: f64| rounded(metres * 1000.0, 2);
        let errors = found.errors.iter().map(|error| error.map(|pixels| rounded(pixels, 3)));
        let keypoints =
            names.into_iter().zip(errors).zip(&found.inliers).map(
                |((name, error_pixels), &inlier)| CameraKeypoint { name, error_pixels, inlier },
            );
        let camera_from_figure = found.matrix();
        Camera {
            base: self.figure.bones.first().map(|root| root.name.clone()).unwrap_or_default(),
            camera_from_base: written(&product(&camera_from_figure, base)),
            camera_from_figure: written(&camera_from_figure),
            base_std_mm: found.figure_deviation().map(millimetres),
            camera_std_mm: millimetres(
                found.camera_deviation().iter().map(|axis| axis * axis).sum::<f64>().sqrt(),
            ),
            rotation_std_degrees: found.turn_deviation().map(|turn| rounded(turn.to_degrees(), 3)),
            rms_pixels: rounded(found.rms_pixels, 3),
            inliers: found.inliers.iter().filter(|inlier| **inlier).count(),
            keypoints: keypoints.collect(),
            second: found.second.as_ref().map(|second| SecondCamera {
                camera_from_base: written(&product(&second.matrix(), base)),
                rms_pixels: rounded(second.rms_pixels, 3),
            }),
        }
    }
}

impl Camera {
    /// What is said of it on the terminal.
    fn text(&self) -> String {
        let row = |row: &[f64; 4]| {
            let numbers = row.map(|number| format!("{number:10.6}"));
            format!("  {}\n", numbers.join(" "))
        };
        let rows: String = self.camera_from_base.iter().map(row).collect();
        let [x, y, z] = self.base_std_mm;
        let turn = self.rotation_std_degrees.into_iter().fold(0.0, f64::max);
        let second = match &self.second {
            Some(second) => format!(
                "\nanother camera explains as many keypoints, with {:.2} pixels: see \"second\"",
                second.rms_pixels
            ),
            None => String::new(),
        };
        format!(
            "camera_from_base, from the frame of {} to x right, y down, z forward, metres:\n{rows}\
             {} of {} keypoints agree, to {:.2} pixels; the base is known to {x:.1}, {y:.1} and \
             {z:.1} mm along x, y and z, the camera to {:.1} mm, the rotation to {turn:.2} \
             degrees{second}",
            self.base,
            self.inliers,
            self.keypoints.len(),
            self.rms_pixels,
            self.camera_std_mm
        )
    }
}

/// Says what was found in `of` pictures: a single camera as a whole.
pub fn say(cameras: &[&Camera], of: usize) {
    if let ([camera], 1) = (cameras, of) {
        output::say(&camera.text());
        return;
    }
    if cameras.is_empty() {
        output::say(&format!("no camera in any of {of} pictures"));
        return;
    }
    let median = |value: fn(&Camera) -> f64| {
        let mut values: Vec<f64> = cameras.iter().map(|camera| value(camera)).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    output::say(&format!(
        "cameras of {} of {of} pictures; in the median known to {:.1} mm, with keypoints {:.2} \
         pixels from where they were found",
        cameras.len(),
        median(|camera| camera.camera_std_mm),
        median(|camera| camera.rms_pixels)
    ));
}

fn product(a: &[[f64; 4]; 4], b: &[[f64; 4]; 4]) -> [[f64; 4]; 4] {
    let entry = |row: usize, column: usize| (0..4).map(|k| a[row][k] * b[k][column]).sum();
    [0, 1, 2, 3].map(|row| [0, 1, 2, 3].map(|column| entry(row, column)))
}

fn written(rows: &[[f64; 4]; 4]) -> [[f64; 4]; 4] {
    rows.map(|row| row.map(|number| rounded(number, 9)))
}

/// Without `-0`.
fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale + 0.0
}
