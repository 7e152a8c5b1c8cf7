//! A network's whole computation on the CPU as one candle operation.
//!
//! candle's backward pass adds every gradient to a fresh tensor of zeros, on one thread, and every
//! operation allocates its result; for a small network that costs as much as the arithmetic. Here a
//! network is one operation of two inputs, the images and the vector of all parameters. The maps in
//! between are kept in channels-last order, in memory that is reused from step to step.

mod clock;
mod layers;
mod memory;
mod pass;
#[cfg(test)]
mod tests;

use super::{
    cpu::{slice, tensor_slice},
    features::Features,
    graph::{Graph, Map},
};
use crate::kernel::norm::Statistics;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use memory::Memory;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub use clock::EngineOperation;
pub use layers::{EPSILON, scale_and_shift};

/// Computes one network.
#[derive(Debug)]
pub struct Engine {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    graph: Arc<Graph>,
    /// Memory that no pass is using.
    spare: Mutex<Vec<Memory>>,
    times: Mutex<[Duration; EngineOperation::ALL.len()]>,
}

/// The memory of one pass, which goes back to the spare memory afterwards. In training it serves
/// from the forward pass until the backward pass is done or given up.
struct Lease {
    shared: Arc<Shared>,
    memory: Option<Memory>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(memory) = self.memory.take() {
            lock(&self.shared.spare).push(memory);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `pass` on a thread of rayon's pool. Any other thread would sleep while each of the pass's
/// hundred and more parts is computed, and have to be woken after it. In turn a thread of the pool
/// that waits for something else may take up a whole pass meanwhile.
fn in_pool<R: Send>(pass: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| pass())
}

impl Engine {
    /// An engine for `graph`.
    pub fn new(graph: Graph) -> Self {
        let shared =
            Shared { graph: Arc::new(graph), spare: Mutex::default(), times: Mutex::default() };
        Self { shared: Arc::new(shared) }
    }

    /// The network that it computes.
    pub fn graph(&self) -> &Arc<Graph> {
        &self.shared.graph
    }

    /// The network's result [B, K, h, w] for `x` [B, C, H, W], with gradients to `parameters` and,
    /// where it wants one, `x`. Batch norm takes the statistics of the batch, which are in the pass,
    /// layer by layer.
    ///
    /// # Errors
    /// If the shapes do not fit or the values are not `f32`.
    pub fn train(&self, x: &Tensor, parameters: &Tensor) -> Result<(Tensor, Pass)> {
        let run = Arc::new(Run { lease: Mutex::new(self.lease()), buffers: None });
        let y = x.contiguous()?.apply_op2(parameters, Operation(run.clone()))?;
        Ok((y, Pass(run)))
    }

    /// The network's result for `x`, without gradients; batch norm takes the running statistics in
    /// `buffers`.
    ///
    /// # Errors
    /// If the shapes do not fit or the values are not `f32`.
    pub fn infer(
        &self,
        x: &Tensor,
        parameters: &Tensor,
        buffers: &Tensor,
    ) -> Result<(Tensor, Pass)> {
        let buffers = buffers.to_vec1::<f32>()?;
        let run = Arc::new(Run { lease: Mutex::new(self.lease()), buffers: Some(buffers) });
        let (x, parameters) = (x.detach().contiguous()?, parameters.detach());
        let y = x.apply_op2_no_bwd(&parameters, &Operation(run.clone()))?;
        Ok((y, Pass(run)))
    }

    /// The time that each operation has taken so far, in the order of [`EngineOperation::ALL`].
    pub fn times(&self) -> [Duration; EngineOperation::ALL.len()] {
        *lock(&self.shared.times)
    }

    fn lease(&self) -> Lease {
        let memory = lock(&self.shared.spare).pop().unwrap_or_default();
        Lease { shared: self.shared.clone(), memory: Some(memory) }
    }
}

/// One pass through the network.
struct Run {
    lease: Mutex<Lease>,
    /// Running statistics, for inference.
    buffers: Option<Vec<f32>>,
}

struct Operation(Arc<Run>);

/// A forward pass that was taken, to ask for what it left behind.
pub struct Pass(Arc<Run>);

impl Pass {
    /// The batch's statistics of every layer with a norm, in order.
    pub fn statistics(&self) -> Vec<Statistics> {
        let lease = lock(&self.0.lease);
        lease.memory.as_ref().map_or_else(Vec::new, |memory| memory.statistics())
    }

    /// What the last layer read.
    pub fn features(&self) -> Features {
        let lease = lock(&self.0.lease);
        let graph = &lease.shared.graph;
        let Map(map) = graph.features();
        let values = lease.memory.as_ref().map_or_else(Vec::new, |memory| memory.maps[map].clone());
        Features { values, size: graph.maps[map] }
    }
}

impl CustomOp2 for Operation {
    fn name(&self) -> &'static str {
        "network"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        parameters: &CpuStorage,
        parameters_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let mut lease = lock(&self.0.lease);
        let Lease { shared, memory } = &mut *lease;
        let Some(memory) = memory else { bail!("network: its memory is gone") };
        let output = shared.graph.maps[shared.graph.layers.len()];
        let batch = shared.graph.batch_of(x_layout.shape())?;
        let (x, parameters) = (slice(x, x_layout)?, slice(parameters, parameters_layout)?);
        let buffers = self.0.buffers.as_deref();
        let y = in_pool(|| memory.forward(&shared.graph, batch, x, parameters, buffers));
        memory.clock.report(&mut lock(&shared.times));
        Ok((CpuStorage::F32(y), Shape::from((batch, output.channels, output.height, output.width))))
    }

    fn bwd(
        &self,
        x: &Tensor,
        parameters: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let dy = dy.contiguous()?;
        let ((storage, layout), (dy_storage, dy_layout)) =
            (parameters.storage_and_layout(), dy.storage_and_layout());
        let (values, dy) = (tensor_slice(&storage, layout)?, tensor_slice(&dy_storage, dy_layout)?);
        let mut lease = lock(&self.0.lease);
        let Lease { shared, memory } = &mut *lease;
        let Some(memory) = memory else { bail!("network: its memory is gone") };
        let want_input = x.track_op();
        let (dparameters, dx) = in_pool(|| memory.backward(&shared.graph, values, dy, want_input));
        memory.clock.report(&mut lock(&shared.times));
        let dparameters = Tensor::from_vec(dparameters, parameters.shape(), parameters.device())?;
        let dx = dx.map(|dx| Tensor::from_vec(dx, x.shape(), x.device())).transpose()?;
        Ok((dx, Some(dparameters)))
    }
}
