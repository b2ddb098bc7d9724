//! What the host adds to a call: an event handed to a plugin that ignores it, beside the same component
//! called through wasmtime's typed function alone, beside an Extism plugin that does the same, and beside a
//! native closure.

mod context;
mod extism;
mod raw;

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, ensure};
use camshaft::Event;
use camshaft_event::{Answer, Generation, Offset};
use camshaft_host::{Host, HostOptions, Instance};

use crate::bench::Bench;
use crate::measure::interleave;
use crate::report::{Better, Grid, Report};
use raw::Raw;

pub use context::QuietContext;

/// Size of an event's data.
const DATA_BYTES: usize = 256;

#[derive(Clone, Copy)]
enum Contender {
    Host,
    Raw,
    Extism,
    Native,
}

const CONTENDERS: [Contender; 4] = [Contender::Host, Contender::Raw, Contender::Extism, Contender::Native];

impl Contender {
    const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Raw => "raw typed call",
            Self::Extism => "Extism",
            Self::Native => "native closure",
        }
    }
}

pub fn run(bench: &Bench) -> Result<Report> {
    let calls: u32 = bench.scale(300_000, 10_000);
    let rounds = bench.rounds(9);
    let file = camshaft_test_guests::component("ignores");
    let event = Event {
        id: "1".into(),
        source: "/bench".into(),
        event_type: "test.event".into(),
        data: vec![7; DATA_BYTES],
        ..Event::default()
    };
    let cache = bench.data()?;
    let host = Host::new(HostOptions::new(cache.path()))?;
    let plugin = host.load(file, None)?;
    let prepared = plugin.prepare::<QuietContext>()?;
    let mut through_host = prepared.instantiate()?;
    let mut raw = Raw::new(file)?;
    // Behind a pointer, as the runtime holds closures.
    let native: Box<dyn Fn(&Event)> = black_box(Box::new(|event| _ = black_box(event.data.len())));
    let results = interleave(rounds, &CONTENDERS, |contender, _, bar| {
        bar.set_message(contender.name());
        let started = Instant::now();
        for _ in 0..calls {
            match contender {
                Contender::Host => call_host(&mut through_host, &event)?,
                Contender::Raw => raw.call(&event)?,
                Contender::Extism => {
                    return bench
                        .extism
                        .as_deref()
                        .map(|program| extism::measure(program, calls))
                        .transpose();
                }
                Contender::Native => native(black_box(&event)),
            }
        }
        Ok(Some(started.elapsed().as_nanos() as f64 / f64::from(calls)))
    })?;
    let names = CONTENDERS.map(Contender::name);
    let mut grid =
        Grid::new("a call whose handler does nothing", "ns", Better::Lower, names).base("raw typed call");
    let times = results.into_iter().map(|times| times.into_iter().flatten().collect());
    grid.row(format!("{DATA_BYTES} bytes"), times.collect());
    let report = Report::new("call", "An event handed to a plugin that ignores it; instances are reused.")
        .setting("calls a round", calls.to_string())
        .setting("rounds", rounds.to_string())
        .setting("Extism", extism::ABOUT);
    Ok(Report { grids: vec![grid], ..report })
}

fn call_host(instance: &mut Instance<QuietContext>, event: &Event) -> Result<()> {
    let context = QuietContext { offset: Offset(1), generation: Generation(1) };
    let (answer, _) = instance.call(event, context);
    ensure!(answer == Answer::Done, "the handler answered {answer:?}");
    Ok(())
}
