//! Trains a keypoint detector for ten steps in this process, in a temporary run directory, and
//! prints the run's events as they come.
//!
//! `cargo run --release --example train_ten_steps`

use marionette::{
    run::{RunConfig, RunEvent, Session},
    scene::load_scene,
};
use std::{
    error::Error,
    sync::{Arc, atomic::AtomicBool},
    thread,
};

fn main() -> Result<(), Box<dyn Error>> {
    let settings = ["steps=10", "batch=8", "log.every=2", "exam.images=0"];
    let config = RunConfig::with_overrides(&settings.map(str::to_owned))?;
    let folder = tempfile::tempdir()?;
    let run = folder.path().join("run");
    let mut session = Session::create(&run, config, load_scene("quickstart")?)?;

    // The queue is bounded, and the run never waits for its reader.
    let events = session.subscribe(64);
    let stop = Arc::new(AtomicBool::new(false));
    let running = thread::spawn(move || session.run(stop));
    // The loop ends when the run is over.
    for event in events {
        match event {
            RunEvent::RendererReady(adapter) => println!("renderer: {}", adapter.name),
            RunEvent::Started { steps, device, .. } => println!("{steps} steps on {device}"),
            RunEvent::Step(report) => {
                // Reports count steps from 0, metrics count the steps done.
                println!("step {}: {} samples", report.step + 1, report.samples.len());
            }
            RunEvent::Metrics { row, .. } => {
                println!("step {}: loss {:.3}, PCK {:.3}", row.step, row.loss, row.pck);
            }
            RunEvent::Picture(path) => println!("picture: {}", path.display()),
            RunEvent::Finished(summary) => println!("all {} steps are done", summary.steps),
            RunEvent::Failed { message, .. } => println!("the run has failed: {message}"),
            _ => {}
        }
    }
    running.join().map_err(|_| "the run's thread panicked")??;

    let bytes = std::fs::metadata(run.join("weights.safetensors"))?.len();
    println!("weights.safetensors has {bytes} bytes");
    Ok(())
}
