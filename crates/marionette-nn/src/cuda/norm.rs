//! Batch norm, with the shortcut and the rectifier that follow it.

use super::{combining, hold, launch, single, size, tensor, unwritten};
use crate::composed::norm::{Norm, NormGradients};
use candle_core::{CudaDevice, Result, Tensor};

/// Images, channels, and pixels of maps [B, C, h, w].
fn sizes(x: &Tensor) -> Result<[u32; 3]> {
    let (batch, channels, height, width) = x.dims4()?;
    // A thread counts through a channel's values of all images.
    size(batch * height * width)?;
    Ok([size(batch)?, size(channels)?, size(height * width)?])
}

/// Mean and variance of every channel of `raw` [B, C, h, w]: [2 C].
///
/// # Errors
/// If the device fails.
pub fn moments(device: &CudaDevice, raw: &Tensor) -> Result<Tensor> {
    let [batch, channels, plane] = &sizes(raw)?;
    let x = hold(raw);
    let count = 2 * *channels as usize;
    let mut moments = unwritten(device, count)?;
    let blocks = combining(*channels as usize)?;
    let x = &x.view()?;
    launch!(device, "norm_moments", blocks, [x, &mut moments, batch, channels, plane]);
    Ok(tensor(moments, count, device))
}

/// As [`Norm::forward`].
///
/// # Errors
/// If the device fails.
pub fn forward(
    device: &CudaDevice,
    norm: &Norm,
    shortcut: Option<&Tensor>,
    relu: bool,
) -> Result<Tensor> {
    let Norm { raw, moments, affine } = norm;
    let [_, channels, plane] = &sizes(raw)?;
    let count = raw.elem_count();
    let held = (hold(raw), hold(moments), hold(affine), hold(shortcut.unwrap_or(raw)));
    let (x, moments, affine, added) =
        (&held.0.view()?, &held.1.view()?, &held.2.view()?, &held.3.view()?);
    let mut y = unwritten(device, count)?;
    let (values, plus, relu) = (&(count as u64), &u32::from(shortcut.is_some()), &u32::from(relu));
    launch!(
        device,
        "norm_apply",
        single(count)?,
        [x, moments, affine, added, &mut y, values, channels, plane, plus, relu]
    );
    Ok(tensor(y, raw.shape(), device))
}

/// As [`Norm::backward`].
///
/// # Errors
/// If the device fails.
pub fn backward(
    device: &CudaDevice,
    norm: &Norm,
    gradient: &Tensor,
    y: &Tensor,
    relu: bool,
) -> Result<NormGradients> {
    let Norm { raw, moments, affine } = norm;
    let gradient = gradient.contiguous()?;
    let [batch, channels, plane] = &sizes(raw)?;
    let (count, affine_count) = (raw.elem_count(), 2 * *channels as usize);
    let held = (hold(&gradient), hold(y), hold(raw), hold(moments), hold(affine));
    let (gradient, y, x) = (&held.0.view()?, &held.1.view()?, &held.2.view()?);
    let (moments, affine) = (&held.3.view()?, &held.4.view()?);
    let (values, relu) = (&(count as u64), &u32::from(relu));

    let mut sums = unwritten(device, affine_count)?;
    launch!(
        device,
        "norm_sums",
        combining(*channels as usize)?,
        [gradient, y, x, moments, &mut sums, batch, channels, plane, relu]
    );

    let mut counting = unwritten(device, count)?;
    let mut dx = unwritten(device, count)?;
    let results = (&mut counting, &mut dx);
    launch!(
        device,
        "norm_gradient",
        single(count)?,
        [
            gradient, y, x, moments, affine, &sums, results.0, results.1, values, batch, channels,
            plane, relu
        ]
    );
    Ok(NormGradients {
        shortcut: tensor(counting, raw.shape(), device),
        raw: tensor(dx, raw.shape(), device),
        affine: tensor(sums, affine_count, device),
    })
}
