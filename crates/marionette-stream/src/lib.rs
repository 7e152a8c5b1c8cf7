//! What goes round the loop: policies one way, samples and labelled batches the other, feedback
//! back again.
//!
//! All of it is plain data that the sampler, the renderer and the trainer speak. They meet in two
//! bounded channels: batch `b` is drawn with the policy that the controller had after batch `b -
//! lag`. The generator waits for exactly that policy, so what it draws depends on the configuration
//! and never on which thread was faster.

mod axis;
mod batch;
mod camera;
mod channel;
mod feedback;
mod policy;
mod rejection;
mod sample;

pub use axis::{AXES, Hardness, HardnessAxis};
pub use batch::{
    Batch, Cover, FAR_DEPTH, ImageBox, LabelledKeypoint, Labels, Measured, PixelId, Shown, Tile,
    Visibility,
};
pub use camera::{Camera, Projection, image_box};
pub use channel::{Closed, GeneratorEnd, InFlight, TrainerEnd, connect};
pub use feedback::{Feedback, SampleFeedback};
pub use policy::{AxisDistribution, Policy, ReplayEntry, SampleStream, StreamMix};
pub use rejection::Rejection;
pub use sample::{
    Backdrop, BackdropKind, Degradation, Fabric, FigureSample, Lamp, Light, PartLook, Prop,
    PropRole, PropShape, SceneSample,
};
