//! Why a table, a rule or a search was refused.

/// Why a table, a rule or a search was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FindingsError {
    /// A factor has more or fewer values than there are pictures or keypoints.
    #[error("factor \"{factor}\" has {found} values, but there are {expected} {of}")]
    Length {
        /// The factor.
        factor: String,
        /// Its values.
        found: usize,
        /// How many there should be.
        expected: usize,
        /// `pictures` or `keypoints`.
        of: &'static str,
    },
    /// A weight that is negative or not finite.
    #[error("the weight of picture {picture} is {weight}; weights are finite and at least 0")]
    Weight {
        /// The picture.
        picture: usize,
        /// Its weight.
        weight: f32,
    },
    /// A loss that is not finite.
    #[error("the loss of keypoint {keypoint} is {loss}; leave keypoints that are not judged out")]
    Loss {
        /// The keypoint's row.
        keypoint: usize,
        /// Its loss.
        loss: f32,
    },
    /// A number of a factor that is infinite.
    #[error("value {entry} of factor \"{factor}\" is infinite; NaN stands for an unknown one")]
    Infinite {
        /// The factor.
        factor: String,
        /// Which of its values.
        entry: usize,
    },
    /// A keypoint of a picture that there is not.
    #[error("keypoint {keypoint} is of picture {picture}, but there are {pictures} pictures")]
    Picture {
        /// The keypoint's row.
        keypoint: usize,
        /// The picture that it names.
        picture: u32,
        /// How many there are.
        pictures: usize,
    },
    /// A category that there is not.
    #[error(
        "value {entry} of factor \"{factor}\" is category {category}, but it has {categories}; \
         65535 stands for an unknown one"
    )]
    Category {
        /// The factor.
        factor: String,
        /// Which of its values.
        entry: usize,
        /// The category that it names.
        category: u16,
        /// How many there are.
        categories: usize,
    },
    /// Two factors, or two categories of one, have the same name.
    #[error("there are two {what} with the name \"{name}\"; names tell them apart")]
    Twice {
        /// `factors`, or `categories` and of which factor.
        what: String,
        /// The name.
        name: String,
    },
    /// No keypoint has any weight.
    #[error("there is no keypoint in a picture with a weight above 0, so nothing can be said")]
    Empty,
    /// A rule names a factor that there is not.
    #[error("there is no factor \"{factor}\"; there are: {known}")]
    UnknownFactor {
        /// The factor.
        factor: String,
        /// Those that there are.
        known: String,
    },
    /// A rule names a category that there is not.
    #[error("factor \"{factor}\" has no category \"{category}\"; it has: {known}")]
    UnknownCategory {
        /// The factor.
        factor: String,
        /// The category.
        category: String,
        /// Those that it has.
        known: String,
    },
    /// A rule compares categories with a number, or the other way round.
    #[error("\"{words}\" takes {takes}, but factor \"{factor}\" has {has}")]
    Kind {
        /// The condition.
        words: String,
        /// The factor.
        factor: String,
        /// `numbers` or `categories`.
        takes: &'static str,
        /// `numbers` or `categories`.
        has: &'static str,
    },
    /// A rule that holds for no keypoint.
    #[error("no keypoint of the {pictures} pictures fits the rule \"{rule}\"")]
    Nowhere {
        /// The rule's words.
        rule: String,
        /// How many pictures there are.
        pictures: usize,
    },
    /// A setting that is out of range.
    #[error("{key} is {found}, but it is {range}")]
    Setting {
        /// Its name.
        key: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        range: &'static str,
    },
}
