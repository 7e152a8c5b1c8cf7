//! `[photographs]`: labelled pictures that a part of each batch is taken from.

use serde::{Deserialize, Serialize};

/// `[photographs]`. With a share of 0 there are none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PhotographConfig {
    /// The COCO keypoints file.
    pub annotations: String,
    /// The folder of its pictures.
    pub images: String,
    /// The share of each batch, 0 to 1. At least one sample of a batch is rendered.
    pub share: f64,
}

impl PhotographConfig {
    /// How many samples of a batch of `batch` are photographs.
    pub fn count(&self, batch: usize) -> usize {
        match self.share {
            share if share > 0.0 => {
                let most = batch.saturating_sub(1);
                ((batch as f64 * share).round() as usize).clamp(1.min(most), most)
            }
            _ => 0,
        }
    }

    /// What is wrong, as key and message.
    pub fn validate(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        let share = self.share;
        if !(0.0..=1.0).contains(&share) {
            let message = format!("found {share}, expected a share of each batch, 0 (none) to 1");
            faults.push(("share".to_owned(), message));
        }
        for (key, path, what) in [
            ("annotations", &self.annotations, "a COCO keypoints file"),
            ("images", &self.images, "the folder of its pictures"),
        ] {
            if share > 0.0 && path.is_empty() {
                let message = format!("found nothing, and share is {share}; give {what}");
                faults.push((key.to_owned(), message));
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_above_nothing_is_a_photograph_and_a_render_stays() {
        let count = |share, batch| PhotographConfig { share, ..Default::default() }.count(batch);
        assert_eq!([0.0, 0.01, 0.3, 0.5, 1.0].map(|share| count(share, 32)), [0, 1, 10, 16, 31]);
        assert_eq!([1, 2].map(|batch| count(0.5, batch)), [0, 1]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let keys = |config: &PhotographConfig| {
            config.validate().into_iter().map(|(key, _)| key).collect::<Vec<_>>()
        };
        assert!(keys(&PhotographConfig::default()).is_empty());
        let with = |share| PhotographConfig { images: "x".to_owned(), share, ..Default::default() };
        assert_eq!(keys(&with(0.3)), ["annotations"]);
        assert_eq!(keys(&with(1.5)), ["share", "annotations"]);
        assert_eq!(keys(&with(f64::NAN)), ["share"]);
    }
}
