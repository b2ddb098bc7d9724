//! Why redrive jobs could not be previewed, started, shown or cancelled.

use camshaft_event::RedriveId;
use thiserror::Error;

use super::Unavailable;
use crate::ErrorCode;

/// Why an act on redrive jobs did not happen.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RedriveError {
    /// No consumer has the name.
    #[error("there is no consumer \"{consumer}\"")]
    NoSuchConsumer {
        /// The name asked for.
        consumer: String,
    },
    /// Another job redrives dead letters of the consumer.
    #[error("redrive job {job} of consumer \"{consumer}\" is running")]
    Running {
        /// The consumer.
        consumer: String,
        /// The job that runs.
        job: RedriveId,
    },
    /// A selection that no event can match.
    #[error("the selection is not valid: {reason}")]
    Invalid {
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such job, or it is so old that it was forgotten.
    #[error("there is no redrive job {job}")]
    NotFound {
        /// The job asked for.
        job: RedriveId,
    },
    /// The job does not run any more.
    #[error("redrive job {job} has ended")]
    Ended {
        /// The job asked for.
        job: RedriveId,
    },
    /// The runtime cannot do it now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The tables or the log refused.
    #[error("the redrive jobs could not be reached: {reason}")]
    Failed {
        /// What went wrong.
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
