//! The panels, one file each. A panel shows the window's state and changes it; panels do not use
//! each other.

pub mod batch;
pub mod controls;
pub mod curriculum;
pub mod curves;
pub mod gallery;
pub mod stage;
