//! Redrive jobs as operators preview, start, watch and cancel them. The engine drives them.

use camshaft_event::RedriveId;
use camshaft_event::transaction::RedriveSelection;

use super::{Runtime, shown};
use crate::RedriveError;
use crate::view::{RedrivePreview, RedriveRequest, RedriveView};

/// How many ids a preview shows.
const SHOWN_FIRST: usize = 20;

impl Runtime {
    /// What a redrive job would take now. Changes nothing.
    ///
    /// # Errors
    /// An unknown consumer, or a runtime that stopped before what is shown was durable.
    pub async fn preview_redrive(&self, request: RedriveRequest) -> Result<RedrivePreview, RedriveError> {
        let selection = RedriveSelection::from(request);
        let sequencer = &self.0.core.sequencer;
        let preview = sequencer.preview_redrive(&selection, SHOWN_FIRST)?;
        let sequence = sequencer.lock().sequenced().sequence;
        self.0.core.durable.wait_for(sequence).await?;
        Ok(shown::preview(&selection.consumer, &preview))
    }

    /// Starts a job that redrives the dead letters that the request selects, in order. Returns once that is durable;
    /// the job goes on by itself, also after a restart.
    ///
    /// # Errors
    /// See [`RedriveError`].
    pub async fn start_redrive(&self, request: RedriveRequest) -> Result<RedriveView, RedriveError> {
        let core = &self.0.core;
        core.check_open()?;
        let (now, rate) = (core.now(), request.rate);
        let selection = RedriveSelection::from(request);
        let started = core.step(|sequencer| {
            let id = sequencer.start_redrive(selection, rate, now)?;
            let status = sequencer.redrive_job(id).ok_or(RedriveError::NotFound { job: id })?;
            Ok::<_, RedriveError>((status, sequencer.sequenced().sequence))
        });
        let (status, sequence) = started?;
        core.durable.wait_for(sequence).await?;
        Ok(shown::redrive(status))
    }

    /// Stops a job; what it has redriven stays redriven. Returns once that is durable.
    ///
    /// # Errors
    /// See [`RedriveError`].
    pub async fn cancel_redrive(&self, id: RedriveId) -> Result<(), RedriveError> {
        let core = &self.0.core;
        core.check_open()?;
        let now = core.now();
        let cancelled =
            core.step(|sequencer| sequencer.cancel_redrive(id, now).map(|()| sequencer.sequenced().sequence));
        Ok(core.durable.wait_for(cancelled?).await?)
    }

    /// The redrive jobs, oldest first. Of those that have ended the oldest are forgotten beyond a hundred.
    ///
    /// # Errors
    /// A runtime that stopped before what is shown was durable.
    pub async fn redrives(&self) -> Result<Vec<RedriveView>, RedriveError> {
        let (jobs, sequence) = {
            let sequencer = self.0.core.sequencer.lock();
            (sequencer.redrive_jobs(), sequencer.sequenced().sequence)
        };
        self.0.core.durable.wait_for(sequence).await?;
        Ok(jobs.into_iter().map(shown::redrive).collect())
    }

    /// One redrive job.
    ///
    /// # Errors
    /// No such job, or a runtime that stopped before what is shown was durable.
    pub async fn redrive_job(&self, id: RedriveId) -> Result<RedriveView, RedriveError> {
        let (job, sequence) = {
            let sequencer = self.0.core.sequencer.lock();
            (sequencer.redrive_job(id), sequencer.sequenced().sequence)
        };
        self.0.core.durable.wait_for(sequence).await?;
        Ok(shown::redrive(job.ok_or(RedriveError::NotFound { job: id })?))
    }
}
