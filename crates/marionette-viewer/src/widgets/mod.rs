//! What several panels use: colours, textures of tiles, and the marks drawn over them.

mod atlas;
pub mod overlays;
mod placeholder;
mod settling;
pub mod theme;

pub use atlas::Atlas;
pub use placeholder::placeholder;
pub use settling::Settling;
