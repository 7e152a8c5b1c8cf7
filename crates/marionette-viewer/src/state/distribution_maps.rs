//! The axes' distributions over time as textures.

use super::run_data::RunData;
use crate::widgets::{Settling, theme};
use bevy_egui::egui::{ColorImage, Context, TextureHandle, TextureOptions};
use marionette_stream::{AXES, HardnessAxis};

/// A heat map for every axis: a column per step, a row per bin, the hardest bin at the top.
#[derive(Default)]
pub struct DistributionMaps {
    /// The newest step on the maps, and the maps.
    maps: Settling<(u64, Vec<TextureHandle>)>,
}

impl DistributionMaps {
    /// Makes new textures when there are newer distributions. Call it once per frame.
    pub fn renew(&mut self, context: &Context, run: &RunData) {
        self.maps.advance();
        let history = &run.distributions;
        let Some(newest) = history.last().map(|(step, _)| *step) else { return };
        if !self.maps.is_ready() || self.maps.newest().is_some_and(|(shown, _)| *shown == newest) {
            return;
        }
        let map = |axis: usize| {
            let bins = history.iter().map(|(_, axes)| axes[axis].len()).max().unwrap_or(0);
            let columns = history.len();
            let pixel = |i: usize| {
                let (column, bin) = (i % columns, bins - 1 - i / columns);
                let share = history[column].1[axis].get(bin).copied().unwrap_or(0.0);
                theme::heat(share * bins as f32 / 3.0)
            };
            let image = ColorImage::new([columns, bins], (0..columns * bins).map(pixel).collect());
            context.load_texture(format!("map-{axis}"), image, TextureOptions::NEAREST)
        };
        self.maps.offer((newest, (0..AXES).map(map).collect()));
    }

    /// The map of an axis, once it is ready.
    pub fn of(&self, axis: HardnessAxis) -> Option<&TextureHandle> {
        self.maps.shown()?.1.get(axis as usize)
    }
}
