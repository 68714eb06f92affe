//! How a command ends that could not do what it was asked.

use std::process::ExitCode;

use crate::config::SettingsError;

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
