//! `--mix coco:ANN.json:IMAGES=SHARE`.

use marionette::run::embedded_weights;
use std::{path::Path, str::FromStr};

/// Labelled pictures to learn from, and the share of each batch that they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Mix {
    annotations: String,
    images: String,
    share: f64,
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = "give coco:ANN.json:IMAGES=SHARE: a COCO keypoints file, the folder of its \
                      pictures, and a share of each batch";
        let rest = text.strip_prefix("coco:").ok_or(wanted)?;
        let (paths, share) = rest.rsplit_once('=').ok_or(wanted)?;
        let (annotations, images) = paths.rsplit_once(':').ok_or(wanted)?;
        let share = share.trim();
        let number = share.parse().ok().filter(|share| *share > 0.0 && *share <= 1.0);
        let share = number
            .ok_or_else(|| format!("found a share of {share}; give one above 0, at most 1"))?;
        if annotations.is_empty() || images.is_empty() {
            return Err(wanted.to_owned());
        }
        Ok(Mix { annotations: annotations.to_owned(), images: images.to_owned(), share })
    }
}

impl Mix {
    /// The settings that ask for it.
    pub fn settings(&self) -> [String; 3] {
        [
            format!("photographs.annotations={}", absolute(&self.annotations)),
            format!("photographs.images={}", absolute(&self.images)),
            format!("photographs.share={}", self.share),
        ]
    }
}

/// The model's path as it is from everywhere, if it is a path and no name.
pub fn absolute_model(model: &str) -> String {
    let embedded = embedded_weights(Path::new(model));
    embedded.map_or_else(|| absolute(model), |_| model.to_owned())
}

/// The path as it is from everywhere: a run may be gone on with from another folder.
pub fn absolute(path: &str) -> String {
    std::path::absolute(Path::new(path))
        .map_or_else(|_| path.to_owned(), |path| path.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_may_have_colons_and_equals_signs_before_the_last() {
        let mix: Mix = "coco:a=b/c:d.json:e=f=0.25".parse().unwrap();
        assert_eq!((&*mix.annotations, &*mix.images, mix.share), ("a=b/c:d.json", "e=f", 0.25));
        assert!(mix.settings()[1].ends_with("/e=f"), "{:?}", mix.settings());
        let said = |text: &str| text.parse::<Mix>().unwrap_err();
        for text in ["", "voc:a:b=1", "coco:a:b", "coco:a=0.5", "coco::b=0.5", "coco:a:=0.5"] {
            assert!(said(text).starts_with("give coco:ANN.json:IMAGES=SHARE"), "{text}");
        }
        for share in ["0", "1.5", "-1", "NaN", "much"] {
            let said = said(&format!("coco:a:b={share}"));
            assert_eq!(said, format!("found a share of {share}; give one above 0, at most 1"));
        }
    }
}
