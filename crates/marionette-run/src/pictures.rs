//! The contact sheets that a run leaves: its first batch, its last, its easiest and hardest
//! samples.

use super::RunDirectory;
use crate::sheet::{Overlay, Panel, SheetError, contact_sheet, save_png};
use marionette_base::atomic_file::PathError;
use marionette_figure::Figure;
use marionette_stream::{Batch, Tile};
use marionette_train::trainer::StepReport;
use std::path::PathBuf;

const COLUMNS: usize = 8;
const SCALE: u32 = 3;
/// Samples kept at either end of the gallery.
const KEPT: usize = 16;

/// The easiest and the hardest samples by score, of the batches shown to it.
#[derive(Default)]
pub struct Gallery {
    easiest: Vec<Shot>,
    hardest: Vec<Shot>,
}

struct Shot {
    score: f32,
    tile: Tile,
    prediction: Vec<[f32; 2]>,
}

impl Gallery {
    /// Takes a batch in.
    pub fn add(&mut self, batch: &Batch, report: &StepReport) {
        for ((tile, score), prediction) in
            batch.tiles.iter().zip(&report.difficulty).zip(&report.predictions)
        {
            for (shots, sign) in [(&mut self.easiest, 1.0), (&mut self.hardest, -1.0)] {
                let place = shots.partition_point(|shot| sign * shot.score <= sign * score);
                if place < KEPT {
                    let (tile, prediction) = (tile.clone(), prediction.clone());
                    shots.insert(place, Shot { score: *score, tile, prediction });
                    shots.truncate(KEPT);
                }
            }
        }
    }

    /// Writes `pictures/easiest.png` and `pictures/hardest.png`.
    pub fn save(&self, run: &RunDirectory, figure: &Figure) -> Vec<Result<PathBuf, SheetError>> {
        [("easiest", &self.easiest), ("hardest", &self.hardest)]
            .into_iter()
            .filter(|(_, shots)| !shots.is_empty())
            .map(|(name, shots)| {
                let panels: Vec<Panel> = shots
                    .iter()
                    .map(|shot| panel(&shot.tile, Some(&shot.prediction), Some(shot.score)))
                    .collect();
                save(run, name, figure, &panels)
            })
            .collect()
    }
}

/// Writes `pictures/first_batch.png`: a batch with its ground truth.
pub fn save_first(
    run: &RunDirectory,
    figure: &Figure,
    batch: &Batch,
) -> Result<PathBuf, SheetError> {
    let panels: Vec<Panel> = batch.tiles.iter().map(|tile| panel(tile, None, None)).collect();
    save(run, "first_batch", figure, &panels)
}

/// Writes `pictures/last_batch.png`: a batch with ground truth, prediction and score.
pub fn save_last(
    run: &RunDirectory,
    figure: &Figure,
    batch: &Batch,
    report: &StepReport,
) -> Result<PathBuf, SheetError> {
    let panels: Vec<Panel> = batch
        .tiles
        .iter()
        .enumerate()
        .map(|(i, tile)| {
            panel(
                tile,
                report.predictions.get(i).map(Vec::as_slice),
                report.difficulty.get(i).copied(),
            )
        })
        .collect();
    save(run, "last_batch", figure, &panels)
}

fn save(
    run: &RunDirectory,
    name: &str,
    figure: &Figure,
    panels: &[Panel],
) -> Result<PathBuf, SheetError> {
    let folder = run.pictures_path();
    std::fs::create_dir_all(&folder).map_err(PathError::at(&folder, "made"))?;
    let path = folder.join(format!("{name}.png"));
    save_png(&path, &contact_sheet(figure, panels, &[Overlay::Keypoints], COLUMNS, SCALE))?;
    Ok(path)
}

fn panel<'a>(tile: &'a Tile, prediction: Option<&'a [[f32; 2]]>, score: Option<f32>) -> Panel<'a> {
    Panel {
        tile,
        prediction,
        border: score.map(border),
        caption: score.map(|score| format!("{score:.2}")),
    }
}

/// From blue (easy) over white to orange (hard): readable for colour-blind people.
fn border(score: f32) -> [u8; 3] {
    let [easy, middle, hard] = [[40.0, 90.0, 200.0], [230.0; 3], [240.0, 120.0, 20.0]];
    let s = score.clamp(0.0, 1.0) * 2.0;
    let (from, to, t) = if s < 1.0 { (easy, middle, s) } else { (middle, hard, s - 1.0) };
    std::array::from_fn(|c| (from[c] + (to[c] - from[c]) * t) as u8)
}
