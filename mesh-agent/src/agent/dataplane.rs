use super::config::{DataPlaneConfig, DataPlaneMode};
use super::error::StartError;
use crate::dataplane::{
    Accelerate, Acceleration, DataPlane, DataPlaneError, Finding, Mode, UserspaceDataPlane,
};

/// A data plane, and what was found out about it.
pub(super) struct Opened {
    pub plane: Box<dyn DataPlane>,
    pub acceleration: Acceleration,
}

/// The data plane that is configured, or, where the kernel's is wished for and cannot be had, the one that is
/// always there. What came of it is said once.
///
/// # Errors
/// The kernel's is required and cannot be had.
pub(super) fn open(config: &DataPlaneConfig) -> Result<Opened, StartError> {
    let mut plane: Box<dyn DataPlane> = match config.mode {
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
    let acceleration = acceleration(&mut *plane, config.accelerate);
    Ok(Opened { plane, acceleration })
}

fn acceleration(plane: &mut dyn DataPlane, wish: Accelerate) -> Acceleration {
    let finding = match wish {
        _ if plane.mode() != Mode::Ebpf => Finding::Doubtful("the kernel does not steer".to_owned()),
        Accelerate::Auto | Accelerate::NonBlocking => plane.try_acceleration(),
        Accelerate::Off | Accelerate::On => Finding::Doubtful("nobody has tried".to_owned()),
    };
    let found = Acceleration::new(wish, finding);
    tracing::info!(acceleration = found.told(), "messages between services of this host");
    found
}

#[cfg(target_os = "linux")]
fn attach(config: &DataPlaneConfig) -> Result<Box<dyn DataPlane>, DataPlaneError> {
    let object = config.object.as_deref();
    Ok(Box::new(crate::dataplane::EbpfDataPlane::attach(config.cgroup.as_deref(), &config.pins, object)?))
}

#[cfg(not(target_os = "linux"))]
fn attach(_: &DataPlaneConfig) -> Result<Box<dyn DataPlane>, DataPlaneError> {
    Err(DataPlaneError::new("attached", &"only Linux has what it needs"))
}
