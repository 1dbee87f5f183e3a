//! What networks are fitted on.

use super::error::LearnError;
#[cfg(feature = "burn")]
pub use burn::tensor::Device;
use serde::{Deserialize, Serialize};

/// Episodes that advance in one bank on the processor: one per SIMD lane.
const LANES: usize = 16;
/// Episodes that advance in one bank on a device, which a few networks leave idle.
const DEVICE_LANES: usize = 512;

/// Where burn computes: nowhere, in a program that was built without it.
#[cfg(not(feature = "burn"))]
#[derive(Clone, Copy, Debug)]
pub enum Device {}

/// What the networks of episodes are fitted on. Predictions are the bank engine's everywhere.
///
/// The processor gives the same bits on every machine; a device does not, and is for learning, not for
/// comparing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// The bank engine.
    #[default]
    Cpu,
    /// burn on the processor: slower, for trying out what a device does.
    Flex,
    /// burn on the default NVIDIA device; needs the feature `cuda`.
    Cuda,
}

impl DeviceKind {
    /// The name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Flex => "flex",
            Self::Cuda => "cuda",
        }
    }

    /// Whether this is the bank engine.
    pub fn is_cpu(&self) -> bool {
        *self == Self::Cpu
    }

    /// How many episodes are best played in one bank.
    pub fn models(self) -> usize {
        if self.is_cpu() { LANES } else { DEVICE_LANES }
    }

    /// burn's device; none for the bank engine.
    ///
    /// # Errors
    /// [`LearnError::NoBurn`] or [`LearnError::NoCuda`] in a program without the feature,
    /// [`LearnError::NoDevice`] on a machine without a device.
    pub fn open(self) -> Result<Option<Device>, LearnError> {
        match self {
            Self::Cpu => Ok(None),
            #[cfg(feature = "burn")]
            Self::Flex => Ok(Some(Device::flex())),
            #[cfg(not(feature = "burn"))]
            Self::Flex => Err(LearnError::NoBurn { what: "device flex".into() }),
            Self::Cuda => cuda().map(Some),
        }
    }
}

#[cfg(feature = "cuda")]
fn cuda() -> Result<Device, LearnError> {
    use burn::tensor::{DeviceIndex, DeviceType};
    if Device::enumerate(DeviceType::Cuda).is_empty() {
        return Err(LearnError::NoDevice);
    }
    Ok(Device::cuda(DeviceIndex::Default))
}

#[cfg(not(feature = "cuda"))]
fn cuda() -> Result<Device, LearnError> {
    Err(LearnError::NoCuda)
}
