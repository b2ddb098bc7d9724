//! Opening the tables and recovering from them; where they are damaged, making them anew from a whole log.
//!
//! A log that still begins with its first record holds all that the tables do. Damaged tables are moved
//! aside, never deleted. Without such a log, damage to one consumer's entries pauses that consumer, and other
//! damage stops the start.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use camshaft_engine::{EngineOptions, RecoverError, Sequencer};
use camshaft_event::{Sequence, Transaction};
use camshaft_log::{LogReader, RealDisk, Verify};
use camshaft_tables::{Tables, TablesError};

use super::EmbeddedStore;
use super::budget::Budget;
use super::open::{refuse_log, unusable};
use crate::OpenError;

/// How often a start that takes long says how far it is.
const TELL_INTERVAL: Duration = Duration::from_secs(2);

/// Where tables come from.
pub(super) struct Source<'s> {
    pub(super) data: &'s Path,
    pub(super) memory: u64,
    pub(super) disk: &'s RealDisk,
}

impl Source<'_> {
    /// The tables; empty ones if they are damaged and the log can fill them again.
    pub(super) fn open(&self) -> Result<Tables<EmbeddedStore>, OpenError> {
        match self.try_open() {
            Err(error) if error.is_damage() && self.is_log_whole()? => {
                self.set_aside(&error)?;
                self.try_open().map_err(|error| refuse_tables(self.data, error))
            }
            other => other.map_err(|error| refuse_tables(self.data, error)),
        }
    }

    /// A sequencer over the tables and the log after them; over tables made anew if these turn out damaged
    /// and the log can fill new ones.
    pub(super) fn recover(
        &self,
        options: &Arc<EngineOptions>,
        tables: Tables<EmbeddedStore>,
        log: &dyn LogReader,
    ) -> Result<Sequencer<EmbeddedStore>, OpenError> {
        let recovered = self.try_recover(options, tables, log);
        let reason = match &recovered {
            Err(RecoverError::Tables(error)) if error.is_damage() => error.to_string(),
            Ok(sequencer) => match sequencer.damaged().as_slice() {
                [] => return recovered.map_err(|error| refuse_recovery(self.data, error)),
                names => format!("entries of {} are damaged", names.join(", ")),
            },
            Err(_) => return recovered.map_err(|error| refuse_recovery(self.data, error)),
        };
        if !self.is_log_whole()? {
            return recovered.map_err(|error| refuse_recovery(self.data, error));
        }
        // It holds the store's folder.
        drop(recovered);
        self.set_aside(&reason)?;
        let tables = self.try_open().map_err(|error| refuse_tables(self.data, error))?;
        self.try_recover(options, tables, log).map_err(|error| refuse_recovery(self.data, error))
    }

    fn try_open(&self) -> Result<Tables<EmbeddedStore>, TablesError> {
        let store = EmbeddedStore::open(&self.folder(), Budget::of(self.memory).cache)?;
        Tables::open(Arc::new(store))
    }

    fn try_recover(
        &self,
        options: &Arc<EngineOptions>,
        tables: Tables<EmbeddedStore>,
        log: &dyn LogReader,
    ) -> Result<Sequencer<EmbeddedStore>, RecoverError> {
        let (last, mut told) = (log.bounds().last_sequence, Instant::now());
        Sequencer::recover(Arc::clone(options), tables, log, &mut |Sequence(sequence)| {
            if told.elapsed() >= TELL_INTERVAL {
                told = Instant::now();
                tracing::info!(sequence, last, "applying the log to the tables");
            }
        })
    }

    /// Whether the log holds everything from its first record on, and all of it is sound.
    fn is_log_whole(&self) -> Result<bool, OpenError> {
        let what = Verify {
            durable: 0,
            each: &mut |record| {
                Transaction::decode(record.payload).map(|_| ()).map_err(|error| error.to_string())
            },
            progress: &mut |_| {},
        };
        let verified = camshaft_log::verify(self.disk, what).map_err(|error| refuse_log(self.data, error))?;
        Ok(verified.first_sequence == 1 && verified.damage.is_empty())
    }

    fn folder(&self) -> PathBuf {
        self.data.join("tables")
    }

    /// Moves damaged tables aside.
    fn set_aside(&self, reason: &dyn std::fmt::Display) -> Result<(), OpenError> {
        let kept = free_name(self.data).map_err(|error| unusable(self.data, &error))?;
        let moved = fs::rename(self.folder(), &kept).and_then(|()| fs::File::open(self.data)?.sync_all());
        moved.map_err(|error| unusable(self.data, &error))?;
        tracing::warn!(
            %reason,
            kept = %kept.display(),
            "the tables are damaged: rebuilding them from the log, keeping the damaged ones"
        );
        Ok(())
    }
}

/// Where damaged tables go.
fn free_name(data: &Path) -> io::Result<PathBuf> {
    for number in 1_u32.. {
        let name = data.join(format!("tables.damaged-{number}"));
        if !name.try_exists()? {
            return Ok(name);
        }
    }
    Err(io::Error::other("too many damaged tables are kept"))
}

fn refuse_tables(data: &Path, error: TablesError) -> OpenError {
    match error {
        TablesError::NewerFormat { found } => OpenError::NewerFormat {
            data: data.to_owned(),
            found: u32::from(found),
            supported: u32::from(TablesError::SUPPORTED_FORMAT),
        },
        error if error.is_damage() => {
            let reason = format!(
                "{error}. The log was trimmed or is also damaged, so the tables cannot be rebuilt from it. \
                 `camshaft verify` lists all damage"
            );
            OpenError::Corrupt { data: data.to_owned(), reason }
        }
        TablesError::Store(error) => unusable(data, &error),
        other => OpenError::Corrupt { data: data.to_owned(), reason: other.to_string() },
    }
}

fn refuse_recovery(data: &Path, error: RecoverError) -> OpenError {
    match error {
        RecoverError::Log(error) => refuse_log(data, error),
        RecoverError::Tables(error) => refuse_tables(data, error),
        other => OpenError::Corrupt { data: data.to_owned(), reason: other.to_string() },
    }
}
