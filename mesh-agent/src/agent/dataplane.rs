use super::config::{DataPlaneConfig, DataPlaneMode};
use super::error::StartError;
use crate::dataplane::{DataPlane, DataPlaneError, Mode, UserspaceDataPlane};

/// The data plane that is configured, or, where the kernel's is wished for and cannot be had, the one that is
/// always there. What came of it is said once.
///
/// # Errors
/// The kernel's is required and cannot be had.
pub(super) fn open(config: &DataPlaneConfig) -> Result<Box<dyn DataPlane>, StartError> {
    let plane: Box<dyn DataPlane> = match config.mode {
        DataPlaneMode::Userspace => Box::new(UserspaceDataPlane::new("it is configured so")),
        DataPlaneMode::Ebpf => attach(config)?,
        DataPlaneMode::Auto => attach(config).unwrap_or_else(|error| {
            Box::new(UserspaceDataPlane::new(error.to_string())) as Box<dyn DataPlane>
        }),
    };
    match plane.mode() {
        Mode::Ebpf => tracing::info!("the kernel steers connections into the mesh"),
        Mode::Userspace { reason } => {
            tracing::info!(%reason, "applications reach the mesh through upstream listeners");
        }
    }
    Ok(plane)
}

#[cfg(target_os = "linux")]
fn attach(config: &DataPlaneConfig) -> Result<Box<dyn DataPlane>, DataPlaneError> {
    let plane = crate::dataplane::EbpfDataPlane::attach(config.cgroup.as_deref(), &config.pins)?;
    Ok(Box::new(plane))
}

#[cfg(not(target_os = "linux"))]
fn attach(_: &DataPlaneConfig) -> Result<Box<dyn DataPlane>, DataPlaneError> {
    Err(DataPlaneError::new("attached", &"only Linux has what it needs"))
}
