//! Why a window cannot be opened.

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
pub enum ViewerError {
    /// There is no display to open a window on.
    #[error(
        "there is no display to open a window on ({0}): set DISPLAY or WAYLAND_DISPLAY, or train \
         without a window: marionette train"
    )]
    NoDisplay(String),
    /// The windowing system or the graphics driver failed.
    #[error(
        "the window could not be opened or has given up: {0}; without a window: marionette train"
    )]
    Window(String),
}
