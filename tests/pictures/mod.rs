//! Pictures are checked as pictures: what comes out of the renderer against geometry worked out by
//! hand, against an independent ray caster, and against itself under changes that must not matter.

mod frames;
mod geometry;
mod golden;
mod hardness;
mod labels;
mod lens;
mod light;
mod reference;
mod studio;
mod triangles;
mod visibility;
