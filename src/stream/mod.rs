//! Where rendering and learning meet: batches one way, policies and feedback the other, over bounded channels.
//!
//! Batch `b` is drawn with the policy that the controller had after batch `b - lag`. The generator waits for exactly that
//! policy, so what it draws depends on the configuration and never on which thread was faster.

mod batch;
mod channel;
mod feedback;

pub use batch::{
    Batch, Cover, FAR_DEPTH, ImageBox, LabelledKeypoint, Labels, Measured, PixelId, Shown, Tile, Visibility,
};
pub use channel::{Closed, GeneratorEnd, InFlight, TrainerEnd, connect};
pub use feedback::{Feedback, SampleFeedback};
