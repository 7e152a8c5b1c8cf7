//! Which factors matter, and which do not.

use super::world::World;
use crate::{Factor, Keypoint, Sensitivity, Table, Verdict, sensitivity};

fn of<'s>(all: &'s [Sensitivity], factor: &str) -> &'s Sensitivity {
    all.iter().find(|one| one.factor == factor).unwrap()
}

#[test]
fn what_matters_comes_first_and_what_does_not_is_said() {
    let world = World::new(1, 3000);
    let table = world.table(|picture, point| {
        let wrist = if point.joint == 9 { 0.2 } else { 0.0 };
        0.2 + 0.4 * picture.axes[4] + wrist + if picture.view == 3 { 0.1 } else { 0.0 }
    });
    let all = sensitivity(&table, 0.05);
    let names: Vec<&str> = all.iter().map(|one| one.factor.as_str()).collect();
    assert_eq!(names[..3], ["hidden", "joint", "view"]);
    assert!(all[..3].iter().all(|one| one.verdict == Verdict::Sensitive));
    let dark = ["lamp", "crowd", "texture", "people"];
    assert!(dark.iter().all(|name| of(&all, name).verdict == Verdict::Insensitive));

    let hidden = of(&all, "hidden");
    let levels: Vec<&str> = hidden.levels.iter().map(|level| level.name.as_str()).collect();
    let said = ["below .20", ".20 to .40", ".40 to .60", ".60 to .80", "at least .80"];
    assert_eq!(levels, said);
    for (level, middle) in hidden.levels.iter().zip([0.1, 0.3, 0.5, 0.7, 0.9]) {
        // Beside the axis: 0.2, a seventeenth of 0.2 and a quarter of 0.1.
        let truth = 0.2 + 0.4 * middle + 0.2 / 17.0 + 0.1 / 4.0;
        assert!((level.loss.value - truth).abs() < 0.03, "{level:?}");
        assert!((level.support - 0.2).abs() < 0.03);
    }
    assert_eq!(of(&all, "joint").levels[9].pictures, 3000);
}

#[test]
fn too_few_pictures_say_nothing() {
    let all = sensitivity(&World::new(2, 150).table(|_, _| 0.4), 0.01);
    let family = of(&all, "family");
    // Nine families share 150 pictures: most have fewer than 30.
    assert!(family.levels.len() < 9 && family.verdict == Verdict::Unknown, "{family:?}");
    assert_eq!(of(&all, "light").verdict, Verdict::Unknown);

    // One picture has nearly all the weight.
    let weights = (0..100).map(|i| if i == 0 { 1e6 } else { 1.0 }).collect();
    let keypoints = (0..100).map(|picture| Keypoint { picture, loss: 0.0 }).collect();
    let view = Factor::categories("view", ["front"], vec![0; 100]);
    let table = Table::new(weights, vec![view], keypoints, vec![]).unwrap();
    assert!(sensitivity(&table, 0.05)[0].levels.is_empty());
}

#[test]
fn the_interval_of_the_range_holds_it() {
    for range in [0.0f32, 0.06, 0.2] {
        let mut held = 0;
        for seed in 0..60 {
            let world = World::new(seed, 600);
            let table = world.table(|picture, _| 0.3 + range / 3.0 * f32::from(picture.view));
            let view = table.picture_factors().iter().find(|factor| factor.name == "view");
            let (weights, keypoints) = (table.weights().to_vec(), table.keypoints().to_vec());
            let view = vec![view.unwrap().clone()];
            let table = Table::new(weights, view, keypoints, vec![]).unwrap();
            let found = sensitivity(&table, 0.05)[0].range.unwrap();
            held += usize::from((found.low..=found.high).contains(&f64::from(range)));
        }
        // 57 are expected; fewer than 51 come once in a thousand times.
        assert!(held >= 51, "{range}: {held}");
    }
}

#[test]
fn shares_that_lie_near_one_end_are_cut_by_their_own_quantiles() {
    // Of ten numbers from .001 to .01, the upper half goes with misses.
    let share = |picture: usize| 0.001 * (1 + picture % 10) as f32;
    let keypoints = (0..600)
        .map(|picture| Keypoint {
            picture: picture as u32,
            loss: f32::from(u8::from(share(picture) > 0.0055)),
        })
        .collect();
    let factor = Factor::numbers("detail", (0..600).map(share).collect());
    let table = Table::new(vec![1.0; 600], vec![factor], keypoints, Vec::new()).unwrap();
    let found = &sensitivity(&table, 0.05)[0];
    assert_eq!(found.levels.len(), 5, "{found:?}");
    assert_eq!((found.verdict, found.levels[0].loss.value), (Verdict::Sensitive, 0.0));
}
