//! Pooling and upsampling.
//!
//! Candle 0.11 lacks the gradient of some operations, or gets it wrong. They are composed of others,
//! whose gradients it has.

use crate::kernel::{pool::PoolShape, resize::ResizeShape};
use candle_core::{Device, Result, Tensor, Var};

/// Takes each place of the window from all windows at once, then the maximum or mean over the
/// places.
pub fn pool(shape: &PoolShape, x: &Tensor, max: bool) -> Result<Tensor> {
    let PoolShape { kernel, stride, padding, .. } = *shape;
    // No number is smaller, so the border is never a maximum.
    let outside = if max { f64::from(f32::MIN) } else { 0.0 };
    let padded = pad(&pad(x, 2, padding, outside)?, 3, padding, outside)?;
    let every = |x: &Tensor, dimension: usize, first: usize, count: usize| {
        let places: Vec<u32> = (0..count).map(|place| (first + place * stride) as u32).collect();
        x.index_select(&Tensor::from_vec(places, count, x.device())?, dimension)
    };
    let mut joined: Option<Tensor> = None;
    for ky in 0..kernel {
        for kx in 0..kernel {
            let place =
                every(&every(&padded, 2, ky, shape.out_height())?, 3, kx, shape.out_width())?;
            joined = Some(match joined {
                Some(joined) if max => joined.maximum(&place)?,
                Some(joined) => (joined + place)?,
                None => place,
            });
        }
    }
    let joined = joined.map_or_else(|| x.zeros_like(), Ok)?;
    if max { Ok(joined) } else { joined / (kernel * kernel) as f64 }
}

fn pad(x: &Tensor, dimension: usize, padding: usize, value: f64) -> Result<Tensor> {
    if padding == 0 {
        return Ok(x.clone());
    }
    let mut dims = x.dims().to_vec();
    dims[dimension] = padding;
    let border = Tensor::zeros(dims, x.dtype(), x.device())?.affine(0.0, value)?;
    Tensor::cat(&[&border, x, &border], dimension)
}

/// Along each side it is a product with a matrix of shares.
pub fn resize(shape: &ResizeShape, x: &Tensor) -> Result<Tensor> {
    let shares = |size: usize, device: &Device| {
        let places = shape.places(size);
        let mut matrix = vec![0f32; size * places.len()];
        for (out, between) in places.iter().enumerate() {
            for (place, share) in between {
                matrix[place * places.len() + out] += share;
            }
        }
        Tensor::from_vec(matrix, (size, places.len()), device)?.to_dtype(x.dtype())
    };
    let (columns, rows) = (shares(shape.width, x.device())?, shares(shape.height, x.device())?);
    let wide = x.contiguous()?.broadcast_matmul(&columns)?;
    wide.transpose(2, 3)?.contiguous()?.broadcast_matmul(&rows)?.transpose(2, 3)?.contiguous()
}

/// The gradient of `value`, by candle's own backward pass of `f`.
pub fn by_candle(
    value: &Tensor,
    dy: &Tensor,
    f: impl FnOnce(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let value = Var::from_tensor(value)?;
    let gradients = (f(&value)? * dy)?.sum_all()?.backward()?;
    gradients.get(&value).map_or_else(|| value.zeros_like(), |gradient| Ok(gradient.detach()))
}
