//! Where is the camera? From keypoints in a picture, and where they are on a thing whose shape and
//! joint states are known, to the camera: the second stage of DREAM (Lee et al. 2020, arXiv
//! 1911.09231).
//!
//! [`pose_of_joints`] turns named joint states into a pose of the figure, [`solve_camera`] finds
//! the camera from [`Sighting`]s: keypoints in the figure's frame, in metres, and their pixels. It
//! puts up with some keypoints that are found in quite the wrong place, and says how sure it is.
//!
//! The camera's frame is the usual one of computer vision and of OpenCV: x right, y down, z
//! forward. Pixels of an [`Intrinsics`] are counted from the **centre** of the top-left pixel, as
//! OpenCV does; those of our pictures from its corner, half a pixel more: see
//! [`Intrinsics::from_corner`].
//!
//! ```
//! use marionette_pnp::{Intrinsics, Options, Sighting, solve_camera};
//!
//! let lens = Intrinsics::pinhole([500.0, 500.0], [319.5, 239.5]);
//! // Corners of a board, 2 m in front of the camera.
//! let corners = [[0.0, 0.0, 0.0], [0.4, 0.0, 0.0], [0.4, 0.3, 0.0], [0.0, 0.3, 0.0]];
//! let pixels = [[319.5, 239.5], [419.5, 239.5], [419.5, 314.5], [319.5, 314.5]];
//! let sightings: Vec<Sighting> = corners
//!     .iter()
//!     .zip(pixels)
//!     .map(|(&point, pixel)| Sighting { point, pixel, confidence: 1.0 })
//!     .collect();
//! let camera = solve_camera(&sightings, &lens, &Options::for_picture([640, 480]))?;
//! let at = camera.camera_from_figure.translation.vector;
//! assert!((at.z - 2.0).abs() < 1e-6 && at.x.abs() < 1e-6);
//! # Ok::<(), marionette_pnp::PnpError>(())
//! ```

mod error;
mod files;
mod intrinsics;
mod joints;
mod refine;
mod solve;
mod sqpnp;

pub use error::PnpError;
pub use files::{JointFile, LensFile};
pub use intrinsics::Intrinsics;
pub use joints::pose_of_joints;
pub use solve::{CameraPose, Options, Second, Sighting, solve_camera};
