//! Writes down what it is shown, so that losses, doubles, disorder and failures that nobody planned can be
//! told. Every seventeenth event of a key is tried twice, by plan.
use camshaft_sdk::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
struct Happened {
    key: String,
    number: u64,
}

/// One key's entry.
#[derive(Default, Deserialize, Serialize)]
struct Entry {
    /// The number of the last event.
    last: u64,
    seen: u64,
    /// Events of its own that came back.
    followed: u64,
    doubled: u64,
    disordered: u64,
    /// Events that were not tried as often as planned.
    failed: u64,
}

#[handler("torture.happened", publishes("torture.seen"))]
fn write_down(event: Event<Happened>, ctx: &mut Context) -> Result {
    let Happened { key, number } = &event.data;
    let planned = if number % 17 == 0 { 2 } else { 1 };
    if ctx.attempt() < planned {
        return Err(Error::retry("as planned"));
    }
    let mut entry = entry(ctx, key)?;
    entry.seen += 1;
    entry.failed += u64::from(ctx.attempt() != planned);
    entry.disordered += u64::from(*number != entry.last + 1);
    entry.last = *number;
    let mark = format!("mark/{key}/{number}");
    entry.doubled += u64::from(ctx.state().get::<u64>(&mark)?.is_some());
    ctx.state().set(mark, &ctx.offset())?;
    ctx.publish("torture.seen", &event.data)?;
    ctx.state().set(format!("ledger/{key}"), &entry)
}

#[handler("torture.seen")]
fn follow(event: Event<Happened>, ctx: &mut Context) -> Result {
    let Happened { key, number } = &event.data;
    let mut entry = entry(ctx, key)?;
    entry.followed += 1;
    entry.disordered += u64::from(*number != entry.followed);
    ctx.state().set(format!("ledger/{key}"), &entry)
}

fn entry(ctx: &Context, key: &str) -> Result<Entry> {
    Ok(ctx.state().get(format!("ledger/{key}"))?.unwrap_or_default())
}
