//! What is wrong with a table is said, and small or odd ones do no harm.

use crate::{Factor, FindingsError, Keypoint, Search, Table, UNKNOWN, Values, find, sensitivity};
use marionette_base::random;
use rand::Rng;

fn keypoint(picture: u32, loss: f32) -> Keypoint {
    Keypoint { picture, loss }
}

#[test]
fn bad_tables_are_refused() {
    let two = || vec![keypoint(0, 1.0), keypoint(1, 0.0)];
    let error = |weights: Vec<f32>, factors: Vec<Factor>, keypoints, of_keypoints| {
        Table::new(weights, factors, keypoints, of_keypoints).unwrap_err()
    };
    let short = Factor::numbers("light", vec![0.5]);
    let found = error(vec![1.0; 2], vec![short.clone()], two(), vec![]);
    assert!(matches!(found, FindingsError::Length { found: 1, expected: 2, of: "pictures", .. }));
    let found = error(vec![1.0; 2], vec![], two(), vec![short]);
    assert!(matches!(found, FindingsError::Length { of: "keypoints", .. }));
    let found = error(vec![1.0, -1.0], vec![], two(), vec![]);
    assert_eq!(found, FindingsError::Weight { picture: 1, weight: -1.0 });
    let found = error(vec![1.0, f32::NAN], vec![], two(), vec![]);
    assert!(matches!(found, FindingsError::Weight { picture: 1, .. }));
    let found = error(vec![1.0; 2], vec![], vec![keypoint(0, f32::NAN)], vec![]);
    assert!(matches!(found, FindingsError::Loss { keypoint: 0, .. }));
    let found = error(vec![1.0; 2], vec![], vec![keypoint(2, 0.0)], vec![]);
    assert_eq!(found, FindingsError::Picture { keypoint: 0, picture: 2, pictures: 2 });
    let infinite = Factor::numbers("light", vec![0.5, f32::INFINITY]);
    let found = error(vec![1.0; 2], vec![infinite], two(), vec![]);
    assert!(matches!(found, FindingsError::Infinite { entry: 1, .. }));
    let third = Factor::categories("view", ["front", "back"], vec![UNKNOWN, 2]);
    let found = error(vec![1.0; 2], vec![third], two(), vec![]);
    assert!(matches!(found, FindingsError::Category { entry: 1, category: 2, .. }));
    let same = Factor::categories("view", ["front", "front"], vec![0, 1]);
    let found = error(vec![1.0; 2], vec![same], two(), vec![]).to_string();
    assert!(found.contains("categories of factor \"view\"") && found.contains("\"front\""));
    let light = Factor::numbers("light", vec![0.5; 2]);
    let found = error(vec![1.0; 2], vec![light.clone()], two(), vec![light]);
    assert!(matches!(found, FindingsError::Twice { .. }));
    assert_eq!(error(vec![0.0; 2], vec![], two(), vec![]), FindingsError::Empty);
    assert_eq!(error(vec![1.0; 2], vec![], vec![], vec![]), FindingsError::Empty);
}

#[test]
fn bad_settings_are_refused() {
    let table = Table::new(vec![1.0], vec![], vec![keypoint(0, 1.0)], vec![]).unwrap();
    let default = Search::default;
    let bad = [
        ("conditions", Search { conditions: 0, ..default() }),
        ("beam", Search { beam: 0, ..default() }),
        ("least_pictures", Search { least_pictures: 0, ..default() }),
        ("most_support", Search { most_support: f64::NAN, ..default() }),
        ("level", Search { level: 0.0, ..default() }),
        ("least_effective", Search { least_effective: -1.0, ..default() }),
        ("least_effect", Search { least_effect: f64::INFINITY, ..default() }),
    ];
    for (name, search) in bad {
        let error = find(&table, &search).unwrap_err();
        assert!(matches!(error, FindingsError::Setting { key, .. } if key == name), "{error}");
    }
}

/// Tables of a few pictures with unknown values, weights of 0, constant factors and losses of any
/// size give numbers.
#[test]
fn odd_tables_do_no_harm() {
    let mut seen = 0;
    for seed in 0..400 {
        let mut rng = random::stream(seed, 0, 0, "odd");
        let pictures = rng.random_range(1..150usize);
        let rows = rng.random_range(1..400);
        let number = |rng: &mut dyn rand::RngCore| match rng.random_range(0..4) {
            0 => f32::NAN,
            1 => 0.0,
            2 => f32::MAX,
            _ => rng.random_range(-1.0..1.0),
        };
        let weights: Vec<f32> =
            (0..pictures).map(|_| if rng.random() { 0.0 } else { rng.random() }).collect();
        let numbers = (0..pictures).map(|_| number(&mut rng)).collect();
        let constant = Factor::numbers("constant", vec![0.3; pictures]);
        let view: Vec<u16> =
            (0..pictures).map(|_| [0, 1, UNKNOWN][rng.random_range(0..3)]).collect();
        let keypoints = (0..rows)
            .map(|_| {
                let picture = rng.random_range(0..pictures);
                let more = f32::from(u8::from(view[picture] == 1));
                keypoint(picture as u32, rng.random_range(-3.0..3.0) + 3.0 * more)
            })
            .collect();
        let own = (0..rows).map(|_| number(&mut rng)).collect();
        let factors = vec![
            Factor::numbers("number", numbers),
            constant,
            Factor::categories("view", ["front", "back"], view),
        ];
        let nothing = Factor::categories("nothing", [""; 0], vec![UNKNOWN; rows]);
        let table =
            Table::new(weights, factors, keypoints, vec![Factor::numbers("own", own), nothing]);
        let Ok(table) = table else { continue };
        let search = Search {
            least_pictures: 2,
            least_effective: 0.0,
            least_effect: 0.0,
            level: 1.0,
            most_support: 1.0,
            both_ways: true,
            given: vec!["constant".to_owned(), "own".to_owned()],
            ..Search::default()
        };
        let findings = find(&table, &search).unwrap();
        seen += findings.list.len();
        for finding in &findings.list {
            for estimate in [finding.effect, finding.beyond, finding.inside, finding.carried] {
                assert!(estimate.value.is_finite() && estimate.low <= estimate.high);
            }
        }
        assert_eq!(sensitivity(&table, 0.05).len(), 5);
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn rules_say_numbers_in_the_factors_words() {
    let factor = Factor::numbers("size", vec![1.0]).said("people", "pixels high");
    let Values::Numbers { subject, unit, .. } = &factor.values else { panic!() };
    assert_eq!((subject.as_str(), unit.as_str()), ("people", "pixels high"));
    assert_eq!(factor.said_of("below", 60.0), "people below 60 pixels high");
}
