//! What can go wrong while frames are drawn.

/// What can go wrong with drawing.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// There is no graphics adapter.
    #[error(
        "no Vulkan, Metal or DX12 adapter was found; on Debian or Ubuntu `apt-get install \
         mesa-vulkan-drivers libvulkan1` brings a software one"
    )]
    NoAdapter,
    /// A shader or pipeline could not be built on this adapter.
    #[error("the shaders could not be built on this adapter: {0}")]
    Pipeline(String),
    /// The first frame did not come out as it must.
    #[error(
        "the test tile came out wrong on this adapter ({0}); its driver cannot be trusted with \
         labels"
    )]
    Sentinel(String),
    /// The adapter gave up while drawing.
    #[error("drawing failed: {0}")]
    Device(String),
    /// The caller let more drawn frames wait than the channel holds: a fault in this program.
    #[error("more than {most} drawn frames were left waiting, and one was lost")]
    NotTaken {
        /// Drawn frames that can wait.
        most: usize,
    },
    /// The atlas would be larger than the adapter allows.
    #[error(
        "{tiles} tiles of {width}x{height} need an atlas larger than this adapter's limit of \
         {limit} pixels; lower the batch"
    )]
    TooLarge {
        /// Tiles a frame.
        tiles: usize,
        /// Width of a tile, pixels.
        width: u32,
        /// Height of a tile, pixels.
        height: u32,
        /// The adapter's limit on a texture's side, pixels.
        limit: u32,
    },
}
