//! The errors of previewing, starting, listing and cancelling redrive jobs.

use camshaft_event::RedriveId;
use thiserror::Error;

use super::Unavailable;
use crate::ErrorCode;

/// Why an operation on redrive jobs failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RedriveError {
    /// No consumer has the name.
    #[error("there is no consumer \"{consumer}\"")]
    NoSuchConsumer {
        /// The requested name.
        consumer: String,
    },
    /// Another job redrives dead letters of the consumer.
    #[error("redrive job {job} of consumer \"{consumer}\" is running")]
    Running {
        /// The consumer.
        consumer: String,
        /// The running job.
        job: RedriveId,
    },
    /// The selection cannot match any event.
    #[error("the selection is not valid: {reason}")]
    Invalid {
        /// The reason.
        reason: String,
    },
    /// The job does not exist, or was removed because it is too old.
    #[error("there is no redrive job {job}")]
    NotFound {
        /// The requested job.
        job: RedriveId,
    },
    /// The job has already ended.
    #[error("redrive job {job} has ended")]
    Ended {
        /// The requested job.
        job: RedriveId,
    },
    /// The runtime is unavailable.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The tables or the log failed.
    #[error("the redrive jobs could not be read or changed: {reason}")]
    Failed {
        /// The reason.
        reason: String,
    },
}

impl RedriveError {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NoSuchConsumer { .. } => ErrorCode::ConsumerNotFound,
            Self::Running { .. } => ErrorCode::RedriveRunning,
            Self::Invalid { .. } => ErrorCode::InvalidRequest,
            Self::NotFound { .. } => ErrorCode::RedriveNotFound,
            Self::Ended { .. } => ErrorCode::RedriveEnded,
            Self::Unavailable(unavailable) => unavailable.code(),
            Self::Failed { .. } => ErrorCode::Internal,
        }
    }
}

impl From<camshaft_engine::RedriveError> for RedriveError {
    fn from(error: camshaft_engine::RedriveError) -> Self {
        use camshaft_engine::RedriveError as Engine;
        match error {
            Engine::NoSuchConsumer { consumer } => Self::NoSuchConsumer { consumer },
            Engine::Running { consumer, job } => Self::Running { consumer, job },
            Engine::Pattern { .. } => Self::Invalid { reason: error.to_string() },
            Engine::NotFound { job } => Self::NotFound { job },
            Engine::Ended { job } => Self::Ended { job },
            Engine::Unready(unready) => Unavailable::from(unready).into(),
            Engine::Tables(error) => Self::Failed { reason: error.to_string() },
        }
    }
}
