//! Which instances may take light from what: a list for each piece of an instance, and one for the
//! ground and wall in each cell of a tile. A pixel then looks only at the few instances on its
//! list. Cells with empty lists are lit without looking.

mod geometry;
mod lists;
mod patches;
mod pieces;
mod shading;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub use geometry::ABOVE;
pub use lists::CasterLists;
