//! The optimizer's steps.

use super::{hold, launch, single, view, view_mut};
use crate::optim::{Descend, Mean};
use candle_core::{CudaStorage, Layout, Result, Tensor};

/// As [`Mean`] says.
///
/// # Errors
/// If the device fails.
pub fn running_mean(
    of: &Mean,
    (mean, mean_layout): (&mut CudaStorage, &Layout),
    (gradient, gradient_layout): (&CudaStorage, &Layout),
) -> Result<()> {
    let device = &gradient.device;
    let count = mean_layout.shape().elem_count();
    let (mean, gradient) = (&mut view_mut(mean, mean_layout)?, &view(gradient, gradient_layout)?);
    let [kept, new, factor] = &[of.kept, of.new, of.factor].map(|value| value as f32);
    let (values, square) = (&(count as u64), &u32::from(of.square));
    launch!(
        device,
        "running_mean",
        single(count)?,
        [mean, gradient, values, kept, new, factor, square]
    );
    Ok(())
}

/// As [`Descend`] says, where the masks of what decays and of what is learned are 1.
///
/// # Errors
/// If the device fails.
pub fn adamw(
    descend: &Descend,
    (value, layout): (&mut CudaStorage, &Layout),
    (first, first_layout): (&CudaStorage, &Layout),
    (second, second_layout): (&CudaStorage, &Layout),
    [decaying, learned]: &[Tensor; 2],
) -> Result<()> {
    let device = &first.device;
    let count = layout.shape().elem_count();
    let held = (hold(decaying), hold(learned));
    let (decaying, learned) = (&held.0.view()?, &held.1.view()?);
    let (first, second) = (&view(first, first_layout)?, &view(second, second_layout)?);
    let value = &mut view_mut(value, layout)?;
    let Descend { rate, deviation, epsilon, kept } = *descend;
    let [rate, deviation, epsilon, kept] =
        &[rate, deviation, epsilon, kept].map(|value| value as f32);
    let values = &(count as u64);
    launch!(
        device,
        "adamw",
        single(count)?,
        [value, first, second, decaying, learned, values, rate, deviation, epsilon, kept]
    );
    Ok(())
}
