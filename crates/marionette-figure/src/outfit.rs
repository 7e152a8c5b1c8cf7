//! Clothed bodies: garments cover regions of the body, make them thicker, and add parts of their
//! own.

use super::{BodyShape, Figure, RoundCone, WorldBones, kinematics::place_part};

/// The parts of the body and of the garments worn, in the world, metres: first the body's own, in
/// the figure's part order, then those of [`worn_parts`]. `outfit` holds indices of garments,
/// innermost first.
pub fn place_clothed(
    figure: &Figure,
    shape: &BodyShape,
    outfit: &[usize],
    bones: &WorldBones,
) -> Vec<RoundCone> {
    let thickness = |material: usize| {
        let covering = outfit
            .iter()
            .map(|g| &figure.garments[*g])
            .filter(|garment| garment.covers.contains(&material));
        covering.map(|garment| garment.thickness).fold(0.0, f32::max)
    };
    let size = figure.shape.size_of(shape);
    let body = figure.parts[..figure.body_parts]
        .iter()
        .map(|part| place_part(figure, shape, bones, part, thickness(part.material) * size));
    let worn = worn_parts(figure, outfit);
    body.chain(
        worn.into_iter().map(|index| place_part(figure, shape, bones, &figure.parts[index], 0.0)),
    )
    .collect()
}

/// Indices of the parts that the garments of `outfit` bring.
pub fn worn_parts(figure: &Figure, outfit: &[usize]) -> Vec<usize> {
    (figure.body_parts..figure.parts.len())
        .filter(|index| {
            figure.parts[*index].garment.is_some_and(|garment| outfit.contains(&garment))
        })
        .collect()
}
