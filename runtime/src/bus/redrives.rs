//! Redrive jobs: operators preview, start, watch and cancel them. The engine runs them.

use camshaft_event::RedriveId;
use camshaft_event::transaction::RedriveSelection;

use super::{Runtime, shown};
use crate::RedriveError;
use crate::view::{RedrivePreview, RedriveRequest, RedriveView};

/// How many ids a preview shows.
const SHOWN_FIRST: usize = 20;

impl Runtime {
    /// Returns the dead letters that a redrive job would select now. Changes nothing.
    ///
    /// # Errors
    /// An unknown consumer, or a runtime that stopped before the result was durable.
    pub async fn preview_redrive(&self, request: RedriveRequest) -> Result<RedrivePreview, RedriveError> {
        let selection = RedriveSelection::from(request);
        let core = &self.0.core;
        let read = core.read_durably(|sequencer| sequencer.preview_redrive(&selection, SHOWN_FIRST));
        let preview = read.await??;
        Ok(shown::preview(&selection.consumer, &preview))
    }

    /// Starts a job that redrives the dead letters that the request selects, in order. Returns once the start
    /// is durable. The job continues by itself, also after a restart.
    ///
    /// # Errors
    /// See [`RedriveError`].
    pub async fn start_redrive(&self, request: RedriveRequest) -> Result<RedriveView, RedriveError> {
        let rate = request.rate;
        let selection = RedriveSelection::from(request);
        let started = self.0.core.change(|sequencer, now| {
            let id = sequencer.start_redrive(selection, rate, now)?;
            let status = sequencer.redrive_job(id).ok_or(RedriveError::NotFound { job: id })?;
            Ok::<_, RedriveError>((status, sequencer.sequenced().sequence))
        });
        Ok(shown::redrive(started.await?))
    }

    /// Cancels a job. Dead letters that it has redriven stay redriven. Returns once that is durable.
    ///
    /// # Errors
    /// See [`RedriveError`].
    pub async fn cancel_redrive(&self, id: RedriveId) -> Result<(), RedriveError> {
        let cancelled = self.0.core.change(|sequencer, now| {
            sequencer.cancel_redrive(id, now)?;
            Ok(((), sequencer.sequenced().sequence))
        });
        cancelled.await
    }

    /// Lists the redrive jobs, oldest first. At most a hundred are kept; the oldest ended jobs are removed
    /// first.
    ///
    /// # Errors
    /// A runtime that stopped before the result was durable.
    pub async fn redrives(&self) -> Result<Vec<RedriveView>, RedriveError> {
        let jobs = self.0.core.read_durably(|sequencer| sequencer.lock().redrive_jobs()).await?;
        Ok(jobs.into_iter().map(shown::redrive).collect())
    }

    /// Returns one redrive job.
    ///
    /// # Errors
    /// No such job, or a runtime that stopped before the result was durable.
    pub async fn redrive_job(&self, id: RedriveId) -> Result<RedriveView, RedriveError> {
        let job = self.0.core.read_durably(|sequencer| sequencer.lock().redrive_job(id)).await?;
        Ok(shown::redrive(job.ok_or(RedriveError::NotFound { job: id })?))
    }
}
