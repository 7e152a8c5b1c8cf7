//! Several findings in one picture, of which one is the figure's.

use crate::model::Place;
use marionette_base::boxes::overlap;

/// Somebody that a model found in a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// How sure the model is.
    pub score: f32,
    /// Left, top, width and height; the keypoints' extent if the model gives none.
    pub bbox: Option<[f32; 4]>,
    /// All of the model's keypoints, in its order.
    pub places: Vec<Place>,
}

/// The one whose score times overlap with the figure's box `bbox` is greatest; where nobody
/// overlaps it, the one with the greatest score.
pub fn choose(candidates: Vec<Candidate>, bbox: [f32; 4]) -> Option<Candidate> {
    let bbox = bbox.map(f64::from);
    let rank = |candidate: &Candidate| {
        let own = candidate.bbox.or_else(|| extent(&candidate.places));
        let shared = own.map_or(0.0, |own| overlap(&own.map(f64::from), &bbox));
        (candidate.score * shared as f32, candidate.score)
    };
    let better = |a: (f32, f32), b: (f32, f32)| a.0 > b.0 || (a.0 == b.0 && a.1 > b.1);
    // The first of equals.
    candidates.into_iter().reduce(|best, other| match better(rank(&other), rank(&best)) {
        true => other,
        false => best,
    })
}

/// The smallest box around what is found.
fn extent(places: &[Place]) -> Option<[f32; 4]> {
    let mut at = places.iter().filter_map(|place| place.at);
    let first = at.next()?;
    let (low, high) = at.fold((first, first), |(low, high), at| {
        ([0, 1].map(|i| at[i].min(low[i])), [0, 1].map(|i| at[i].max(high[i])))
    });
    Some([low[0], low[1], high[0] - low[0], high[1] - low[1]])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(score: f32, bbox: [f32; 4]) -> Candidate {
        Candidate { score, bbox: Some(bbox), places: vec![Place::NONE; 2] }
    }

    #[test]
    fn the_figure_is_who_is_sure_and_where_it_is() {
        let bbox = [10.0, 10.0, 20.0, 20.0];
        let there = candidate(0.5, [12.0, 10.0, 20.0, 20.0]);
        let elsewhere = candidate(0.9, [40.0, 40.0, 20.0, 20.0]);
        let unsure = candidate(0.01, bbox);
        let all = vec![elsewhere.clone(), there.clone(), unsure];
        assert_eq!(choose(all, bbox), Some(there));
        let weaker = candidate(0.3, [40.0, 40.0, 20.0, 20.0]);
        assert_eq!(choose(vec![weaker, elsewhere.clone()], bbox), Some(elsewhere));
        assert_eq!(choose(Vec::new(), bbox), None);
    }

    #[test]
    fn without_a_box_the_keypoints_have_one() {
        let at = |x, y| Place { at: Some([x, y]), score: 1.0 };
        let near = vec![at(12.0, 11.0), Place::NONE, at(28.0, 29.0)];
        assert_eq!(extent(&near), Some([12.0, 11.0, 16.0, 18.0]));
        let near = Candidate { score: 0.4, bbox: None, places: near };
        let far = candidate(0.9, [0.0, 0.0, 5.0, 5.0]);
        assert_eq!(choose(vec![far, near.clone()], [10.0, 10.0, 20.0, 20.0]), Some(near));
    }
}
