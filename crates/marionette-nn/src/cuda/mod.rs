//! Kernels of our own on CUDA devices, and what launching them takes.
//!
//! They are compiled by NVRTC when one of them is first used; candle links it in any case.

mod norm;
mod optim;
mod softmax;

use candle_core::{
    CudaDevice, CudaStorage, Layout, Result, Shape, Storage, Tensor, bail,
    cuda_backend::cudarc::{
        driver::{CudaSlice, CudaView, CudaViewMut, LaunchConfig},
        nvrtc::compile_ptx,
    },
    op::BackpropOp,
};
use std::{
    ops::{Deref, Range},
    sync::OnceLock,
};

pub use norm::{backward as norm_backward, forward as norm_forward, moments as norm_moments};
pub use optim::{adamw, running_mean};
pub use softmax::{divergence, divergence_gradient, softmax_times};

/// All kernels, and the name under which a device keeps them.
const SOURCE: &str = concat!(
    include_str!("kernels/common.cu"),
    include_str!("kernels/norm.cu"),
    include_str!("kernels/softmax.cu"),
    include_str!("kernels/optim.cu"),
);
const MODULE: &str = "marionette";
/// Threads of a block that combines values; a power of two.
const COMBINING: u32 = 512;
/// Threads of a block of single values.
const SINGLE: u32 = 256;

/// The kernels as a device takes them.
fn compiled() -> Result<&'static str> {
    static COMPILED: OnceLock<std::result::Result<String, String>> = OnceLock::new();
    let compile = || compile_ptx(SOURCE).map(|ptx| ptx.to_src()).map_err(|e| format!("{e:?}"));
    match COMPILED.get_or_init(compile) {
        Ok(ptx) => Ok(ptx),
        Err(error) => bail!("the kernels for CUDA do not compile: {error}"),
    }
}

/// Queues a kernel with its arguments.
macro_rules! launch {
    ($device:expr, $kernel:literal, $config:expr, [$($argument:expr),+ $(,)?]) => {{
        use candle_core::cuda_backend::{WrapErr, cudarc::driver::PushKernelArg};
        let function =
            $device.get_or_load_custom_func($kernel, $crate::cuda::MODULE, $crate::cuda::compiled()?)?;
        let mut builder = function.builder();
        $(builder.arg($argument);)+
        #[allow(unsafe_code)]
        // SAFETY: number, order and types of the arguments are the kernel's, and no kernel reads or writes beyond the
        // sizes that it is given, which are those of the slices.
        unsafe { builder.launch($config) }.w()?;
    }};
}
use launch;

/// A block for each of `blocks` rows, whose threads combine the row's values.
fn combining(blocks: usize) -> Result<LaunchConfig> {
    config(blocks, COMBINING)
}

/// A thread for each of `values`.
fn single(values: usize) -> Result<LaunchConfig> {
    config(values.div_ceil(SINGLE as usize), SINGLE)
}

fn config(blocks: usize, threads: u32) -> Result<LaunchConfig> {
    Ok(LaunchConfig {
        grid_dim: (size(blocks)?, 1, 1),
        block_dim: (threads, 1, 1),
        shared_mem_bytes: 0,
    })
}

/// A size as kernels take it.
fn size(size: usize) -> Result<u32> {
    // More blocks than that are refused by the device.
    match i32::try_from(size) {
        Ok(size) => Ok(size as u32),
        Err(_) => bail!("{size} values are too many for one kernel"),
    }
}

/// Where the values of a tensor lie, one after the other.
fn range(layout: &Layout) -> Result<Range<usize>> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(start..end),
        None => bail!("expected a contiguous tensor, found {layout:?}"),
    }
}

/// The values of a contiguous tensor, from the storage that a custom operation gets.
fn view<'a>(storage: &'a CudaStorage, layout: &Layout) -> Result<CudaView<'a, f32>> {
    Ok(storage.as_cuda_slice::<f32>()?.slice(range(layout)?))
}

/// As [`view`], to be changed.
fn view_mut<'a>(storage: &'a mut CudaStorage, layout: &Layout) -> Result<CudaViewMut<'a, f32>> {
    Ok(storage.as_cuda_slice_mut::<f32>()?.slice_mut(range(layout)?))
}

/// The storage of a tensor on a device, as long as it is read.
struct Held<S> {
    storage: S,
    layout: Layout,
}

impl<S: Deref<Target = Storage>> Held<S> {
    fn view(&self) -> Result<CudaView<'_, f32>> {
        match &*self.storage {
            Storage::Cuda(storage) => view(storage, &self.layout),
            _ => bail!("expected a tensor on a CUDA device"),
        }
    }
}

fn hold(tensor: &Tensor) -> Held<impl Deref<Target = Storage>> {
    let (storage, layout) = tensor.storage_and_layout();
    Held { storage, layout: layout.clone() }
}

/// A kernel's result, which nothing has written yet.
fn unwritten(device: &CudaDevice, count: usize) -> Result<CudaSlice<f32>> {
    #[allow(unsafe_code)]
    // SAFETY: every caller's kernel writes each value before anything is queued that reads it.
    unsafe {
        device.alloc::<f32>(count)
    }
}

fn storage(values: CudaSlice<f32>, device: &CudaDevice) -> CudaStorage {
    CudaStorage::wrap_cuda_slice(values, device.clone())
}

fn tensor(values: CudaSlice<f32>, shape: impl Into<Shape>, device: &CudaDevice) -> Tensor {
    let storage = Storage::Cuda(storage(values, device));
    Tensor::from_storage(storage, shape, BackpropOp::none(), false)
}
