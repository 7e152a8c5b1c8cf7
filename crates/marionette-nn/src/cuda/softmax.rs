//! Softmax over the cells of heatmaps.

use super::{combining, hold, launch, size, storage, tensor, unwritten, view};
use candle_core::{CudaDevice, CudaStorage, Layout, Result, Tensor, bail};

/// Number of maps and of the cells of each, of values that lie map by map.
fn maps(count: usize, cells: usize) -> Result<(usize, u32)> {
    if cells == 0 {
        bail!("softmax: maps have no cells");
    }
    Ok((count / cells, size(cells)?))
}

/// `mass` (one per map) times softmax of every map of `cells` values of `x`.
///
/// # Errors
/// If the device fails.
pub fn softmax_times(
    (x, x_layout): (&CudaStorage, &Layout),
    (mass, mass_layout): (&CudaStorage, &Layout),
    cells: usize,
) -> Result<CudaStorage> {
    let device = &x.device;
    let count = x_layout.shape().elem_count();
    let (maps, cells) = maps(count, cells)?;
    let (x, mass) = (&view(x, x_layout)?, &view(mass, mass_layout)?);
    let mut y = unwritten(device, count)?;
    launch!(device, "softmax_times", combining(maps)?, [x, mass, &mut y, &cells]);
    Ok(storage(y, device))
}

/// The divergence of every map of `cells` values of `x` from its target.
///
/// # Errors
/// If the device fails.
pub fn divergence(
    (x, x_layout): (&CudaStorage, &Layout),
    (target, target_layout): (&CudaStorage, &Layout),
    cells: usize,
) -> Result<CudaStorage> {
    let device = &x.device;
    let (maps, cells) = maps(x_layout.shape().elem_count(), cells)?;
    let (x, target) = (&view(x, x_layout)?, &view(target, target_layout)?);
    let mut values = unwritten(device, maps)?;
    launch!(device, "divergence", combining(maps)?, [x, target, &mut values, &cells]);
    Ok(storage(values, device))
}

/// The gradient of [`divergence`] by `x`, from that of its result.
///
/// # Errors
/// If the device fails.
pub fn divergence_gradient(
    device: &CudaDevice,
    x: &Tensor,
    target: &Tensor,
    dy: &Tensor,
    cells: usize,
) -> Result<Tensor> {
    let (maps, cells) = maps(x.elem_count(), cells)?;
    let held = (hold(x), hold(target), hold(dy));
    let (from, target, dy) = (&held.0.view()?, &held.1.view()?, &held.2.view()?);
    let mut dx = unwritten(device, x.elem_count())?;
    launch!(device, "divergence_gradient", combining(maps)?, [from, target, dy, &mut dx, &cells]);
    Ok(tensor(dx, x.shape(), device))
}
