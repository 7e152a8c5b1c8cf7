use super::*;
use crate::{LensFile, refine::covariance};
use nalgebra::{Matrix4, Translation3, UnitQuaternion};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::Deserialize;
use std::{fs, path::Path};

#[derive(Deserialize)]
struct Fixtures {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    noise: f64,
    outliers: Vec<usize>,
    intrinsics: serde_json::Value,
    points: Vec<[f64; 3]>,
    pixels: Vec<[f64; 2]>,
    #[serde(rename = "true")]
    truth: [[f64; 4]; 4],
    opencv: [[f64; 4]; 4],
    opencv_rms: f64,
}

impl Case {
    fn sightings(&self) -> Vec<Sighting> {
        let both = self.points.iter().zip(&self.pixels);
        both.map(|(&point, &pixel)| Sighting { point, pixel, confidence: 1.0 }).collect()
    }

    fn lens(&self) -> Intrinsics {
        let text = self.intrinsics.to_string();
        *LensFile::parse(Path::new("K.json"), &text).unwrap().of("a.png").unwrap()
    }
}

fn cases() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/pnp/opencv.json");
    let fixtures: Fixtures = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    fixtures.cases
}

/// Distance in metres and angle in radians.
fn apart(camera: &Isometry3<f64>, rows: &[[f64; 4]; 4]) -> (f64, f64) {
    let matrix = Matrix4::from_fn(|row, column| rows[row][column]);
    let ours = camera.to_homogeneous();
    let turn = ours.fixed_view::<3, 3>(0, 0).transpose() * matrix.fixed_view::<3, 3>(0, 0);
    let sine = (turn - turn.transpose()).norm() / 8f64.sqrt();
    let angle = sine.atan2((turn.trace() - 1.0) / 2.0);
    ((ours - matrix).fixed_view::<3, 1>(0, 3).norm(), angle)
}

fn length(vector: [f64; 3]) -> f64 {
    Vector3::from(vector).norm()
}

#[test]
fn cameras_are_those_that_opencv_finds() {
    let options = Options::for_picture([640, 480]);
    let cases = cases();
    assert!(cases.len() > 30);
    for (index, case) in cases.iter().enumerate() {
        let found = solve_camera(&case.sightings(), &case.lens(), &options).unwrap();
        let right: Vec<bool> =
            (0..case.points.len()).map(|k| !case.outliers.contains(&k)).collect();
        assert_eq!(found.inliers, right, "case {index}");
        let (metres, radians) = apart(&found.camera_from_figure, &case.opencv);
        if case.noise == 0.0 {
            assert!(metres < 1e-6 && radians < 1e-6, "case {index}: {metres} m, {radians}");
            assert!(apart(&found.camera_from_figure, &case.truth).0 < 1e-6);
        } else {
            // Theirs has the least squares; ours believes what fits badly a little less.
            assert!(found.rms_pixels >= case.opencv_rms - 1e-6, "case {index}");
            assert!(found.rms_pixels < case.opencv_rms * 1.1 + 0.01, "case {index}");
            let deviation = length(found.figure_deviation());
            assert!(metres < deviation, "case {index}: {metres} m, {deviation} m");
            let deviation = length(found.turn_deviation());
            assert!(radians < deviation, "case {index}: {radians}, {deviation}");
        }
    }
}

/// A bent arm, and a camera that looks at it, by number.
fn scene(number: u64) -> (Vec<[f64; 3]>, Isometry3<f64>, Intrinsics) {
    let mut rng = stream(number, 0, 0, "scene");
    let mut at = Vector3::zeros();
    let points = (0..7).map(|_| {
        at += Vector3::from_fn(|_, _| rng.random_range(-0.2..0.3));
        at
    });
    let points: Vec<Vector3<f64>> = points.collect();
    let middle = points.iter().sum::<Vector3<f64>>() / 7.0;
    let turn =
        UnitQuaternion::from_scaled_axis(Vector3::from_fn(|_, _| rng.random_range(-2.0..2.0)));
    let place = Vector3::new(0.1, -0.05, rng.random_range(1.2..2.2)) - turn * middle;
    let camera = Isometry3::from_parts(Translation3::from(place), turn);
    let lens = Intrinsics::pinhole([600.0, 600.0], [319.5, 239.5]);
    (points.into_iter().map(Into::into).collect(), camera, lens)
}

fn seen(number: u64, noise: f64) -> (Vec<Sighting>, Isometry3<f64>, Intrinsics) {
    let (points, camera, lens) = scene(number);
    let mut rng = stream(number, 1, 0, "noise");
    let sightings = points.into_iter().map(|point| {
        let pixel = lens.project(&(camera * nalgebra::Point3::from(point)).coords).unwrap();
        let mut moved = |value: f64| {
            let by: f64 = StandardNormal.sample(&mut rng);
            value + noise * by
        };
        Sighting { point, pixel: [moved(pixel.x), moved(pixel.y)], confidence: 1.0 }
    });
    (sightings.collect(), camera, lens)
}

#[test]
fn the_covariance_says_how_far_off_cameras_are() {
    let options = Options::for_picture([640, 480]);
    let (mut squares, mut counted, mut within) = (0.0, 0.0, 0);
    for number in 0..200 {
        let (sightings, truth, lens) = seen(number, 1.0);
        let found = solve_camera(&sightings, &lens, &options).unwrap();
        // With the deviation that the noise has, the squared error is of 6 degrees of freedom.
        let known = covariance(&truth, &sightings, &lens, 1.0).unwrap();
        let turn = found.camera_from_figure.rotation * truth.rotation.inverse();
        let by = found.camera_from_figure.translation.vector - truth.translation.vector;
        let mut step = nalgebra::Vector6::zeros();
        step.fixed_rows_mut::<3>(0).copy_from(&turn.scaled_axis());
        step.fixed_rows_mut::<3>(3).copy_from(&by);
        squares += step.dot(&known.cholesky().unwrap().solve(&step));
        counted += 1.0;
        let off = found.camera_from_figure.inverse().translation.vector
            - truth.inverse().translation.vector;
        within += usize::from(off.norm() < 2.0 * length(found.camera_deviation()));
    }
    let mean = squares / counted;
    assert!((5.0..8.5).contains(&mean), "the mean is {mean}, of what should be 6 and a little");
    assert!((170..200).contains(&within), "{within} of 200 within two deviations");
}

#[test]
fn two_of_seven_in_quite_the_wrong_place_change_little() {
    let options = Options::for_picture([640, 480]);
    let mut good = 0;
    for number in 0..100 {
        let (mut sightings, truth, lens) = seen(number, 0.7);
        let mut rng = stream(number, 2, 0, "outliers");
        let wrong = index::sample(&mut rng, 7, 2).into_vec();
        for &k in &wrong {
            let angle = rng.random_range(0.0..std::f64::consts::TAU);
            let far = rng.random_range(50.0..250.0);
            sightings[k].pixel[0] += far * f64::cos(angle);
            sightings[k].pixel[1] += far * f64::sin(angle);
        }
        let found = solve_camera(&sightings, &lens, &options).unwrap();
        let off = found.camera_from_figure.translation.vector - truth.translation.vector;
        let named = (0..7).all(|k| found.inliers[k] != wrong.contains(&k));
        good += usize::from(named && off.norm() < 0.1);
        let again = solve_camera(&sightings, &lens, &options).unwrap();
        assert_eq!(found, again);
    }
    // Five points that are right can be fitted as well by a camera that takes a sixth for right.
    assert!(good >= 85, "{good} of 100");
}

#[test]
fn what_cannot_be_solved_is_said() {
    let (sightings, _, lens) = seen(1, 0.0);
    let options = Options::for_picture([640, 480]);
    let solve = |sightings: &[Sighting]| solve_camera(sightings, &lens, &options);
    let few = solve(&sightings[..3]).unwrap_err();
    assert_eq!(few, PnpError::TooFew { found: 3, all: 3, least: 0.1 });
    let unsure: Vec<Sighting> =
        sightings.iter().map(|s| Sighting { confidence: 0.05, ..*s }).collect();
    assert_eq!(solve(&unsure).unwrap_err(), PnpError::TooFew { found: 0, all: 7, least: 0.1 });
    let line: Vec<Sighting> = (0..7)
        .map(|k| Sighting { point: [0.1 * f64::from(k), 0.2, 0.0], ..sightings[k as usize] })
        .collect();
    assert_eq!(solve(&line).unwrap_err(), PnpError::Collinear(7));
    let same = vec![sightings[0]; 5];
    assert_eq!(solve(&same).unwrap_err(), PnpError::Collinear(5));
    let mut holed = sightings.clone();
    holed[2].pixel[1] = f64::NAN;
    assert_eq!(solve(&holed).unwrap_err(), PnpError::NotFinite(2));
    // Pixels that have nothing to do with the points.
    let mut rng = stream(3, 0, 0, "anything");
    let anything: Vec<Sighting> = sightings
        .iter()
        .map(|s| {
            let pixel = [rng.random_range(0.0..640.0), rng.random_range(0.0..480.0)];
            Sighting { pixel, ..*s }
        })
        .collect();
    let strict = Options { inlier_pixels: 2.0, ..options };
    let refused = solve_camera(&anything, &lens, &strict).unwrap_err();
    assert!(matches!(refused, PnpError::Disagreement { all: 7, .. }), "{refused}");
}

#[test]
fn points_behind_the_camera_are_none_of_its_inliers() {
    // Upside down and behind: the picture of a camera that looks the other way.
    let (mut sightings, camera, lens) = seen(5, 0.0);
    let back = Isometry3::translation(0.0, 0.0, 2.0 * camera.translation.vector.z);
    let behind = (camera.inverse() * back.inverse() * nalgebra::Point3::new(0.1, 0.2, -0.5)).coords;
    sightings.push(Sighting { point: behind.into(), pixel: [400.0, 300.0], confidence: 1.0 });
    let found = solve_camera(&sightings, &lens, &Options::for_picture([640, 480])).unwrap();
    assert_eq!(found.inliers, [true, true, true, true, true, true, true, false]);
    assert!(found.errors[7].is_none_or(|error| error > 12.0));
}

#[test]
fn a_small_plane_from_afar_has_a_second_answer() {
    let lens = Intrinsics::pinhole([600.0, 600.0], [319.5, 239.5]);
    let turn = UnitQuaternion::from_scaled_axis(Vector3::new(0.0, 0.5, 0.0));
    let camera = Isometry3::from_parts(Translation3::new(0.0, 0.0, 4.0), turn);
    let corners = [[0.1, 0.1], [-0.1, 0.1], [-0.1, -0.1], [0.1, -0.1]];
    let sightings: Vec<Sighting> = corners
        .iter()
        .map(|&[x, y]| {
            let pixel = lens.project(&(camera * nalgebra::Point3::new(x, y, 0.0)).coords).unwrap();
            Sighting { point: [x, y, 0.0], pixel: pixel.into(), confidence: 1.0 }
        })
        .collect();
    let found = solve_camera(&sightings, &lens, &Options::for_picture([640, 480])).unwrap();
    assert!(found.camera_from_figure.rotation.angle_to(&turn) < 1e-4);
    let second = found.second.unwrap();
    let mirrored = UnitQuaternion::from_scaled_axis(Vector3::new(0.0, -0.5, 0.0));
    assert!(second.camera_from_figure.rotation.angle_to(&mirrored) < 0.1);
    assert!(second.rms_pixels > found.rms_pixels && second.rms_pixels < 2.0);
}

#[test]
fn no_numbers_make_it_panic_or_hang() {
    let mut found = 0;
    for number in 0..300 {
        let mut rng = stream(number, 0, 0, "wild");
        let mut wild = |usual: f64| match rng.random_range(0..12) {
            0 => 0.0,
            1 => usual * 10f64.powi(rng.random_range(-300..300)),
            2 => -usual,
            _ => usual * rng.random_range(0.5..1.5),
        };
        let lens = Intrinsics {
            distortion: [0.1, 0.1, 0.01, 0.01, 0.1]
                .map(|k| if number % 2 == 0 { 0.0 } else { wild(k) }),
            ..Intrinsics::pinhole([wild(500.0).abs() + 1e-300, 500.0], [wild(320.0), wild(240.0)])
        };
        let count = 4 + number as usize % 4;
        let sightings: Vec<Sighting> = (0..count)
            .map(|_| Sighting {
                point: [0.5; 3].map(&mut wild),
                pixel: [300.0; 2].map(&mut wild),
                confidence: wild(1.0),
            })
            .collect();
        if let Ok(camera) = solve_camera(&sightings, &lens, &Options::for_picture([640, 480])) {
            found += 1;
            assert!(camera.matrix().as_flattened().iter().all(|value| value.is_finite()));
            assert!(camera.covariance.iter().all(|value| value.is_finite()), "{number}");
            assert!(camera.inliers.iter().filter(|inlier| **inlier).count() >= 4);
        }
    }
    assert!(found > 0, "none of 300 was solved");
}
