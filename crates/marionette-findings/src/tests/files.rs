//! Findings are written, read back and held against other tables.

use super::world::{JOINTS, VIEWS, World};
use crate::{
    Condition, Findings, FindingsError, Rule, Search, Sensitivity, Test, Value, check, find,
    sensitivity,
};

fn behind(picture: &super::world::Picture, point: &super::world::Point) -> f32 {
    if picture.view == 3 && point.joint == 9 { 0.8 } else { 0.2 }
}

#[test]
fn what_is_written_is_read_back_and_repeats() {
    let table = World::new(1, 1200).table(behind);
    let findings = find(&table, &Search::default()).unwrap();
    assert_eq!(findings.list[0].rule.words(), "left wrist, seen from behind");
    let text = serde_json::to_string(&findings).unwrap();
    assert_eq!(serde_json::from_str::<Findings>(&text).unwrap(), findings);
    assert_eq!(serde_json::to_string(&find(&table, &Search::default()).unwrap()).unwrap(), text);

    let levels = sensitivity(&table, 0.05);
    let text = serde_json::to_string(&levels).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Sensitivity>>(&text).unwrap(), levels);
    assert_eq!(serde_json::to_string(&sensitivity(&table, 0.05)).unwrap(), text);

    let search = Search { conditions: 2, ..Search::default() };
    let text = serde_json::to_string(&search).unwrap();
    assert_eq!(serde_json::from_str::<Search>(&text).unwrap(), search);
    assert_eq!(serde_json::from_str::<Search>("{}").unwrap(), Search::default());
}

#[test]
fn a_rule_is_checked_on_fresh_samples_of_it() {
    let table = World::new(2, 1200).table(behind);
    let finding = find(&table, &Search::default()).unwrap().list.remove(0);
    let fresh = World::new(3, 1200).table(behind);
    let judged = check(&fresh, &finding.rule).unwrap();
    assert!((judged.inside.low..judged.inside.high).contains(&0.8), "{judged:?}");
    assert!((judged.contrast.unwrap().outside.value - 0.2).abs() < 0.02);
    let holding = fresh.holding(&finding.rule).unwrap();
    let rows = holding.iter().filter(|holds| **holds).count();
    assert_eq!(rows, judged.pictures);

    let of_picture = finding.rule.part(|name| name == "view");
    assert_eq!(of_picture.words(), "seen from behind");
    let seen = |view: usize| of_picture.holds(|_| Some(Value::Category(VIEWS[view]))).unwrap();
    assert!(seen(3) && !seen(0));
    let all = |joint: usize| {
        let of =
            |name: &str| Value::Category(if name == "view" { VIEWS[3] } else { JOINTS[joint] });
        finding.rule.holds(|name| Some(of(name))).unwrap()
    };
    assert!(all(9) && !all(10));
    assert_eq!(Rule::default().words(), "everything");
    assert_eq!(check(&fresh, &Rule::default()).unwrap().contrast, None);
}

#[test]
fn rules_that_do_not_fit_the_table_say_why() {
    let table = World::new(4, 60).table(behind);
    let rule = |factor: &str, test: Test| Rule {
        conditions: vec![Condition { factor: factor.to_owned(), test, words: "it".to_owned() }],
    };
    let message = |rule: &Rule| check(&table, rule).unwrap_err().to_string();
    let weather = message(&rule("weather", Test::Is("rain".to_owned())));
    assert!(weather.contains("\"weather\"") && weather.contains("lamp"), "{weather}");
    let above = message(&rule("view", Test::Is("seen from above".to_owned())));
    assert!(above.contains("seen from above") && above.contains("seen from behind"), "{above}");
    let kind = check(&table, &rule("view", Test::AtLeast(0.5))).unwrap_err();
    assert!(matches!(kind, FindingsError::Kind { takes: "numbers", has: "categories", .. }));
    let kind = rule("light", Test::Is("dark".to_owned())).holds(|_| Some(Value::Number(0.5)));
    assert!(matches!(kind, Err(FindingsError::Kind { takes: "categories", has: "numbers", .. })));
    let nowhere = message(&rule("light", Test::AtLeast(2.0)));
    assert!(nowhere.contains("60 pictures"), "{nowhere}");
    let unknown = rule("light", Test::Below(2.0)).holds(|_| Some(Value::Number(f32::NAN)));
    assert_eq!(unknown, Ok(false));
    let missing = rule("light", Test::Below(2.0)).holds(|_| None);
    assert!(missing.unwrap_err().to_string().contains("\"light\""));
    let given = Search { given: vec!["weather".to_owned()], ..Search::default() };
    assert!(find(&table, &given).unwrap_err().to_string().contains("\"weather\""));
}
