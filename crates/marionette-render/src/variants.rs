//! Sets of like things, with a name for each of them.

/// What there is once for round cones and once for cuboids.
#[derive(Clone, Copy, Debug)]
pub struct ByShape<T> {
    pub cones: T,
    pub cuboids: T,
}

impl<T: Copy> ByShape<T> {
    /// Both through `f`, if it has something for both.
    pub fn try_map<U>(self, f: impl Fn(T) -> Option<U>) -> Option<ByShape<U>> {
        Some(ByShape { cones: f(self.cones)?, cuboids: f(self.cuboids)? })
    }
}

/// What there is once for places without shadows and once for places where one may fall.
#[derive(Clone, Copy, Debug)]
pub struct ByShadow<T> {
    pub plain: T,
    pub shadowed: T,
}

impl<T: Copy> ByShadow<T> {
    /// Both through `f`, if it has something for both.
    pub fn try_map<U>(self, f: impl Fn(T) -> Option<U>) -> Option<ByShadow<U>> {
        Some(ByShadow { plain: f(self.plain)?, shadowed: f(self.shadowed)? })
    }
}

/// What there is once for each of the two planes behind the figures.
#[derive(Clone, Copy, Debug)]
pub struct ByPlane<T> {
    pub ground: T,
    pub wall: T,
}

/// The two scales at which a tile is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Every pixel.
    Full,
    /// One ray for each square of pixels: the light of tiles that are blurred widely.
    Coarse,
}

/// What there is once for each [`Scale`].
#[derive(Clone, Copy, Debug)]
pub struct ByScale<T> {
    pub full: T,
    pub coarse: T,
}

impl<T> ByScale<T> {
    pub fn get(&self, scale: Scale) -> &T {
        match scale {
            Scale::Full => &self.full,
            Scale::Coarse => &self.coarse,
        }
    }

    /// Both through `f`.
    pub fn map<U>(&self, mut f: impl FnMut(&T) -> U) -> ByScale<U> {
        ByScale { full: f(&self.full), coarse: f(&self.coarse) }
    }
}
