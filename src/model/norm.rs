//! Batch normalisation (Ioffe and Szegedy 2015, arXiv 1502.03167), with the rectifier that mostly follows it, as one
//! operation each way.
//!
//! Sums run over one channel at a time, samples in order, in a fixed number of lanes, so the result has the same bits
//! for any number of threads.

use super::cpu::{slice, tensor_slice};
use candle_core::{CpuStorage, CustomOp3, D, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

/// Added to a variance before its root is taken, as in PyTorch.
const EPSILON: f32 = 1e-5;

/// Mean and variance of every channel of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelStatistics {
    /// Mean over (B, H, W).
    pub mean: Vec<f32>,
    /// Biased variance (divided by the number of values) over (B, H, W).
    pub variance: Vec<f32>,
    /// Values per channel, B·H·W.
    pub count: usize,
}

impl ChannelStatistics {
    /// The unbiased variance, which PyTorch puts into the running statistics. Of a single value it is the biased one.
    pub fn unbiased_variance(&self) -> Vec<f32> {
        let correction = self.count as f32 / (self.count.max(2) - 1) as f32;
        self.variance.iter().map(|variance| variance * correction).collect()
    }
}

/// Where the statistics that a batch is normalised with come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The batch itself (training): the gradient flows through them.
    Batch,
    /// Running statistics (evaluation): constants.
    Running,
}

/// The statistics of `x` [B, C, H, W].
///
/// # Errors
/// If `x` is not of rank 4, is empty or, on the CPU, not `f32`.
pub fn channel_statistics(x: &Tensor) -> Result<ChannelStatistics> {
    let (batch, _, height, width) = x.dims4()?;
    let count = batch * height * width;
    if count == 0 {
        bail!("batch norm: empty input {:?}", x.shape());
    }
    let x = x.detach().contiguous()?;
    if !x.device().is_cpu() {
        return composed_statistics(&x, count);
    }
    let (storage, layout) = x.storage_and_layout();
    let planes = Planes::new(layout.shape())?;
    let values = tensor_slice(&storage, layout)?;
    let (mean, variance) = (0..planes.channels)
        .into_par_iter()
        .map(|channel| {
            let total =
                |term: &dyn Fn(&[f32]) -> f64| planes.of(channel).map(|plane| term(&values[plane])).sum::<f64>();
            let mean = total(&|plane| lane_sum(plane, |x| x)) / count as f64;
            let variance = total(&|plane| lane_sum(plane, |x| (x - mean as f32).powi(2))) / count as f64;
            (mean as f32, variance as f32)
        })
        .unzip();
    Ok(ChannelStatistics { mean, variance, count })
}

/// (x - mean) / √(variance + ε) · `gamma` + `beta` per channel of `x` [B, C, H, W], then max(·, 0) if `relu`.
///
/// `statistics` are those of `x` itself (`channel_statistics`) when `source` is `Batch`; the gradient relies on it.
///
/// # Errors
/// If the shapes do not fit or, on the CPU, the values are not `f32`.
pub fn batch_norm(
    x: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    statistics: &ChannelStatistics,
    source: Source,
    relu: bool,
) -> Result<Tensor> {
    let channels = x.dims4()?.1;
    if [gamma.elem_count(), beta.elem_count(), statistics.mean.len(), statistics.variance.len()] != [channels; 4] {
        bail!("batch norm: expected {channels} values per parameter for an input {:?}", x.shape());
    }
    if !x.device().is_cpu() {
        return composed(x, gamma, beta, statistics, source, relu);
    }
    let rstd = statistics.variance.iter().map(|variance| (variance + EPSILON).sqrt().recip()).collect();
    let operation = BatchNorm { mean: statistics.mean.clone(), rstd, source, relu };
    x.contiguous()?.apply_op3(&gamma.contiguous()?, &beta.contiguous()?, operation)
}

/// `channel_statistics` from candle's own operations, for devices other than the CPU.
fn composed_statistics(x: &Tensor, count: usize) -> Result<ChannelStatistics> {
    let mean = x.mean_keepdim((0, 2, 3))?;
    let variance = x.broadcast_sub(&mean)?.sqr()?.mean((0, 2, 3))?;
    Ok(ChannelStatistics { mean: mean.flatten_all()?.to_vec1()?, variance: variance.to_vec1()?, count })
}

/// `batch_norm` from candle's own operations, for devices other than the CPU.
fn composed(
    x: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    statistics: &ChannelStatistics,
    source: Source,
    relu: bool,
) -> Result<Tensor> {
    let shape = (1, statistics.mean.len(), 1, 1);
    let channel_mean = |x: &Tensor| x.mean_keepdim(0)?.mean_keepdim(2)?.mean_keepdim(D::Minus1);
    let (centred, variance) = match source {
        Source::Batch => {
            let centred = x.broadcast_sub(&channel_mean(x)?)?;
            let variance = channel_mean(&centred.sqr()?)?;
            (centred, variance)
        }
        Source::Running => {
            let constant = |values: &[f32]| Tensor::from_slice(values, shape, x.device())?.to_dtype(x.dtype());
            (x.broadcast_sub(&constant(&statistics.mean)?)?, constant(&statistics.variance)?)
        }
    };
    let y = centred
        .broadcast_div(&(variance + f64::from(EPSILON))?.sqrt()?)?
        .broadcast_mul(&gamma.reshape(shape)?)?
        .broadcast_add(&beta.reshape(shape)?)?;
    if relu { y.relu() } else { Ok(y) }
}

struct BatchNorm {
    mean: Vec<f32>,
    rstd: Vec<f32>,
    source: Source,
    relu: bool,
}

impl BatchNorm {
    /// Outputs at or below this value pass no gradient on.
    fn threshold(&self) -> f32 {
        if self.relu { 0.0 } else { f32::NEG_INFINITY }
    }

    /// The gradients of x, gamma and beta from slices of x, gamma, y and dy.
    fn gradients(
        &self,
        planes: &Planes,
        x: &[f32],
        gamma: &[f32],
        y: &[f32],
        dy: &[f32],
    ) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let threshold = self.threshold();
        let (dbeta, dgamma): (Vec<f64>, Vec<f64>) = (0..planes.channels)
            .into_par_iter()
            .map(|channel| {
                let mean = self.mean[channel];
                let (mut sum, mut product) = (0.0, 0.0);
                for plane in planes.of(channel) {
                    let sums = gradient_sums(&x[plane.clone()], &y[plane.clone()], &dy[plane], mean, threshold);
                    (sum, product) = (sum + sums.0, product + sums.1);
                }
                (sum, product * f64::from(self.rstd[channel]))
            })
            .unzip();
        let mut dx = vec![0.0; x.len()];
        let sample = planes.sample_len();
        dx.par_chunks_mut(sample).enumerate().for_each(|(i, dx)| {
            let range = i * sample..(i + 1) * sample;
            let (x, y, dy) = (&x[range.clone()], &y[range.clone()], &dy[range]);
            for (channel, dx) in dx.chunks_exact_mut(planes.cells).enumerate() {
                let plane = channel * planes.cells..(channel + 1) * planes.cells;
                let (mean, rstd) = (self.mean[channel], self.rstd[channel]);
                let scale = gamma[channel] * rstd;
                // dx = γ·rstd·(dy - mean(dy) - x̂·mean(dy·x̂)); the two means come from the batch's statistics alone.
                let count = planes.count() as f64;
                let (shift, slope) = match self.source {
                    Source::Batch => ((dbeta[channel] / count) as f32, (dgamma[channel] / count) as f32 * rstd),
                    Source::Running => (0.0, 0.0),
                };
                for (((dx, x), y), dy) in dx.iter_mut().zip(&x[plane.clone()]).zip(&y[plane.clone()]).zip(&dy[plane]) {
                    *dx = scale * (passed(*y, *dy, threshold) - shift - (x - mean) * slope);
                }
            }
        });
        let single = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect();
        (dx, single(dgamma), single(dbeta))
    }
}

impl CustomOp3 for BatchNorm {
    fn name(&self) -> &'static str {
        "batch-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        gamma: &CpuStorage,
        gamma_layout: &Layout,
        beta: &CpuStorage,
        beta_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let planes = Planes::new(x_layout.shape())?;
        let (x, gamma, beta) = (slice(x, x_layout)?, slice(gamma, gamma_layout)?, slice(beta, beta_layout)?);
        let threshold = self.threshold();
        let mut y = vec![0.0; x.len()];
        y.par_chunks_mut(planes.sample_len()).zip(x.par_chunks(planes.sample_len())).for_each(|(y, x)| {
            for (channel, (y, x)) in y.chunks_exact_mut(planes.cells).zip(x.chunks_exact(planes.cells)).enumerate() {
                let (mean, scale, shift) = (self.mean[channel], self.rstd[channel] * gamma[channel], beta[channel]);
                for (y, x) in y.iter_mut().zip(x) {
                    let value = (x - mean) * scale + shift;
                    // Not `max`, which would turn NaN into 0 and hide it from the trainer.
                    *y = if value < threshold { threshold } else { value };
                }
            }
        });
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        gamma: &Tensor,
        beta: &Tensor,
        y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let dy = dy.contiguous()?;
        let ((x_storage, x_layout), (gamma_storage, gamma_layout)) =
            (x.storage_and_layout(), gamma.storage_and_layout());
        let ((y_storage, y_layout), (dy_storage, dy_layout)) = (y.storage_and_layout(), dy.storage_and_layout());
        let (dx, dgamma, dbeta) = self.gradients(
            &Planes::new(x_layout.shape())?,
            tensor_slice(&x_storage, x_layout)?,
            tensor_slice(&gamma_storage, gamma_layout)?,
            tensor_slice(&y_storage, y_layout)?,
            tensor_slice(&dy_storage, dy_layout)?,
        );
        Ok((
            Some(Tensor::from_vec(dx, x.shape(), x.device())?),
            Some(Tensor::from_vec(dgamma, gamma.shape(), x.device())?),
            Some(Tensor::from_vec(dbeta, beta.shape(), x.device())?),
        ))
    }
}

/// How [B, C, H, W] lies in memory: B·C planes of H·W cells.
struct Planes {
    batch: usize,
    channels: usize,
    cells: usize,
}

impl Planes {
    fn new(shape: &Shape) -> Result<Self> {
        let (batch, channels, height, width) = shape.dims4()?;
        if shape.elem_count() == 0 {
            bail!("batch norm: empty input {shape:?}");
        }
        Ok(Self { batch, channels, cells: height * width })
    }

    fn sample_len(&self) -> usize {
        self.channels * self.cells
    }

    /// Values per channel.
    fn count(&self) -> usize {
        self.batch * self.cells
    }

    /// Where the planes of a channel lie, sample by sample.
    fn of(&self, channel: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
        let (cells, step) = (self.cells, self.sample_len());
        (0..self.batch).map(move |sample| {
            let start = sample * step + channel * cells;
            start..start + cells
        })
    }
}

/// Sums are kept in this many lanes, for the compiler to vectorise them without reordering any.
const LANES: usize = 16;

fn lane_sum(values: &[f32], term: impl Fn(f32) -> f32) -> f64 {
    let (pieces, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0f32; LANES];
    for piece in pieces {
        for (lane, value) in lanes.iter_mut().zip(piece) {
            *lane += term(*value);
        }
    }
    lanes.iter().map(|lane| f64::from(*lane)).sum::<f64>() + rest.iter().map(|x| f64::from(term(*x))).sum::<f64>()
}

/// Σ dy and Σ dy·(x - mean) over a plane's cells with y above the threshold.
fn gradient_sums(x: &[f32], y: &[f32], dy: &[f32], mean: f32, threshold: f32) -> (f64, f64) {
    let mut sums = [0.0f32; LANES];
    let mut products = [0.0f32; LANES];
    let ((x, x_rest), (y, y_rest), (dy, dy_rest)) =
        (x.as_chunks::<LANES>(), y.as_chunks::<LANES>(), dy.as_chunks::<LANES>());
    for ((x, y), dy) in x.iter().zip(y).zip(dy) {
        for lane in 0..LANES {
            let dy = passed(y[lane], dy[lane], threshold);
            sums[lane] += dy;
            products[lane] += dy * (x[lane] - mean);
        }
    }
    for (lane, ((x, y), dy)) in x_rest.iter().zip(y_rest).zip(dy_rest).enumerate() {
        let dy = passed(*y, *dy, threshold);
        sums[lane] += dy;
        products[lane] += dy * (x - mean);
    }
    let total = |lanes: [f32; LANES]| lanes.iter().map(|lane| f64::from(*lane)).sum();
    (total(sums), total(products))
}

/// The part of `dy` that a rectifier with the output `y` lets through. Taken by value: read behind the condition, `dy`
/// would cost a branch that no predictor can guess.
#[inline(always)]
fn passed(y: f32, dy: f32, threshold: f32) -> f32 {
    if y <= threshold { 0.0 } else { dy }
}

#[cfg(test)]
mod tests;
