//! Tests on made-up tables.

mod chance;
mod files;
mod input;
mod levels;
mod planted;
mod world;
