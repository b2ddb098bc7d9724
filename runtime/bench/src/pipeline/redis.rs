//! Redis' turn: a native consumer of a stream's group that does by hand what the runtime does for a plugin.
//!
//! State and the ids of events that were handled are keys; all effects of a batch and its acknowledgement are
//! one transaction.

use std::collections::HashMap;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamId, StreamReadReply};

use super::Work;
use crate::event::{OUTPUT, SOURCE, TYPE, event};
use crate::peers::Redis;

pub(super) const ABOUT: &str = "a native consumer of a group: 64 entries a read, one MGET of their state and known ids, \
                                and one MULTI with states, ids (kept 7 days), published entries and acknowledgement";

/// Entries handled together.
pub(crate) const BATCH: u64 = 64;

/// Entries published together.
const PUBLISH: u64 = 256;

/// How long an id is known, in seconds, as with the runtime.
const KNOWN: u64 = 7 * 24 * 3600;

/// Events per second.
pub(super) async fn run(server: &Redis, work: Work) -> Result<f64> {
    let mut connection = server.connect().await?;
    fill(&mut connection, work).await?;
    group(&mut connection).await?;
    let started = Instant::now();
    let mut handled = 0;
    while handled < work.events {
        let ids = handle_batch(&mut connection, BATCH).await?;
        ensure!(!ids.is_empty(), "{handled} of {} events were handled", work.events);
        handled += u64::try_from(ids.len())?;
    }
    Ok(handled as f64 / started.elapsed().as_secs_f64())
}

async fn fill(connection: &mut MultiplexedConnection, work: Work) -> Result<()> {
    for first in (0..work.events).step_by(usize::try_from(PUBLISH)?) {
        let mut pipe = redis::pipe();
        for number in first..work.events.min(first + PUBLISH) {
            add(&mut pipe, &event(number, work.bytes));
        }
        pipe.query_async::<()>(connection).await?;
    }
    Ok(())
}

/// Adds the publish of an event to what is sent.
pub(crate) fn add(pipe: &mut redis::Pipeline, event: &camshaft::Event) {
    let key = event.partitionkey.as_deref().unwrap_or_default();
    pipe.cmd("XADD").arg(&[TYPE, "*", "id"]).arg(format!("{SOURCE}/{}", event.id));
    pipe.arg("key").arg(key).arg("data").arg(&event.data).ignore();
}

/// Makes the group that handles the stream from its beginning.
pub(crate) async fn group(connection: &mut MultiplexedConnection) -> Result<()> {
    let mut make = redis::cmd("XGROUP");
    make.arg(&["CREATE", TYPE, "updates", "0", "MKSTREAM"]);
    Ok(make.query_async(connection).await?)
}

/// Handles the next entries, at most `batch`, and returns the ids of their events.
pub(crate) async fn handle_batch(connection: &mut MultiplexedConnection, batch: u64) -> Result<Vec<String>> {
    let entries = read(connection, batch).await?;
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let mut asked = redis::cmd("MGET");
    let mut events = Vec::new();
    for entry in &entries {
        let field = |name: &str| entry.map.get(name).with_context(|| format!("an entry has a {name}"));
        let (id, key): (String, String) =
            (redis::from_redis_value_ref(field("id")?)?, redis::from_redis_value_ref(field("key")?)?);
        let data: Vec<u8> = redis::from_redis_value_ref(field("data")?)?;
        asked.arg(format!("state:{key}")).arg(format!("known:{id}"));
        events.push((id, key, data));
    }
    let found: Vec<Option<u64>> = asked.query_async(connection).await?;
    let mut counts: HashMap<&str, u64> = HashMap::new();
    let mut effects = redis::pipe();
    effects.atomic();
    for ((id, key, data), found) in events.iter().zip(found.chunks(2)) {
        let [count, None] = found else { continue };
        let count = counts.entry(key).or_insert(count.unwrap_or(0));
        *count += 1;
        effects.cmd("SET").arg(format!("known:{id}")).arg(1).arg("EX").arg(KNOWN).ignore();
        effects.cmd("XADD").arg(&[OUTPUT, "*", "cause", id, "key", key, "data"]).arg(data).ignore();
    }
    for (key, count) in counts {
        effects.cmd("SET").arg(format!("state:{key}")).arg(count).ignore();
    }
    let ids: Vec<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
    effects.cmd("XACK").arg(TYPE).arg("updates").arg(ids).ignore();
    effects.query_async::<()>(connection).await?;
    Ok(events.into_iter().map(|(id, ..)| id).collect())
}

/// The next entries; waits a little if there are none.
async fn read(connection: &mut MultiplexedConnection, batch: u64) -> Result<Vec<StreamId>> {
    let mut read = redis::cmd("XREADGROUP");
    read.arg(&["GROUP", "updates", "worker", "COUNT"]).arg(batch).arg("BLOCK").arg(100);
    read.arg("STREAMS").arg(TYPE).arg(">");
    let reply: Option<StreamReadReply> = read.query_async(connection).await?;
    Ok(reply.into_iter().flat_map(|reply| reply.keys).flat_map(|stream| stream.ids).collect())
}
