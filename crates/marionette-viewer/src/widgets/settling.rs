//! A value with textures that replaces an older one without flicker.

/// A value with textures that replaces an older one. A texture is only ready one frame after it was
/// made. Until then the older value is shown, so that nothing flickers.
pub struct Settling<T> {
    shown: Option<T>,
    coming: Option<(T, u8)>,
}

impl<T> Default for Settling<T> {
    fn default() -> Self {
        Settling { shown: None, coming: None }
    }
}

impl<T> Settling<T> {
    /// The newest value, whether or not it is shown yet.
    pub fn newest(&self) -> Option<&T> {
        self.coming.as_ref().map(|(coming, _)| coming).or(self.shown.as_ref())
    }

    /// The value that is shown in this frame.
    pub fn shown(&self) -> Option<&T> {
        self.shown.as_ref()
    }

    /// Whether a newer value may be offered: none is waiting.
    pub fn is_ready(&self) -> bool {
        self.coming.is_none()
    }

    /// Offers a newer value.
    pub fn offer(&mut self, newer: T) {
        self.coming = Some((newer, 0));
    }

    /// The value to show in this frame. Call it once per frame.
    pub fn advance(&mut self) -> Option<&T> {
        if let Some((coming, age)) = self.coming.take() {
            if age >= 2 {
                self.shown = Some(coming);
            } else {
                self.coming = Some((coming, age + 1));
            }
        }
        self.shown.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_is_shown_until_the_newer_has_settled() {
        let mut settling = Settling::default();
        assert_eq!((settling.advance().copied(), settling.is_ready()), (None, true));
        settling.offer(1);
        assert_eq!(
            [settling.advance().copied(), settling.advance().copied(), settling.advance().copied()],
            [None, None, Some(1)]
        );
        settling.offer(2);
        assert_eq!(
            (settling.newest().copied(), settling.advance().copied(), settling.is_ready()),
            (Some(2), Some(1), false)
        );
    }
}
