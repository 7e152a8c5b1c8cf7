//! The data that goes round the loop: policies go to the generator, labelled batches come from it,
//! and the trainer's feedback steers the next policy.
//!
//! All of it is plain data that the sampler, the renderer and the trainer share. A [`Policy`] has a
//! distribution of hardness for each [`HardnessAxis`]; a [`SceneSample`] is one scene with all its
//! values; a [`Batch`] has rendered tiles with labels. Generator and trainer are joined by two
//! bounded channels, see [`connect`]. Batch `b` is rendered with the policy that the controller had
//! after batch `b - lag`. The generator waits for exactly that policy, so the pictures depend on
//! the configuration and never on which thread was faster.
//!
//! ```
//! use marionette_stream::{HardnessAxis, Policy, StreamMix};
//!
//! // The policy at the start of a run: six bins an axis, all equally likely.
//! let policy = Policy::initial(StreamMix::default(), 6);
//! let pose = policy.axis(HardnessAxis::Pose);
//! assert_eq!(pose.bins(), 6);
//! assert!((pose.quantile(0.25) - 0.25).abs() < 1e-6);
//! ```

mod axis;
mod batch;
mod camera;
mod channel;
mod circumstance;
mod feedback;
mod focus;
mod policy;
mod quantity;
mod rejection;
mod sample;
mod side;

pub use axis::{AXES, Hardness, HardnessAxis};
pub use batch::{
    Batch, Cover, FAR_DEPTH, ImageBox, LabelledKeypoint, Labels, Measured, PixelId, Shown, Tile,
    Visibility,
};
pub use camera::{Camera, Projection, image_box};
pub use channel::{Closed, GeneratorEnd, InFlight, TrainerEnd, connect};
pub use circumstance::{Circumstance, LightKind};
pub use feedback::{Feedback, SampleFeedback};
pub use focus::{Focus, MOST_FOCUSED_ATTEMPTS, Wanted};
pub use policy::{AxisDistribution, Freedom, Policy, SampleStream, StreamMix};
pub use quantity::Quantity;
pub use rejection::Rejection;
pub use sample::{
    Backdrop, BackdropKind, Degradation, Fabric, FigureSample, Lamp, Light, PartLook, Prop,
    PropRole, PropShape, SceneSample,
};
pub use side::Side;
