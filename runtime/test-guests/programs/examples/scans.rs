//! Sets and deletes keys, and publishes what a scan finds.
use camshaft_sdk::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Pair {
    key: String,
    value: u64,
}

#[handler("test.put")]
fn put(event: Event<Vec<Pair>>, ctx: &mut Context) -> Result {
    for pair in event.data {
        ctx.state().set(&pair.key, &pair.value)?;
    }
    Ok(())
}

#[handler("test.remove")]
fn remove(event: Event<String>, ctx: &mut Context) -> Result {
    ctx.state().delete(&event.data)
}

/// The data is the prefix. Sees its own write of `<prefix>~`, too.
#[handler("test.scan", publishes("test.scanned"))]
fn scan(event: Event<String>, ctx: &mut Context) -> Result {
    ctx.state().set(format!("{}~", event.data), &0)?;
    let mut found: Vec<(String, u64)> = Vec::new();
    for entry in ctx.state().scan::<u64>(&event.data)? {
        let entry = entry?;
        found.push((entry.key_text().into_owned(), entry.value));
    }
    ctx.publish("test.scanned", &found)
}
