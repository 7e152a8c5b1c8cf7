//! `marionette sim`: training in a window, or a window on a run that is over.

use super::{
    CommandError,
    train::{TrainArgs, train},
    window,
};
use clap::Args;

/// Train in the simulator window (the same as `train --window`), or look at a run that is there
/// already.
///
/// Example: marionette sim quickstart --run runs/seen
///
/// Example: marionette sim --run runs/seen          # opens it to look at; with --resume it goes on
#[derive(Args)]
pub struct SimArgs {
    #[command(flatten)]
    train: TrainArgs,
}

/// Runs `marionette sim`.
pub fn sim(args: SimArgs) -> Result<(), CommandError> {
    match args.train.to_look_at() {
        Some(run) => window::look_at(run),
        None => train(args.train.in_window()),
    }
}
