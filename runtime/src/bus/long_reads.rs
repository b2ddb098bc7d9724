//! Long reads: of listings and of the log, on threads of their own, a few at a time.
//!
//! They wait for the disk and turn what they read into text, so they would keep the threads that serve HTTP.
//! Each takes the sequencer's lock for bounded steps only.

use std::sync::Arc;

use camshaft_engine::SharedSequencer;
use tokio::sync::Semaphore;

use super::Runtime;
use crate::Unavailable;
use crate::compose::EmbeddedStore;

/// Long reads at a time. Others wait for their turn.
const AT_ONCE: usize = 2;

/// Bytes after which a page of a listing is full, however few items it holds.
pub(crate) const PAGE_BYTES: usize = 4 << 20;

/// The turns of long reads. Listings, the log and folds have their own, since some take longer than others.
pub(super) struct LongReads {
    listings: Arc<Semaphore>,
    log: Arc<Semaphore>,
    folds: Arc<Semaphore>,
}

impl Default for LongReads {
    fn default() -> Self {
        let turns = || Arc::new(Semaphore::new(AT_ONCE));
        Self { listings: turns(), log: turns(), folds: turns() }
    }
}

impl Runtime {
    /// Reads a listing, and returns it once all of it is durable. `failed` makes an error of a panic.
    pub(super) async fn read_long<T: Send + 'static, E: From<Unavailable> + Send + 'static>(
        &self,
        read: impl FnOnce(&SharedSequencer<EmbeddedStore>) -> Result<T, E> + Send + 'static,
        failed: impl FnOnce(String) -> E,
    ) -> Result<T, E> {
        self.read_in_turn(&self.0.long_reads.listings, read, failed).await
    }

    /// The same for a read that calls `evolve` of an aggregate.
    pub(super) async fn read_fold<T: Send + 'static, E: From<Unavailable> + Send + 'static>(
        &self,
        read: impl FnOnce(&SharedSequencer<EmbeddedStore>) -> Result<T, E> + Send + 'static,
        failed: impl FnOnce(String) -> E,
    ) -> Result<T, E> {
        self.read_in_turn(&self.0.long_reads.folds, read, failed).await
    }

    async fn read_in_turn<T: Send + 'static, E: From<Unavailable> + Send + 'static>(
        &self,
        turns: &Arc<Semaphore>,
        read: impl FnOnce(&SharedSequencer<EmbeddedStore>) -> Result<T, E> + Send + 'static,
        failed: impl FnOnce(String) -> E,
    ) -> Result<T, E> {
        let core = Arc::clone(&self.0.core);
        let read = run(turns, move || core.read_unsettled(read)).await;
        self.0.core.settle(read.map_err(failed)?).await?
    }

    /// Turns what was read for a listing into text.
    pub(super) async fn render<T: Send + 'static>(
        &self,
        render: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, String> {
        run(&self.0.long_reads.listings, render).await
    }

    /// Reads the log.
    pub(super) async fn read_log<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, String> {
        run(&self.0.long_reads.log, read).await
    }
}

/// Runs `read` in its turn; fails only if it panics or the process ends.
async fn run<T: Send + 'static>(
    turns: &Arc<Semaphore>,
    read: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let turn = Arc::clone(turns).acquire_owned().await.map_err(|error| error.to_string())?;
    let read = move || {
        // IMPORTANT: it lasts as long as the thread, not as long as the client that asked.
        let _turn = turn;
        read()
    };
    tokio::task::spawn_blocking(read).await.map_err(|error| error.to_string())
}
