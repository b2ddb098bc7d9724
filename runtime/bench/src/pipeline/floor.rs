//! The floor: what a careful programmer would write for this one job, without a runtime.
//!
//! Reads events from a log file with checksums, keeps state and seen ids in hash maps, appends output, state
//! changes and position in batches of 64, and syncs in a second thread while the next batch is computed.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use camshaft::Event;
use serde::{Deserialize, Serialize};

use super::Work;
use crate::event::event;
use crate::scheduling::raise_this_thread;

const BATCH: usize = 64;

/// Batches that may wait for the sync, as in the runtime a bounded part may be ahead of it.
const AHEAD: usize = 256;

/// What one event adds to the output.
#[derive(Serialize, Deserialize)]
struct Effect<'e> {
    position: u64,
    key: &'e str,
    count: u64,
    output: Event,
}

pub(super) const ABOUT: &str = "checksummed records, state and known ids in hash maps, batches of 64 written and \
                                synced by a second thread";

/// Events per second.
pub(super) fn run(Work { events, bytes }: Work, folder: &Path) -> Result<f64> {
    let (input, output) = (folder.join("input"), folder.join("output"));
    let mut file = std::io::BufWriter::new(File::create(&input)?);
    for number in 0..events {
        write_record(&mut file, &rmp_serde::to_vec(&event(number, bytes))?)?;
    }
    file.into_inner().map_err(|error| error.into_error())?.sync_all()?;
    let started = Instant::now();
    let (sender, receiver) = mpsc::sync_channel::<Vec<u8>>(AHEAD);
    let writer = thread::spawn(move || -> Result<()> {
        raise_this_thread();
        let mut file = File::create(output)?;
        while let Ok(mut buffer) = receiver.recv() {
            while let Ok(mut more) = receiver.try_recv() {
                buffer.append(&mut more);
            }
            file.write_all(&buffer)?;
            file.sync_data()?;
        }
        Ok(())
    });
    handle_all(&mut BufReader::new(File::open(input)?), events, &sender)?;
    drop(sender);
    writer.join().ok().context("the writer panicked")??;
    Ok(events as f64 / started.elapsed().as_secs_f64())
}

fn handle_all(input: &mut impl Read, events: u64, sender: &mpsc::SyncSender<Vec<u8>>) -> Result<()> {
    let mut state: HashMap<String, u64> = HashMap::new();
    let mut seen: HashSet<(String, String)> = HashSet::new();
    let (mut buffer, mut in_batch) = (Vec::new(), 0);
    for position in 0..events {
        let event: Event = rmp_serde::from_slice(&read_record(input)?)?;
        ensure!(seen.insert((event.source.clone(), event.id.clone())), "an event came twice");
        let key = event.partitionkey.clone().context("an event has a key")?;
        let count = state.entry(key.clone()).or_default();
        *count += 1;
        let output = Event {
            id: format!("1-{position}-0"),
            source: "/plugins/updates".into(),
            event_type: "test.updated".into(),
            extensions: vec![
                ("causationid".into(), event.id.clone()),
                ("correlationid".into(), event.correlation().into_owned()),
            ],
            ..event
        };
        let effect = Effect { position, key: &key, count: *count, output };
        write_record(&mut buffer, &rmp_serde::to_vec(&effect)?)?;
        in_batch += 1;
        if in_batch == BATCH || position + 1 == events {
            sender.send(std::mem::take(&mut buffer)).context("the writer ended")?;
            in_batch = 0;
        }
    }
    Ok(())
}

fn write_record(out: &mut impl Write, payload: &[u8]) -> Result<()> {
    out.write_all(&u32::try_from(payload.len())?.to_le_bytes())?;
    out.write_all(&crc32c::crc32c(payload).to_le_bytes())?;
    out.write_all(payload)?;
    Ok(())
}

fn read_record(input: &mut impl Read) -> Result<Vec<u8>> {
    let mut word = [0; 4];
    input.read_exact(&mut word)?;
    let mut payload = vec![0; usize::try_from(u32::from_le_bytes(word))?];
    input.read_exact(&mut word)?;
    input.read_exact(&mut payload)?;
    ensure!(crc32c::crc32c(&payload) == u32::from_le_bytes(word), "a record is damaged");
    Ok(payload)
}
