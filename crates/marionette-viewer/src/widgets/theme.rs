//! Colours and styles of the dark and the light theme. The colours are Okabe and Ito's, with a grey
//! in place of their black: people with the common kinds of colour blindness can tell them apart.

use bevy_egui::egui::{Color32, Context, CornerRadius, Style, Theme};

/// The colours of curves, in order.
pub const SERIES: [Color32; 8] = [
    Color32::from_rgb(86, 180, 233),
    Color32::from_rgb(230, 159, 0),
    Color32::from_rgb(0, 158, 115),
    Color32::from_rgb(204, 121, 167),
    Color32::from_rgb(213, 94, 0),
    Color32::from_rgb(0, 114, 178),
    Color32::from_rgb(240, 228, 66),
    Color32::from_rgb(150, 150, 150),
];
/// The figure's own left, its right, its middle, and the network's prediction: the same colours as
/// on contact sheets.
pub const LEFT: Color32 = Color32::from_rgb(255, 140, 25);
pub const RIGHT: Color32 = Color32::from_rgb(60, 145, 255);
pub const MIDDLE: Color32 = Color32::from_rgb(255, 255, 255);
pub const PREDICTION: Color32 = Color32::from_rgb(185, 255, 50);
pub const BOX: Color32 = Color32::from_rgb(255, 120, 220);
pub const COLLIDER: Color32 = Color32::from_rgb(0, 220, 220);
/// For failures, and for things to note.
pub const WRONG: Color32 = Color32::from_rgb(213, 94, 0);
pub const NOTE: Color32 = Color32::from_rgb(230, 159, 0);

/// `color` for text: darker in the light theme.
pub fn text(dark: bool, color: Color32) -> Color32 {
    if dark { color } else { Color32::from_rgb(dim(color.r()), dim(color.g()), dim(color.b())) }
}

fn dim(channel: u8) -> u8 {
    (f32::from(channel) * 0.62) as u8
}

/// From blue (easy) over white to orange (hard), for `share` in [0, 1].
pub fn difficulty(share: f32) -> Color32 {
    let [easy, middle, hard] = [[40.0, 90.0, 200.0], [230.0f32; 3], [240.0, 120.0, 20.0]];
    let s = if share.is_finite() { share.clamp(0.0, 1.0) * 2.0 } else { 1.0 };
    let (from, to, t) = if s < 1.0 { (easy, middle, s) } else { (middle, hard, s - 1.0) };
    let [r, g, b] = std::array::from_fn(|c| (from[c] + (to[c] - from[c]) * t) as u8);
    Color32::from_rgb(r, g, b)
}

/// From dark violet to yellow with even steps in lightness, for `share` in [0, 1] (after
/// matplotlib's viridis).
pub fn heat(share: f32) -> Color32 {
    const STOPS: [[f32; 3]; 5] = [
        [68.0, 1.0, 84.0],
        [59.0, 82.0, 139.0],
        [33.0, 145.0, 140.0],
        [94.0, 201.0, 98.0],
        [253.0, 231.0, 37.0],
    ];
    let place = if share.is_finite() { share.clamp(0.0, 1.0) * 4.0 } else { 0.0 };
    let stop = (place as usize).min(3);
    let t = place - stop as f32;
    let [r, g, b] =
        std::array::from_fn(|c| (STOPS[stop][c] + (STOPS[stop + 1][c] - STOPS[stop][c]) * t) as u8);
    Color32::from_rgb(r, g, b)
}

/// Makes the styles of both themes.
pub fn install(context: &Context) {
    for theme in [Theme::Dark, Theme::Light] {
        context.style_mut_of(theme, |style: &mut Style| {
            // Every animation costs frames, and so time of the training run.
            style.animation_time = 0.0;
            style.spacing.item_spacing = [6.0, 4.0].into();
            style.interaction.tooltip_delay = 0.2;
            let visuals = &mut style.visuals;
            for widget in [
                &mut visuals.widgets.inactive,
                &mut visuals.widgets.hovered,
                &mut visuals.widgets.active,
                &mut visuals.widgets.noninteractive,
                &mut visuals.widgets.open,
            ] {
                widget.corner_radius = CornerRadius::same(3);
            }
            let chosen = if theme == Theme::Dark { SERIES[5] } else { SERIES[0] };
            visuals.selection.bg_fill = chosen;
            visuals.selection.stroke.color =
                if theme == Theme::Dark { Color32::WHITE } else { Color32::BLACK };
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_stand_for_any_number() {
        for odd in [f32::NAN, -3.0, 7.0, f32::INFINITY] {
            assert_eq!((difficulty(odd).a(), heat(odd).a()), (255, 255));
        }
        assert!(heat(0.0).r() < heat(1.0).r() && difficulty(0.0).b() > difficulty(1.0).b());
    }
}
