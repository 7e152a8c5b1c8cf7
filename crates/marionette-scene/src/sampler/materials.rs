//! The colours of things: what a figure file says of its materials, and what varies about it.

use super::clothes::{camouflage, cloth_color, fabric, outfit};
use crate::colors::{any_color, vivid_color};
use glam::Vec3;
use marionette_figure::{Figure, Material};
use marionette_stream::{Backdrop, Fabric, FigureSample, PartLook};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};

/// In how many samples materials have any colours instead of their own, and how often each has
/// then, so that a network does not rely on a paint that somebody may have ordered in another
/// colour. All other samples look as the file says.
const REPAINTED: f32 = 0.3;
const ANY_COLOR: f32 = 0.5;
/// Materials that only bodies of people have: those of figure files without `[[materials]]`.
const OF_PEOPLE: [&str; 3] = ["skin", "eyes", "lips"];
/// Most fabrics of a figure: nine figures share the 128 of a tile. Materials beyond these have the
/// fabric of the first one, in their own colours.
const MOST_FABRICS: usize = 14;
/// A threshold that no pattern reaches.
const NO_PATTERN: f32 = 2.0;

/// Whether a figure has colours of its own, by its file's `[[materials]]` or because it neither
/// wears anything nor has skin.
pub(super) fn given(figure: &Figure) -> bool {
    let of_people = |name: &String| OF_PEOPLE.contains(&name.as_str());
    figure.made_of.iter().any(Option::is_some)
        || (figure.garments.is_empty() && !figure.materials.iter().any(of_people))
}

/// A colour and what is seen on it, as an index into a sample's fabrics.
type Look = (Vec3, usize);

/// Gives a posed figure its colours and places its parts. `blend` is how far they take on the
/// backdrop's.
pub(super) fn finish(
    figure: &Figure,
    sample: &mut FigureSample,
    backdrop: &Backdrop,
    blend: f32,
    rng: &mut ChaCha8Rng,
) {
    let around = backdrop.colors.iter().sum::<Vec3>() / backdrop.colors.len() as f32;
    sample.outfit = outfit(figure, rng);
    let hide = |look: (Vec3, Fabric), rng: &mut ChaCha8Rng| {
        let hidden = backdrop.colors[rng.random_range(0..backdrop.colors.len())].lerp(around, 0.5);
        let (color, mut mottled) = camouflage(backdrop, around, rng);
        mottled.pitch /= figure.stature;
        if rng.random::<f32>() < blend * blend {
            return (color, mottled);
        }
        let second = look.1.second.lerp(hidden, blend);
        (look.0.lerp(hidden, blend), Fabric { second, ..look.1 })
    };
    let repainted = rng.random::<f32>() < REPAINTED;
    let mut fabrics: Vec<Fabric> = Vec::new();
    let mut looks: Vec<Look> = Vec::new();
    for made_of in &figure.made_of {
        let alike = rng.random::<f32>();
        let like = made_of.as_ref().and_then(|material| material.like);
        let own = own_look(made_of.as_ref(), repainted, figure.stature, rng);
        // What never varies takes on no other colours either: eyes are seen in any camouflage.
        let hidden = hide(own, rng);
        let (color, fabric) =
            if made_of.as_ref().is_some_and(|m| m.spread == 0.0) { own } else { hidden };
        looks.push(match like {
            Some((other, share)) if alike < share && other < looks.len() => looks[other],
            _ => (color, index_of(&mut fabrics, fabric)),
        });
    }
    // What garments are of that bring no material of their own.
    let cloths: Vec<Look> = figure
        .slots
        .iter()
        .map(|_| {
            let cloth = (cloth_color(rng), fabric(cloth_color(rng), rng));
            let (color, fabric) = hide(cloth, rng);
            (color, index_of(&mut fabrics, fabric))
        })
        .collect();
    let worn = marionette_figure::worn_parts(figure, &sample.outfit);
    let all: Vec<Look> = (0..figure.body_parts)
        .chain(worn)
        .map(|index| {
            let part = &figure.parts[index];
            let covers =
                |garment: &&usize| figure.garments[**garment].covers.contains(&part.material);
            let brought = part.garment.filter(|_| figure.made_of[part.material].is_none());
            let cloth = brought.or(sample.outfit.iter().rev().find(covers).copied());
            cloth.map_or(looks[part.material], |garment| cloths[figure.garments[garment].slot])
        })
        .collect();
    sample.fabrics = fabrics;
    sample.looks =
        all.iter().map(|(_, fabric)| PartLook { fabric: *fabric, ..PartLook::default() }).collect();
    sample.part_colors = all.into_iter().map(|(color, _)| color).collect();
    sample.place(figure);
}

/// The index of `fabric`, which is added if there is room.
fn index_of(fabrics: &mut Vec<Fabric>, fabric: Fabric) -> usize {
    match fabrics.iter().position(|known| *known == fabric) {
        Some(index) => index,
        None if fabrics.len() < MOST_FABRICS => {
            fabrics.push(fabric);
            fabrics.len() - 1
        }
        None => 0,
    }
}

/// The colour and the fabric of a material, of which the file may say nothing.
fn own_look(
    made_of: Option<&Material>,
    repainted: bool,
    stature: f32,
    rng: &mut ChaCha8Rng,
) -> (Vec3, Fabric) {
    let plain = Fabric { threshold: NO_PATTERN, ..Fabric::default() };
    let painted = if rng.random::<bool>() { vivid_color(rng) } else { any_color(rng) };
    let any = rng.random::<f32>() < ANY_COLOR && repainted;
    let Some(material) = made_of else { return (painted, plain) };
    let [first, second] = [(); 2].map(|()| {
        let color = material.colors[rng.random_range(0..material.colors.len())];
        varied(color, material.spread, rng)
    });
    let mut between = |low: f32, high: f32| low + (high - low) * rng.random::<f32>();
    let (threshold, cells) = (between(-0.15, 0.4), between(3.0, 9.0) / stature);
    let patched = between(0.0, 1.0) < material.patches;
    let color = if any && material.spread > 0.0 { painted } else { first };
    let fabric =
        Fabric { folds: material.texture, gloss: (1.0 - material.roughness).powi(2), ..plain };
    let patches =
        Fabric { second, waves: Vec3::Z, threshold, pitch: Vec3::new(1.0, 1.0, cells), ..fabric };
    (color, if patched { patches } else { fabric })
}

/// The colour, lighter or darker, and of a little different hue.
fn varied(color: Vec3, spread: f32, rng: &mut ChaCha8Rng) -> Vec3 {
    let mut normal = || {
        let z: f32 = StandardNormal.sample(rng);
        z.clamp(-2.5, 2.5) * spread
    };
    let all = normal();
    let each = Vec3::new(normal(), normal(), normal()) / 3.0;
    (color * (each + all).exp()).min(Vec3::splat(0.95))
}

#[cfg(test)]
mod tests {
    use crate::{Sampler, load_scene, load_scene_with_figure};
    use glam::Vec3;

    /// The colours of the arm's part `name` in 200 samples at this much camouflage, and the
    /// backdrops' means.
    fn colors(name: &str, camouflage: f32) -> Vec<(Vec3, Vec3)> {
        let scene = load_scene("workcell").unwrap();
        let part = scene.figure.parts.iter().position(|part| part.name == name).unwrap();
        let mut hardness = [0.0; 8];
        hardness[marionette_stream::HardnessAxis::Camouflage as usize] = camouflage;
        (0..200)
            .map(|index| {
                let sample = Sampler::new(&scene, |_| None).sample_at(hardness, 1, index, 0);
                let around = sample.backdrop.colors.iter().sum::<Vec3>() / 3.0;
                (sample.figures[0].part_colors[part], around)
            })
            .collect()
    }

    #[test]
    fn a_material_is_mostly_of_its_own_colour_and_sometimes_of_any() {
        let dark =
            colors("hose", 0.0).iter().filter(|(color, _)| color.max_element() < 0.03).count();
        assert!((140..190).contains(&dark), "{dark} of 200 hoses are black");
    }

    #[test]
    fn camouflage_takes_colours_of_the_backdrop() {
        let apart = |camouflage: f32| -> f32 {
            colors("pedestal", camouflage).iter().map(|(own, around)| own.distance(*around)).sum()
        };
        assert!(apart(1.0) < 0.6 * apart(0.0), "{} and {}", apart(1.0), apart(0.0));
    }

    #[test]
    fn people_wear_what_they_wore_and_dogs_have_eyes_of_one_colour() {
        let human = load_scene("quickstart").unwrap();
        assert!(!super::given(&human.figure));
        let scene = load_scene_with_figure("all", "dog").unwrap();
        let eye = scene.figure.parts.iter().position(|part| part.name == "left_eye").unwrap();
        let color = |index: u64| {
            let sample = Sampler::new(&scene, |_| None).sample_at([1.0; 8], 1, index, 0);
            sample.figures[0].part_colors[eye]
        };
        assert!((1..50).all(|index| color(index) == color(0)));
    }
}
