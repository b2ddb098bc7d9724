//! `camshaft-bench-extism CALLS`: prints how many nanoseconds one call of an Extism plugin takes.
//!
//! Started by `camshaft-bench call`, once a round. The plugin is given an event as bytes, copies it into its
//! own memory as every plugin of a development kit does, and ignores it.

use std::time::Instant;

use anyhow::Context;
use extism::{Manifest, Plugin, Wasm};
use serde::Serialize;

/// The plugin, in WebAssembly's text form.
const PLUGIN: &str = include_str!("ignores.wat");

/// The event of the other contenders.
#[derive(Serialize)]
struct Event<'a> {
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    data: &'a [u8],
}

fn main() -> anyhow::Result<()> {
    let calls: u32 = std::env::args().nth(1).context("how many calls?")?.parse()?;
    let mut plugin = Plugin::new(Manifest::new([Wasm::data(PLUGIN)]), [], false)?;
    let event = Event { id: "1", source: "/bench", event_type: "test.event", data: &[7; 256] };
    run(&mut plugin, &event, calls / 10)?;
    let started = Instant::now();
    run(&mut plugin, &event, calls)?;
    println!("{}", started.elapsed().as_nanos() as f64 / f64::from(calls));
    Ok(())
}

fn run(plugin: &mut Plugin, event: &Event, calls: u32) -> anyhow::Result<()> {
    for _ in 0..calls {
        let input = rmp_serde::to_vec(event)?;
        plugin.call::<&[u8], ()>("handle", &input)?;
    }
    Ok(())
}
