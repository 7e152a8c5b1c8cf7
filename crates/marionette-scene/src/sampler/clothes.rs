//! Skin, hair and clothes.

use super::{materials, sampling::Sampling};
use crate::colors::{any_color, vivid_color};
use glam::Vec3;
use marionette_base::random::weighted;
use marionette_figure::{Figure, Garment};
use marionette_stream::{Backdrop, Fabric, FigureSample, PartLook};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// The fabric of skin and of all other parts of the body. The fabrics of the slots follow.
const SKIN: usize = 0;

/// What all people of a sample have in common in their colours.
#[derive(Clone, Copy)]
pub(super) struct Tones {
    /// How far clothes take on the backdrop's colours, 0 to 1.
    pub blend: f32,
    /// How far skin is paler than all tones alike, 0 to 1.
    pub pale_skin: f32,
    /// Up to which share cloth loses its brightness, 0 to 1.
    pub dark_cloth: f32,
}

impl Tones {
    /// Samples them at `hardness`.
    pub(super) fn sample(sampling: &mut Sampling, blend: f32, hardness: f32) -> Self {
        let scene = sampling.scene;
        let settings = &scene.randomizers.camouflage;
        let mut rng = sampling.stream("camouflage/tones");
        let mut share =
            |name, ramp| sampling.sample(name, ramp, &mut rng, hardness).clamp(0.0, 1.0);
        let pale_skin = share("camouflage.pale_skin", &settings.pale_skin);
        let dark_cloth = share("camouflage.dark_cloth", &settings.dark_cloth);
        Tones { blend, pale_skin, dark_cloth }
    }

    /// `cloth`, as dark as it comes.
    fn darken(self, cloth: Vec3, rng: &mut ChaCha8Rng) -> Vec3 {
        // Where nothing is darkened, no random number is drawn: all others stay what they were.
        if self.dark_cloth == 0.0 {
            return cloth;
        }
        cloth * (1.0 - self.dark_cloth * rng.random::<f32>())
    }
}

/// Dresses a posed figure and places its parts.
pub(super) fn dress(
    figure: &Figure,
    sample: &mut FigureSample,
    backdrop: &Backdrop,
    tones: Tones,
    rng: &mut ChaCha8Rng,
) {
    let blend = tones.blend;
    if materials::given(figure) {
        materials::finish(figure, sample, backdrop, blend, rng);
        return;
    }
    let skin = skin(tones.pale_skin, rng);
    let hair = hair(skin, rng);
    sample.outfit = outfit(figure, rng);
    sample.fabrics =
        vec![Fabric { folds: 0.06, gloss: 0.12 * rng.random::<f32>(), ..Fabric::default() }];
    let mut colors = vec![skin];
    // A quarter of all people wear one colour throughout.
    let around = backdrop.colors.iter().sum::<Vec3>() / backdrop.colors.len() as f32;
    let theme = (rng.random::<f32>() < 0.25).then(|| any_color(rng));
    let theme = theme.map(|color| tones.darken(color, rng));
    let cloth_color = |rng: &mut ChaCha8Rng| tones.darken(cloth_color(rng), rng);
    for slot in &figure.slots {
        let hidden = backdrop.colors[rng.random_range(0..backdrop.colors.len())].lerp(around, 0.5);
        // Without camouflage, the one of two colours that stands out more.
        let mut apart = || {
            let [a, b] = [cloth_color(rng), cloth_color(rng)];
            if a.distance(around) > b.distance(around) {
                a.lerp(b, blend)
            } else {
                b.lerp(a, blend)
            }
        };
        let mut cloth = || theme.unwrap_or_else(&mut apart).lerp(hidden, blend);
        let (color, second) = (cloth(), cloth_color(rng).lerp(hidden, blend));
        let (color, fabric) = match slot.as_str() {
            "hair" => (hair, Fabric { folds: 0.5, gloss: 0.05, ..Fabric::default() }),
            "socks" | "feet" | "headwear" => (color, Fabric { folds: 0.15, ..Fabric::default() }),
            _ => (color, fabric(second, rng)),
        };
        // The best camouflage has the backdrop's pattern and not only its colours: a pattern breaks
        // up the outline.
        let mottled = camouflage(backdrop, around, rng);
        let (color, fabric) = if rng.random::<f32>() < blend * blend && slot != "hair" {
            mottled
        } else {
            (color, fabric)
        };
        sample.fabrics.push(fabric);
        colors.push(color);
    }
    let worn = marionette_figure::worn_parts(figure, &sample.outfit);
    let made_of = (0..figure.body_parts).chain(worn).map(|index| {
        let part = &figure.parts[index];
        let covering =
            |garment: &&usize| figure.garments[**garment].covers.contains(&part.material);
        let garment = part.garment.or(sample.outfit.iter().rev().find(covering).copied());
        garment.map_or(SKIN, |garment| 1 + figure.garments[garment].slot)
    });
    sample.looks = made_of.map(|fabric| PartLook { fabric, ..PartLook::default() }).collect();
    sample.place(figure);
    sample.part_colors = (0..sample.parts.len())
        .map(|index| {
            let fabric = sample.looks[index].fabric;
            match figure.materials[figure.parts[sample.part(index)].material].as_str() {
                "eyes" => Vec3::splat(0.02),
                "lips" => skin * Vec3::new(0.8, 0.5, 0.5),
                _ => colors[fabric],
            }
        })
        .collect();
}

/// Skin from pale to dark, along a line through measured tones (linear RGB), with a little of every
/// hue. `pale` is how far it is paler than all tones alike.
fn skin(pale: f32, rng: &mut ChaCha8Rng) -> Vec3 {
    let tone = rng.random::<f32>().powf(1.5 + 2.5 * pale);
    let skin = Vec3::new(0.72, 0.47, 0.36).lerp(Vec3::new(0.06, 0.028, 0.018), tone);
    let ruddy = 0.9 + 0.2 * rng.random::<f32>();
    skin * (0.9 + 0.2 * rng.random::<f32>()) * Vec3::new(ruddy, 1.0, 1.0)
}

/// The colour of hair. Dark skin goes with dark hair.
fn hair(skin: Vec3, rng: &mut ChaCha8Rng) -> Vec3 {
    const HAIRS: [Vec3; 6] = [
        Vec3::new(0.012, 0.010, 0.009),
        Vec3::new(0.06, 0.03, 0.015),
        Vec3::new(0.22, 0.12, 0.05),
        Vec3::new(0.55, 0.40, 0.18),
        Vec3::new(0.30, 0.08, 0.02),
        Vec3::new(0.45, 0.45, 0.46),
    ];
    let hair = HAIRS[rng.random_range(0..HAIRS.len())].lerp(HAIRS[0], rng.random::<f32>() * 0.7);
    // People with dark skin have dark hair.
    if skin.x < 0.25 { hair.lerp(HAIRS[0], 0.85) } else { hair }
}

/// One garment of each slot, innermost first, without those that another replaces.
pub(super) fn outfit(figure: &Figure, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let worn: Vec<usize> = (0..figure.slots.len())
        .filter_map(|slot| {
            // Garments of other slots have no weight here.
            let weight =
                |garment: &Garment| if garment.slot == slot { garment.weight } else { 0.0 };
            weighted(rng, figure.garments.iter().map(weight))
        })
        .collect();
    let replaced =
        |slot: usize| worn.iter().any(|garment| figure.garments[*garment].replaces.contains(&slot));
    worn.iter().copied().filter(|garment| !replaced(figure.garments[*garment].slot)).collect()
}

/// Black, white, grey and blue are as common as all other colours together. Vivid and dull colours
/// are equally common.
pub(super) fn cloth_color(rng: &mut ChaCha8Rng) -> Vec3 {
    match rng.random_range(0..12) {
        0 | 1 => Vec3::splat(0.008 + 0.03 * rng.random::<f32>()),
        2 | 3 => Vec3::splat(0.5 + 0.35 * rng.random::<f32>()),
        4 => Vec3::splat(0.08 + 0.3 * rng.random::<f32>()),
        5 => Vec3::new(0.03, 0.05, 0.12) * (0.5 + 2.0 * rng.random::<f32>()),
        6..9 => vivid_color(rng),
        _ => any_color(rng),
    }
}

/// Cloth mottled in two of the backdrop's colours, a little lighter or darker.
pub(super) fn camouflage(
    backdrop: &Backdrop,
    around: Vec3,
    rng: &mut ChaCha8Rng,
) -> (Vec3, Fabric) {
    let mut shade = || {
        backdrop.colors[rng.random_range(0..backdrop.colors.len())].lerp(around, 0.3)
            * (0.85 + 0.3 * rng.random::<f32>())
    };
    let [color, second] = [shade(), shade()];
    let mut between = |low: f32, high: f32| low + (high - low) * rng.random::<f32>();
    let pitch = Vec3::new(1.0, 1.0, between(4.0, 14.0));
    (
        color,
        Fabric {
            second,
            waves: Vec3::Z,
            threshold: between(-0.25, 0.25),
            pitch,
            folds: 0.3,
            ..Fabric::default()
        },
    )
}

/// A fabric with the second colour `second`: half of them plain, the rest striped, checked, dotted,
/// mottled or printed.
pub(super) fn fabric(second: Vec3, rng: &mut ChaCha8Rng) -> Fabric {
    let mut between = |low: f32, high: f32| low + (high - low) * rng.random::<f32>();
    let plain = Fabric { second, folds: between(0.15, 0.5), threshold: 2.0, ..Fabric::default() };
    let radians_a_metre = std::f32::consts::TAU / between(0.03, 0.16);
    let pitch = Vec3::new(radians_a_metre, radians_a_metre, between(6.0, 30.0));
    let gloss = if between(0.0, 1.0) < 0.2 { between(0.1, 0.5) } else { 0.0 };
    let print =
        [between(1.18, 1.34), between(0.05, 0.12), between(0.03, 0.10), between(0.015, 0.05)];
    let plain = Fabric { gloss, ..plain };
    match between(0.0, 12.0) as u32 {
        0 => Fabric { waves: Vec3::X, threshold: between(-0.5, 0.6), pitch, ..plain },
        1 => Fabric { waves: Vec3::Y, threshold: between(-0.5, 0.6), pitch, ..plain },
        2 => {
            Fabric { waves: Vec3::new(0.5, 0.5, 0.0), threshold: between(0.0, 0.5), pitch, ..plain }
        }
        3 => Fabric { waves: Vec3::Z, threshold: between(-0.3, 0.3), pitch, ..plain },
        4 | 5 => Fabric { print, ..plain },
        // Two halves: a dark side panel, a yoke.
        6 => Fabric {
            waves: Vec3::Y,
            pitch: Vec3::splat(between(4.0, 14.0)),
            threshold: between(-0.3, 0.3),
            ..plain
        },
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use crate::{Sampler, distribution::Ramp, load_scene};
    use glam::Vec3;

    /// The brightness of the primary figures' skin and of their clothes, summed over 100 samples.
    fn brightness(pale_skin: f32, dark_cloth: f32) -> [f32; 2] {
        let mut scene = load_scene("quickstart").unwrap();
        let settings = &mut scene.randomizers.camouflage;
        settings.pale_skin = Ramp::constant(pale_skin);
        settings.dark_cloth = Ramp::constant(dark_cloth);
        let sampler = Sampler::new(&scene, |start| Some(start.pose.clone()));
        let mut sums = [0.0; 2];
        for index in 0..100 {
            let figure = sampler.sample_at([0.0; 8], 1, index, 0).figures.remove(0);
            let light = |color: &Vec3| color.dot(Vec3::new(0.2126, 0.7152, 0.0722));
            // Hair is of the first slot, and neither.
            for (sum, is_meant) in
                sums.iter_mut().zip([|of: usize| of == super::SKIN, |of: usize| of > 1])
            {
                let parts = figure.part_colors.iter().zip(&figure.looks);
                let lights: Vec<f32> = parts
                    .filter(|(_, look)| is_meant(look.fabric))
                    .map(|(color, _)| light(color))
                    .collect();
                *sum += lights.iter().sum::<f32>() / lights.len().max(1) as f32;
            }
        }
        sums
    }

    #[test]
    fn skin_can_be_paler_and_cloth_darker_than_all_tones_alike() {
        let [even, paler, darker] =
            [brightness(0.0, 0.0), brightness(1.0, 0.0), brightness(0.0, 1.0)];
        assert!(paler[0] > 1.2 * even[0] && paler[1] == even[1], "{paler:?} {even:?}");
        assert!(darker[1] < 0.7 * even[1] && darker[0] == even[0], "{darker:?} {even:?}");
    }
}
