//! What a watcher wishes is done between two steps.

use super::{Command, Failure, News, desk::Desk, exams::Examiner};
use crate::exam::Exam;
use marionette_stream::{Batch, Tile};
use marionette_train::{
    export::ModelCard,
    trainer::{Hand, Trainer},
};
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How often a run that stands still looks whether it should stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Whether a run stands still.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wishes {
    paused: bool,
    /// Steps to take all the same.
    allowed: u64,
}

impl Desk {
    /// Does what has been wished for, and waits while the run is to stand still.
    ///
    /// # Errors
    /// Where a checkpoint or a line of `hand.jsonl` cannot be written. What merely does not work is told instead.
    pub(super) fn attend(
        &mut self,
        wishes: &mut Wishes,
        trainer: &mut Trainer,
        examiner: &mut Examiner,
        saved: &mut u64,
        stop: &AtomicBool,
    ) -> Result<(), Failure> {
        let Some(commands) = self.live.as_ref().map(|live| live.commands.clone()) else { return Ok(()) };
        loop {
            while let Ok(command) = commands.try_recv() {
                self.grant(command, wishes, trainer, examiner, saved)?;
            }
            let standing = wishes.paused && wishes.allowed == 0;
            if let Some(live) = &self.live {
                live.stand(trainer.step(), standing);
            }
            if !standing || stop.load(Ordering::SeqCst) {
                wishes.allowed = wishes.allowed.saturating_sub(1);
                return Ok(());
            }
            match commands.recv_timeout(LOOK_EVERY) {
                Ok(command) => self.grant(command, wishes, trainer, examiner, saved)?,
                Err(crossbeam_channel::RecvTimeoutError::Timeout) => {}
                // Nobody is left who could let the run go on.
                Err(crossbeam_channel::RecvTimeoutError::Disconnected) => {
                    wishes.paused = false;
                    self.touched(trainer, "resume", json!("the window was closed"), false)?;
                }
            }
        }
    }

    fn grant(
        &mut self,
        command: Command,
        wishes: &mut Wishes,
        trainer: &mut Trainer,
        examiner: &mut Examiner,
        saved: &mut u64,
    ) -> Result<(), Failure> {
        let mut hand = trainer.hand();
        let (what, value) = match command {
            Command::Look(tiles, reply) => {
                let opinions = look(trainer, tiles);
                let _ = reply.try_send(opinions);
                return Ok(());
            }
            Command::Pause => {
                *wishes = Wishes { paused: true, allowed: 0 };
                return self.touched(trainer, "pause", Value::Null, false);
            }
            Command::Resume => {
                *wishes = Wishes::default();
                return self.touched(trainer, "resume", Value::Null, false);
            }
            Command::Step => {
                let allowed = if wishes.paused { wishes.allowed + 1 } else { 1 };
                *wishes = Wishes { paused: true, allowed };
                return self.touched(trainer, "step", Value::Null, false);
            }
            Command::Checkpoint => {
                self.touched(trainer, "checkpoint", Value::Null, false)?;
                let before = *saved;
                self.checkpoint(trainer, examiner, saved)?;
                if *saved == before {
                    self.note(format!("there is nothing new since the checkpoint of step {before}"));
                }
                return Ok(());
            }
            Command::Exams => {
                self.touched(trainer, "exams", Value::Null, false)?;
                match examiner.take(trainer, &Exam::all())?.map(Arc::new) {
                    Some(report) => self.tell_exams(report, false),
                    None => self.note("this run has no exams: exam.images is 0".to_owned()),
                }
                return Ok(());
            }
            Command::Export(path) => {
                self.touched(trainer, "export", json!(path.display().to_string()), false)?;
                let said = match self.export_to(trainer, &path) {
                    Ok(_) => format!("weights of step {} in {}", trainer.step(), path.display()),
                    Err(failure) => failure.to_string(),
                };
                self.note(said);
                return Ok(());
            }
            Command::Steering(on) => {
                hand.steering = on;
                ("steering".to_owned(), on.into())
            }
            Command::Gamma(gamma) => {
                hand.gamma = gamma;
                ("gamma".to_owned(), Value::Null)
            }
            Command::Floor(floor) => {
                hand.floor = floor;
                ("floor".to_owned(), Value::Null)
            }
            Command::RateFactor(factor) => {
                hand.rate_factor = factor;
                ("rate_factor".to_owned(), Value::Null)
            }
            Command::Lock(axis, shares) => {
                hand.locks[axis as usize] = shares;
                (format!("lock.{axis}"), Value::Null)
            }
        };
        self.set(trainer, hand, &what, value)
    }

    /// Sets what can be set, clamped, if that is anything new.
    fn set(&mut self, trainer: &mut Trainer, hand: Hand, what: &str, value: Value) -> Result<(), Failure> {
        let before = trainer.hand();
        let (hand, said) = hand.clamped(&before);
        said.into_iter().for_each(|said| self.note(said));
        if hand == before {
            return Ok(());
        }
        let value = match what {
            "gamma" => json!(hand.gamma),
            "floor" => json!(hand.floor),
            "rate_factor" => json!(hand.rate_factor),
            _ => (0..hand.locks.len())
                .find(|axis| hand.locks[*axis] != before.locks[*axis])
                .map_or(value, |axis| hand.locks[axis].as_ref().map_or(Value::Null, |shares| json!(shares))),
        };
        self.note(format!("{what} is now {}, from step {}", rounded(&value), trainer.step() + 1));
        self.news(|| News::Hand(trainer.step(), Box::new(hand.clone())));
        trainer.set_hand(hand);
        self.touched(trainer, what, value, true)?;
        self.directory.mark_hand_steered()?;
        Ok(())
    }

    fn touched(&self, trainer: &Trainer, what: &str, value: Value, steers: bool) -> Result<(), Failure> {
        Ok(self.directory.note_touch(trainer.step(), what, value, steers)?)
    }

    fn note(&self, text: String) {
        self.news(|| News::Note(text));
    }

    fn export_to(&self, trainer: &Trainer, path: &Path) -> Result<ModelCard, Failure> {
        if let Some(folder) = path.parent() {
            // A folder that cannot be made is told when the file cannot be written.
            let _ = std::fs::create_dir_all(folder);
        }
        self.export(trainer, path)
    }
}

/// A value as it is told: shares with two decimals, no value as that.
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

fn look(trainer: &Trainer, tiles: Vec<Tile>) -> Result<Vec<marionette_train::trainer::Opinion>, String> {
    let size = trainer.spec().input_size();
    if let Some(odd) = tiles.iter().find(|tile| [tile.width as u32, tile.height as u32] != size) {
        return Err(format!("the network takes {}x{} images, not {}x{}", size[0], size[1], odd.width, odd.height));
    }
    trainer.look(&Batch { index: 0, tiles }).map_err(|error| error.to_string())
}
