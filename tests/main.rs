//! The program seen from outside, in one binary: a test file an area.

mod ablate;
mod afl;
mod audit;
mod bad_files;
mod bench;
#[cfg(unix)]
mod cases;
mod command_line;
mod eval;
mod exams;
mod export;
mod export_folders;
mod export_onnx;
mod figures;
mod generate;
mod live;
mod mix;
mod old_files;
mod person;
mod pictures;
mod predict;
mod predict_camera;
#[cfg(unix)]
mod repeatable;
mod report;
mod run_files;
mod runs;
mod settling;
#[cfg(target_os = "linux")]
mod unstoppable;
#[cfg(all(target_os = "linux", feature = "viewer"))]
mod window;
