//! What was planted is found, and nothing else.

use super::world::{Picture, Point, World};
use crate::{Finding, Findings, Search, find};

fn words(findings: &Findings) -> Vec<String> {
    findings.list.iter().map(|finding| finding.rule.words()).collect()
}

fn found(world: &World, missed: impl Fn(&Picture, &Point) -> f32) -> Findings {
    find(&world.table(missed), &Search::default()).unwrap()
}

/// `0.3`, and `more` where something is so.
fn more_where(is: bool, more: f32) -> f32 {
    if is { 0.3 + more } else { 0.3 }
}

fn holds_the_truth(finding: &Finding, effect: f64) -> bool {
    (finding.effect.low..finding.effect.high).contains(&effect)
}

#[test]
fn a_category() {
    let findings = found(&World::new(1, 2000), |picture, _| more_where(picture.view == 3, 0.2));
    assert_eq!(words(&findings), ["seen from behind"]);
    let first = &findings.list[0];
    assert!(holds_the_truth(first, 0.2), "{first:?}");
    assert_eq!(first.effect, first.beyond);
    assert!((first.support.value - 0.25).abs() < 0.04);
    // A quarter of the keypoints lose 0.2 more than they would, of 0.35 on the average.
    assert!((first.carried.value - 0.25 * 0.2 / 0.35).abs() < 0.03);
    assert!((first.pck_points() + 100.0 * first.effect.value).abs() < 1e-9);
}

#[test]
fn several_categories_are_one_finding() {
    let planted = |picture: &Picture, _: &Point| more_where([3, 5].contains(&picture.family), 0.2);
    let findings = found(&World::new(1, 3000), planted);
    assert_eq!(words(&findings), ["crouching or lying"]);
    assert!(holds_the_truth(&findings.list[0], 0.2), "{:?}", findings.list[0]);
    let rule = &findings.list[0].rule;
    let holds = |family: &str| rule.holds(|_| Some(crate::Value::Category(family))).unwrap();
    assert_eq!(["crouching", "lying", "sitting"].map(holds), [true, true, false]);
    // What is worse alone stays alone.
    let one = found(&World::new(1, 3000), |picture, _| more_where(picture.family == 5, 0.2));
    assert_eq!(words(&one), ["lying"]);
}

#[test]
fn a_number_from_either_side() {
    let high = found(&World::new(2, 2000), |picture, _| more_where(picture.axes[1] >= 0.7, 0.2));
    assert_eq!(words(&high), ["light at least .70"]);
    assert!(holds_the_truth(&high.list[0], 0.2));
    let low = found(&World::new(2, 2000), |picture, _| more_where(picture.height < 50.0, 0.2));
    let [only] = low.list.as_slice() else { panic!("{:?}", words(&low)) };
    let said = only.rule.words();
    let cut = said.strip_prefix("a height below ").and_then(|rest| rest.strip_suffix(" pixels"));
    assert!((40.0..60.0).contains(&cut.unwrap().parse::<f32>().unwrap()), "{said}");
}

#[test]
fn a_slope_is_one_finding() {
    let findings = found(&World::new(3, 2000), |picture, _| 0.2 + 0.4 * picture.axes[4]);
    let [only] = findings.list.as_slice() else { panic!("{:?}", words(&findings)) };
    assert_eq!(only.rule.conditions[0].factor, "hidden");
}

#[test]
fn a_keypoint_and_what_covers_it() {
    let findings = found(&World::new(4, 1500), |_, point| more_where(point.joint == 9, 0.3));
    assert_eq!(words(&findings), ["left wrist"]);
    let both = |picture: &Picture, point: &Point| {
        more_where(point.cover == 2 && point.joint == 9 && picture.view < 2, 0.5)
    };
    let findings = found(&World::new(5, 4000), both);
    let first = &findings.list[0].rule;
    assert!(first.conditions.iter().any(|condition| condition.words == "left wrist"));
    assert!(first.conditions.iter().any(|condition| condition.words == "behind a thing"));
}

#[test]
fn a_pair_that_is_harmless_apart() {
    let both =
        |picture: &Picture, _: &Point| more_where(picture.view == 3 && picture.lamp == 1, 0.3);
    let findings = found(&World::new(6, 3000), both);
    assert_eq!(words(&findings), ["seen from behind, under a lamp"]);
    assert!(holds_the_truth(&findings.list[0], 0.3));
}

#[test]
fn two_that_add_up_are_two_findings() {
    let either = |picture: &Picture, _: &Point| {
        more_where(picture.view == 3, 0.2) + if picture.lamp == 1 { 0.15 } else { 0.0 }
    };
    let findings = found(&World::new(7, 3000), either);
    // A third of the pictures times 0.15 is as much as a quarter times 0.2.
    let mut words = words(&findings);
    words.sort();
    assert_eq!(words, ["seen from behind", "under a lamp"]);
}

#[test]
fn of_two_that_go_together_one_is_found_and_the_other_named() {
    let world = World { has_twins: true, ..World::new(8, 3000) };
    let findings = found(&world, |picture, _| more_where(picture.axes[1] >= 0.7, 0.2));
    let [only] = findings.list.as_slice() else { panic!("{:?}", words(&findings)) };
    assert_eq!(only.rule.words(), "light at least .70");
    let also: Vec<&str> = only.also.iter().map(|r| r.conditions[0].factor.as_str()).collect();
    assert_eq!(also, ["blur"]);
}

#[test]
fn ten_points_in_a_sixteenth_are_found_among_much_else() {
    for seed in 0..2 {
        let world = World { is_natural: true, ..World::new(seed, 4000) };
        let table =
            world.table(|picture, _| more_where(picture.view == 3 && picture.axes[1] >= 0.76, 0.1));
        let given = vec!["joint".to_owned(), "cover".to_owned()];
        let findings = find(&table, &Search { given, ..Search::default() }).unwrap();
        let words = words(&findings);
        assert!(words[0].contains("seen from behind") && words[0].contains("light"), "{words:?}");
    }
}

#[test]
fn what_is_given_is_no_finding_alone_but_may_be_with_others() {
    let missed = |picture: &Picture, point: &Point| {
        more_where(point.joint == 9, 0.3) + more_where(picture.view == 3 && point.joint == 0, 0.5)
            - 0.3
    };
    let table = World::new(9, 2000).table(missed);
    let given = vec!["joint".to_owned()];
    let findings = find(&table, &Search { given, ..Search::default() }).unwrap();
    assert_eq!(words(&findings), ["nose, seen from behind"]);
    // The nose is also lost from the front, so that beyond what is given it is less.
    assert!(findings.list[0].beyond.high < findings.list[0].effect.low + 0.05);
}

#[test]
fn a_comparison_says_where_either_is_better() {
    // The first network is worse from behind, the second under a lamp.
    let difference = |picture: &Picture, _: &Point, random: f32| {
        let chances = [more_where(picture.view == 3, 0.3), more_where(picture.lamp == 1, 0.3)];
        let [first, second] = chances.map(|chance| f32::from(u8::from(random < chance)));
        first - second
    };
    let table = World::new(10, 2000).table_of(difference);
    let search = Search { both_ways: true, ..Search::default() };
    let mut signs: Vec<(String, bool)> = find(&table, &search)
        .unwrap()
        .list
        .iter()
        .map(|finding| (finding.rule.words(), finding.inside.low > 0.0))
        .collect();
    signs.sort();
    let expected = [("seen from behind".to_owned(), true), ("under a lamp".to_owned(), false)];
    assert_eq!(signs, expected);
    let one_way = find(&table, &Search::default()).unwrap();
    // As the rest of all, the sun and the studio are worse than the lamp.
    let mut words = words(&one_way);
    words.sort();
    assert_eq!(words, ["in a studio", "seen from behind", "under the sun"]);
}
