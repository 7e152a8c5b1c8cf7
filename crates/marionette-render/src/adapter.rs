//! Looks for a graphics adapter before Bevy does, because Bevy panics if there is none.

use super::error::RenderError;

/// The adapter that frames are drawn with.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AdapterReport {
    /// The device's name.
    pub name: String,
    /// The driver and its version.
    pub driver: String,
    /// Vulkan, Metal or DX12.
    pub backend: String,
    /// Whether it is a software driver that runs on the CPU.
    pub software: bool,
}

/// The adapter that rendering will use.
///
/// # Errors
/// [`RenderError::NoAdapter`] if there is none.
pub fn find_adapter() -> Result<AdapterReport, RenderError> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: wgpu::Backends::PRIMARY,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let adapter = bevy::tasks::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions {
        power_preference: wgpu::PowerPreference::HighPerformance,
        ..Default::default()
    }))
    .map_err(|_| RenderError::NoAdapter)?;
    let info = adapter.get_info();
    Ok(AdapterReport {
        name: info.name,
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        backend: info.backend.to_string(),
        software: info.device_type == wgpu::DeviceType::Cpu,
    })
}
