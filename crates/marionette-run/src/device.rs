//! Where the network is trained: everything that is particular to a device is here.

use candle_core::Device;
use std::fmt::Display;

/// A device that was asked for and cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("device \"{name}\" cannot be used: {reason}")]
pub struct DeviceError {
    name: String,
    reason: String,
}

impl DeviceError {
    /// Why the device cannot be used, and what would do.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Opens the device called `name`: "auto", "cpu", "cuda:N" or "metal". "auto" is the first CUDA or
/// Metal device that this build and this machine have, else the CPU; a run has chosen before
/// (`choose_device`).
///
/// # Errors
/// Where the build lacks the device's feature or the machine lacks the device.
pub fn open_device(name: &str) -> Result<Device, DeviceError> {
    let unusable = |reason: String| DeviceError { name: name.to_owned(), reason };
    let opened = |device: candle_core::Result<Device>| device.map_err(|e| unusable(first_line(&e)));
    match name {
        "cpu" => Ok(Device::Cpu),
        "auto" if cfg!(feature = "cuda") => Ok(Device::new_cuda(0).unwrap_or(Device::Cpu)),
        "auto" if cfg!(feature = "metal") => Ok(Device::new_metal(0).unwrap_or(Device::Cpu)),
        "auto" => Ok(Device::Cpu),
        "metal" if cfg!(feature = "metal") => opened(Device::new_metal(0)),
        "metal" => Err(unusable("this build has no Metal; build with `--features metal`".into())),
        _ => match name.strip_prefix("cuda:").map(str::parse) {
            Some(Ok(_)) if !cfg!(feature = "cuda") => {
                Err(unusable("this build has no CUDA; build with `--features cuda`".into()))
            }
            Some(Ok(ordinal)) => opened(Device::new_cuda(ordinal)),
            _ => Err(unusable("give auto, cpu, cuda:N or metal".into())),
        },
    }
}

/// Lets products of matrices on `device` round their factors to TF32, or not. It holds for all CUDA
/// devices of the process.
///
/// # Errors
/// If it is wanted of another device than CUDA's.
pub fn allow_tf32(wanted: bool, device: &Device) -> Result<(), DeviceError> {
    #[cfg(feature = "cuda")]
    candle_core::cuda::set_gemm_reduced_precision_f32(wanted);
    if wanted && !device.is_cuda() {
        let reason = "only CUDA devices have TF32; set tf32 to false".to_owned();
        return Err(DeviceError { name: device_name(device), reason });
    }
    Ok(())
}

/// What an error says, without the stack that candle's message may go on with.
pub(super) fn first_line(error: &dyn Display) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// A short name of an opened device, for people.
pub fn device_name(device: &Device) -> String {
    match device.location() {
        candle_core::DeviceLocation::Cpu => "cpu".to_owned(),
        candle_core::DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
        candle_core::DeviceLocation::Metal { gpu_id } => format!("metal:{gpu_id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_card_rounds_to_tf32() {
        assert!(allow_tf32(false, &Device::Cpu).is_ok());
        let refused = allow_tf32(true, &Device::Cpu).unwrap_err().to_string();
        assert!(refused.contains("cpu") && refused.contains("tf32"), "{refused}");
    }
}
