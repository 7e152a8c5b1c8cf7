//! The norm's kernels on a CUDA device.

use super::norm::{Norm, NormGradients};
use candle_core::{
    CudaDevice, CudaStorage, Device, Result, Shape, Storage, Tensor, bail,
    cuda_backend::{
        WrapErr,
        cudarc::{
            driver::{CudaSlice, CudaView, LaunchConfig, PushKernelArg},
            nvrtc::compile_ptx,
        },
    },
    op::BackpropOp,
};
use std::{
    ops::{Deref, Range},
    sync::OnceLock,
};

/// The kernels, and the name under which a device keeps them.
const SOURCE: &str = include_str!("norm.cu");
const MODULE: &str = "marionette-norm";
/// Threads of a block that sums; a power of two.
const SUMMING: u32 = 512;
/// Threads of a block of single values.
const SINGLE: u32 = 256;

/// The sizes of maps [B, C, h, w], as kernels take them.
struct Sizes {
    values: u64,
    batch: u32,
    channels: u32,
    plane: u32,
}

impl Sizes {
    fn of(x: &Tensor) -> Result<Self> {
        let (batch, channels, height, width) = x.dims4()?;
        let [batch, channels, plane] =
            [batch, channels, height * width].map(|size| u32::try_from(size).unwrap_or(u32::MAX));
        if u64::from(batch) * u64::from(plane) > u64::from(u32::MAX) {
            bail!("norm: maps of {:?} are too large", x.dims());
        }
        Ok(Sizes { values: x.elem_count() as u64, batch, channels, plane })
    }

    /// A block for every channel.
    fn summing(&self) -> LaunchConfig {
        LaunchConfig {
            grid_dim: (self.channels, 1, 1),
            block_dim: (SUMMING, 1, 1),
            shared_mem_bytes: 0,
        }
    }

    /// A thread for every value.
    fn single(&self) -> LaunchConfig {
        LaunchConfig {
            grid_dim: (self.values.div_ceil(u64::from(SINGLE)) as u32, 1, 1),
            block_dim: (SINGLE, 1, 1),
            shared_mem_bytes: 0,
        }
    }
}

fn device(x: &Tensor) -> Result<&CudaDevice> {
    match x.device() {
        Device::Cuda(device) => Ok(device),
        _ => bail!("norm: expected a map on a CUDA device"),
    }
}

/// The kernels as a device takes them.
fn compiled() -> Result<&'static str> {
    static COMPILED: OnceLock<std::result::Result<String, String>> = OnceLock::new();
    let compile = || compile_ptx(SOURCE).map(|ptx| ptx.to_src()).map_err(|e| format!("{e:?}"));
    match COMPILED.get_or_init(compile) {
        Ok(ptx) => Ok(ptx),
        Err(error) => bail!("norm: its kernels do not compile: {error}"),
    }
}

/// A tensor's values on the device, as long as they are read.
struct Held<S> {
    storage: S,
    range: Range<usize>,
}

fn hold<const N: usize>(tensors: [&Tensor; N]) -> Result<[Held<impl Deref<Target = Storage>>; N]> {
    let mut held = Vec::with_capacity(N);
    for tensor in tensors {
        let (storage, layout) = tensor.storage_and_layout();
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("norm: expected values that lie in order, found {layout:?}")
        };
        held.push(Held { storage, range: start..end });
    }
    let Ok(held) = held.try_into() else { bail!("norm: expected {N} tensors") };
    Ok(held)
}

fn views<S: Deref<Target = Storage>, const N: usize>(
    held: &[Held<S>; N],
) -> Result<[CudaView<'_, f32>; N]> {
    let mut views = Vec::with_capacity(N);
    for Held { storage, range } in held {
        let Storage::Cuda(storage) = &**storage else {
            bail!("norm: expected a tensor on a CUDA device")
        };
        views.push(storage.as_cuda_slice::<f32>()?.slice(range.clone()));
    }
    let Ok(views) = views.try_into() else { bail!("norm: expected {N} tensors") };
    Ok(views)
}

/// A kernel's result, which nothing has written yet.
fn unwritten(device: &CudaDevice, count: usize) -> Result<CudaSlice<f32>> {
    #[allow(unsafe_code)]
    // SAFETY: every caller's kernel writes each value before anything else is queued that reads it.
    unsafe {
        device.alloc::<f32>(count)
    }
}

fn tensor(slice: CudaSlice<f32>, shape: impl Into<Shape>, device: &CudaDevice) -> Tensor {
    let storage = CudaStorage::wrap_cuda_slice(slice, device.clone());
    Tensor::from_storage(Storage::Cuda(storage), shape, BackpropOp::none(), false)
}

/// Queues `$kernel` with the arguments, which are those that it has in `norm.cu`.
macro_rules! launch {
    ($device:expr, $kernel:literal, $config:expr, [$($argument:expr),+ $(,)?]) => {{
        let function = $device.get_or_load_custom_func($kernel, MODULE, compiled()?)?;
        let mut builder = function.builder();
        $(builder.arg($argument);)+
        #[allow(unsafe_code)]
        // SAFETY: number, order and types of the arguments are those in `norm.cu`, and no kernel reads or writes beyond
        // the sizes that it is given, which are those of the slices.
        unsafe { builder.launch($config) }.w()?;
    }};
}

/// Mean and variance of every channel of `raw` [B, C, h, w]: [2 C].
pub fn moments(raw: &Tensor) -> Result<Tensor> {
    let (device, sizes) = (device(raw)?, Sizes::of(raw)?);
    let held = hold([raw])?;
    let [x] = views(&held)?;
    let count = 2 * sizes.channels as usize;
    let mut moments = unwritten(device, count)?;
    let (blocks, Sizes { batch, channels, plane, .. }) = (sizes.summing(), &sizes);
    launch!(device, "norm_moments", blocks, [&x, &mut moments, batch, channels, plane]);
    Ok(tensor(moments, count, device))
}

/// As [`Norm::forward`].
pub fn forward(norm: &Norm, shortcut: Option<&Tensor>, relu: bool) -> Result<Tensor> {
    let Norm { raw, moments, affine } = norm;
    let (device, sizes) = (device(raw)?, Sizes::of(raw)?);
    let held = hold([raw, moments, affine, shortcut.unwrap_or(raw)])?;
    let [x, moments, affine, added] = &views(&held)?;
    let mut y = unwritten(device, raw.elem_count())?;
    let (plus, relu) = (&u32::from(shortcut.is_some()), &u32::from(relu));
    let (threads, Sizes { values, channels, plane, .. }) = (sizes.single(), &sizes);
    launch!(
        device,
        "norm_apply",
        threads,
        [x, moments, affine, added, &mut y, values, channels, plane, plus, relu]
    );
    Ok(tensor(y, raw.shape(), device))
}

/// As [`Norm::backward`].
pub fn backward(norm: &Norm, gradient: &Tensor, y: &Tensor, relu: bool) -> Result<NormGradients> {
    let Norm { raw, moments, affine } = norm;
    let (device, sizes) = (device(raw)?, Sizes::of(raw)?);
    let gradient = gradient.contiguous()?;
    let held = hold([&gradient, y, raw, moments, affine])?;
    let [gradient, y, x, moments, affine] = &views(&held)?;
    let Sizes { values, batch, channels, plane } = &sizes;
    let relu = &u32::from(relu);

    let affine_count = 2 * sizes.channels as usize;
    let mut sums = unwritten(device, affine_count)?;
    launch!(
        device,
        "norm_sums",
        sizes.summing(),
        [gradient, y, x, moments, &mut sums, batch, channels, plane, relu]
    );

    let mut counting = unwritten(device, raw.elem_count())?;
    let mut dx = unwritten(device, raw.elem_count())?;
    launch!(
        device,
        "norm_gradient",
        sizes.single(),
        [
            gradient,
            y,
            x,
            moments,
            affine,
            &sums,
            &mut counting,
            &mut dx,
            values,
            batch,
            channels,
            plane,
            relu
        ]
    );
    Ok(NormGradients {
        shortcut: tensor(counting, raw.shape(), device),
        raw: tensor(dx, raw.shape(), device),
        affine: tensor(sums, affine_count, device),
    })
}
