//! How a command ends that could not do what it was asked.

use std::process::ExitCode;

use crate::bus::BusError;
use crate::config::SettingsError;
use crate::service::StartError;
use crate::store::StoreError;
use crate::telemetry::TelemetryError;

/// Why a command could not do what it was asked: one line, and the exit status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The command line or the settings are wrong: exit status 2, nothing was done.
    #[error("{0}")]
    Usage(String),
    /// It was tried and failed: exit status 1.
    #[error("{0}")]
    Failed(String),
}

impl Failure {
    /// The exit status.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Failed(_) => ExitCode::from(1),
            Self::Usage(_) => ExitCode::from(2),
        }
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<BusError> for Failure {
    fn from(error: BusError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<TelemetryError> for Failure {
    fn from(error: TelemetryError) -> Self {
        Self::Failed(error.to_string())
    }
}
