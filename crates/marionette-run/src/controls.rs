//! Applies controls between two steps.

use super::{Control, ControlRecord, Failure, Publisher, RunEvent, recorder::Recorder};
use crossbeam_channel::RecvTimeoutError;
use marionette_stream::{Batch, Tile};
use marionette_train::trainer::{ManualSettings, Prediction, Trainer};
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// How often a run that stands still looks whether it should stop.
const CHECK_EVERY: Duration = Duration::from_millis(50);

/// Whether a run stands still.
#[derive(Clone, Copy, Debug, Default)]
struct Pause {
    paused: bool,
    /// Steps to take all the same.
    allowed: u64,
}

impl Pause {
    fn holds(&self) -> bool {
        self.paused && self.allowed == 0
    }
}

/// Applies controls to a run.
#[derive(Debug, Default)]
pub(super) struct Controls {
    pause: Pause,
}

impl Controls {
    /// Applies the controls that have been handed in, and waits while the run is paused.
    ///
    /// # Errors
    /// Where the device fails. What merely does not work is answered with a note.
    pub fn apply_waiting(
        &mut self,
        publisher: &Publisher,
        trainer: &mut Trainer,
        recorder: &mut Recorder,
        stop: &AtomicBool,
    ) -> Result<(), Failure> {
        loop {
            while let Ok(control) = publisher.controls().try_recv() {
                self.apply(control, trainer, recorder)?;
            }
            publisher.set_progress(trainer.step(), self.pause.holds());
            if !self.pause.holds() || stop.load(Ordering::SeqCst) {
                self.pause.allowed = self.pause.allowed.saturating_sub(1);
                return Ok(());
            }
            match publisher.controls().recv_timeout(CHECK_EVERY) {
                Ok(control) => self.apply(control, trainer, recorder)?,
                Err(RecvTimeoutError::Timeout) => {}
                // Nobody is left to resume the run.
                Err(RecvTimeoutError::Disconnected) => {
                    self.pause.paused = false;
                    record(recorder, trainer, "resume", json!("the window was closed"), false);
                }
            }
        }
    }

    fn apply(
        &mut self,
        control: Control,
        trainer: &mut Trainer,
        recorder: &mut Recorder,
    ) -> Result<(), Failure> {
        let mut settings = trainer.manual_settings();
        let (what, value) = match control {
            Control::Predict(tiles, reply) => {
                // The asker may have gone.
                let _ = reply.try_send(predict(trainer, tiles));
                return Ok(());
            }
            Control::Pause => {
                self.pause = Pause { paused: true, allowed: 0 };
                record(recorder, trainer, "pause", Value::Null, false);
                return Ok(());
            }
            Control::Resume => {
                self.pause = Pause::default();
                record(recorder, trainer, "resume", Value::Null, false);
                return Ok(());
            }
            Control::Step => {
                let allowed = if self.pause.paused { self.pause.allowed + 1 } else { 1 };
                self.pause = Pause { paused: true, allowed };
                record(recorder, trainer, "step", Value::Null, false);
                return Ok(());
            }
            Control::Checkpoint => {
                record(recorder, trainer, "checkpoint", Value::Null, false);
                let before = recorder.saved;
                recorder.try_checkpoint(trainer)?;
                if trainer.step() == before {
                    note(
                        recorder,
                        format!("there is nothing new since the checkpoint of step {before}"),
                    );
                }
                return Ok(());
            }
            Control::Exams => {
                record(recorder, trainer, "exams", Value::Null, false);
                if !recorder.take_all_exams(trainer)? {
                    note(recorder, "this run has no exams: exam.images is 0".to_owned());
                }
                return Ok(());
            }
            Control::Export(path) => {
                record(recorder, trainer, "export", json!(path.display().to_string()), false);
                let answer = match export_to(recorder, trainer, &path) {
                    Ok(()) => format!("weights of step {} in {}", trainer.step(), path.display()),
                    Err(failure) => failure.to_string(),
                };
                note(recorder, answer);
                return Ok(());
            }
            Control::Steering(on) => {
                settings.steering = on;
                ("steering".to_owned(), on.into())
            }
            Control::Gamma(gamma) => {
                settings.gamma = gamma;
                ("gamma".to_owned(), Value::Null)
            }
            Control::RateFactor(factor) => {
                settings.rate_factor = factor;
                ("rate_factor".to_owned(), Value::Null)
            }
            Control::Lock(axis, shares) => {
                settings.locks[axis as usize] = shares;
                (format!("lock.{axis}"), Value::Null)
            }
        };
        set(recorder, trainer, settings, &what, value);
        Ok(())
    }
}

/// Puts `settings`, clamped, in force, if they are anything new.
fn set(
    recorder: &Recorder,
    trainer: &mut Trainer,
    settings: ManualSettings,
    what: &str,
    value: Value,
) {
    let before = trainer.manual_settings();
    let (settings, changes) = settings.clamped(&before);
    changes.into_iter().for_each(|change| note(recorder, change));
    if settings == before {
        return;
    }
    let value = match what {
        "gamma" => json!(settings.gamma),
        "rate_factor" => json!(settings.rate_factor),
        _ => (0..settings.locks.len())
            .find(|axis| settings.locks[*axis] != before.locks[*axis])
            .map_or(value, |axis| {
                settings.locks[axis].as_ref().map_or(Value::Null, |shares| json!(shares))
            }),
    };
    note(recorder, format!("{what} is now {}, from step {}", rounded(&value), trainer.step() + 1));
    recorder
        .send(RunEvent::Settings { step: trainer.step(), settings: Box::new(settings.clone()) });
    trainer.set_manual_settings(settings);
    record(recorder, trainer, what, value, true);
    let marked = recorder.directory.mark_hand_steered();
    recorder.warn_if_failed(marked, "it does not say that the run is steered by hand");
}

fn record(recorder: &Recorder, trainer: &Trainer, what: &str, value: Value, steers: bool) {
    let record = ControlRecord { step: trainer.step(), what: what.to_owned(), value, steers };
    let written = recorder.directory.append_control(&record);
    recorder.warn_if_failed(written, "a run that is resumed will not know of this");
}

fn note(recorder: &Recorder, text: String) {
    recorder.send(RunEvent::Note(text));
}

fn export_to(recorder: &Recorder, trainer: &Trainer, path: &Path) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        // If the folder cannot be made, writing the file says so.
        let _ = std::fs::create_dir_all(folder);
    }
    recorder.export(trainer, path).map(|_| ())
}

/// A value as a note says it: shares with two decimals, "let go" where there is none.
fn rounded(value: &Value) -> String {
    match value {
        Value::Null => "let go".to_owned(),
        Value::Array(shares) => {
            let share = |share: &Value| format!("{:.2}", share.as_f64().unwrap_or_default());
            shares.iter().map(share).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

fn predict(trainer: &Trainer, tiles: Vec<Tile>) -> Result<Vec<Prediction>, String> {
    let size = trainer.spec().input_size();
    if let Some(odd) = tiles.iter().find(|tile| [tile.width as u32, tile.height as u32] != size) {
        return Err(format!(
            "the network takes {}x{} images, not {}x{}",
            size[0], size[1], odd.width, odd.height
        ));
    }
    trainer.predict(&Batch { index: 0, tiles }).map_err(|error| error.to_string())
}
