//! Kernels for the CPU, on plain slices in channels-last order.

pub mod conv;
mod depthwise;
mod direct;
pub mod norm;
pub mod order;
pub mod orthogonal;
mod pack;
pub mod pool;
pub mod product;
pub mod resize;
pub mod scratch;
pub mod shape;
pub mod softmax;
mod vector;
mod winograd;
