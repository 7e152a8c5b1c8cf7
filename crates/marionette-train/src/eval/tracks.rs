//! People in the frames of a video, each smoothed over time.

use super::{OneEuro, finder::Person};
use marionette_base::boxes::overlap;

/// Boxes of one person in two frames have at least so much in common: intersection over union.
const ALIKE: f64 = 0.3;

/// The people of a video.
pub struct Tracks {
    /// Frames a second.
    rate: f64,
    known: Vec<Track>,
}

struct Track {
    smooth: OneEuro,
    bbox: [f64; 4],
    frame: usize,
}

impl Tracks {
    /// Of a video of `rate` frames a second.
    pub fn new(rate: f64) -> Self {
        Tracks { rate, known: Vec::new() }
    }

    /// Smooths the keypoints of the people in frame number `frame`, in place: who is where somebody
    /// was within the last second is the same person. Frames may be missing.
    pub fn frame(&mut self, frame: usize, people: &mut [Person]) {
        let mut left = std::mem::take(&mut self.known);
        left.retain(|track| frame.saturating_sub(track.frame) as f64 <= self.rate.max(1.0));
        for person in people {
            let common = left.iter().map(|track| overlap(&track.bbox, &person.bbox));
            let same = common.enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
            let mut smooth = match same.filter(|(_, common)| *common >= ALIKE) {
                Some((place, _)) => left.swap_remove(place).smooth,
                None => OneEuro::new(self.rate, person.keypoints.len()),
            };
            let [_, _, width, height] = person.crop.rectangle();
            smooth.frame(frame, width.max(height), &mut person.keypoints);
            self.known.push(Track { smooth, bbox: person.bbox, frame });
        }
        self.known.extend(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{eval::Crop, export::CropRule};

    fn person(left: f64, x: f64) -> Person {
        let bbox = [left, 0.0, 100.0, 100.0];
        let crop = Crop::new(bbox.map(|v| v as f32), &CropRule::default(), [64, 64]);
        Person { bbox, crop, keypoints: vec![[x, 50.0, 0.9]] }
    }

    #[test]
    fn each_person_is_smoothed_alone_in_whatever_order_they_come() {
        let mut tracks = Tracks::new(25.0);
        let mut first = [person(0.0, 40.0), person(300.0, 340.0)];
        tracks.frame(0, &mut first);
        assert_eq!(first[1].keypoints[0][0], 340.0);
        let mut second = [person(300.0, 342.0), person(2.0, 40.0)];
        tracks.frame(1, &mut second);
        let [a, b] = [&second[0], &second[1]].map(|person| person.keypoints[0][0]);
        assert!(a > 340.0 && a < 342.0 && b == 40.0, "{a} {b}");
        // Who is gone for more than a second is somebody else.
        let mut late = [person(300.0, 360.0)];
        tracks.frame(40, &mut late);
        assert_eq!(late[0].keypoints[0][0], 360.0);
    }
}
