//! What the host adds to a call: an event handed to a plugin that ignores it, beside the same component called
//! through wasmtime's typed function alone, and beside a native closure.

mod context;

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use camshaft::Event;
use camshaft_event::{Answer, Generation, Offset};
use camshaft_host::{Host, HostOptions, Instance};
use clap::Parser;
use wasmtime::component::{Component, ComponentType, Lift, Linker, Lower, TypedFunc};
use wasmtime::{Config, Engine, Store};

pub use context::QuietContext;

use crate::measure::{Figure, interleave, median, report};

/// Measures the cost of a call.
#[derive(Parser)]
pub struct Arguments {
    /// Fewer calls and rounds, to see that it works.
    #[arg(long)]
    quick: bool,
    /// Write the figures to this file as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

impl Arguments {
    /// All that is asked when nothing is.
    pub fn defaults(quick: bool) -> Self {
        Self { quick, json: None }
    }
}

#[derive(Clone, Copy)]
enum Contender {
    Host,
    Raw,
    Native,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let (calls, rounds) = if arguments.quick { (10_000, 1) } else { (300_000, 9) };
    let file = camshaft_test_guests::component("ignores");
    let event = Event {
        id: "1".into(),
        source: "/bench".into(),
        event_type: "test.event".into(),
        data: vec![7; 256],
        ..Event::default()
    };
    let cache = tempfile::tempdir()?;
    let host = Host::new(HostOptions::new(cache.path()))?;
    let plugin = host.load(file, None)?;
    let prepared = plugin.prepare::<QuietContext>()?;
    let mut through_host = prepared.instantiate()?;
    let mut raw = Raw::new(file)?;
    let contenders = [Contender::Host, Contender::Raw, Contender::Native];
    let results = interleave(rounds, &contenders, |contender, _, _| {
        let started = Instant::now();
        for _ in 0..calls {
            match contender {
                Contender::Host => call_host(&mut through_host, &event)?,
                Contender::Raw => raw.call(&event)?,
                Contender::Native => native(black_box(&event)),
            }
        }
        Ok(started.elapsed().as_nanos() as f64 / f64::from(calls))
    })?;
    let raw_times = results.get(1).context("the raw call is measured")?;
    let ratios =
        results.iter().map(|times| times.iter().zip(raw_times).map(|(time, raw)| time / raw).collect());
    println!("{calls} calls a round, {rounds} round(s), 256 bytes of data");
    let figures = [
        Figure { name: "ns per call".into(), medians: results.iter().cloned().map(median).collect() },
        Figure { name: "relative to the raw call".into(), medians: ratios.map(median).collect() },
    ];
    report(&["host", "raw typed call", "native closure"], &figures, arguments.json.as_deref())
}

fn call_host(instance: &mut Instance<QuietContext>, event: &Event) -> Result<()> {
    let context = QuietContext { offset: Offset(1), generation: Generation(1) };
    let (answer, _) = instance.call(event, context);
    ensure!(answer == Answer::Done, "the handler answered {answer:?}");
    Ok(())
}

fn native(event: &Event) {
    black_box(event.data.len());
}

/// The event as the contract's record, borrowed.
#[derive(ComponentType, Lower, Clone, Copy)]
#[component(record)]
struct EventRecord<'a> {
    id: &'a str,
    source: &'a str,
    #[component(name = "event-type")]
    event_type: &'a str,
    subject: Option<&'a str>,
    time: Option<&'a str>,
    datacontenttype: Option<&'a str>,
    dataschema: Option<&'a str>,
    partitionkey: Option<&'a str>,
    extensions: &'a [(String, String)],
    data: &'a [u8],
}

#[derive(ComponentType, Lift)]
#[component(record)]
struct Retry {
    #[component(name = "after-ms")]
    after_ms: Option<u64>,
    reason: String,
}

#[derive(ComponentType, Lift)]
#[component(variant)]
enum Failure {
    #[component(name = "retry")]
    Retry(Retry),
    #[component(name = "reject")]
    Reject(String),
    #[component(name = "other")]
    Other(String),
}

type Handle = TypedFunc<(EventRecord<'static>,), (Result<(), Failure>,)>;

/// The component under wasmtime alone: no limits, no deadline, nothing linked that it could call.
struct Raw {
    store: Store<()>,
    handle: Handle,
}

impl Raw {
    fn new(file: &std::path::Path) -> Result<Self> {
        let mut config = Config::new();
        config.concurrency_support(false);
        let engine = Engine::new(&config).map_err(plain)?;
        let component = Component::from_file(&engine, file).map_err(plain)?;
        let mut linker = Linker::new(&engine);
        linker.define_unknown_imports_as_traps(&component).map_err(plain)?;
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &component).map_err(plain)?;
        let handle = instance.get_typed_func(&mut store, "handle").map_err(plain)?;
        Ok(Self { store, handle })
    }

    fn call(&mut self, event: &Event) -> Result<()> {
        let record = EventRecord {
            id: &event.id,
            source: &event.source,
            event_type: &event.event_type,
            subject: event.subject.as_deref(),
            time: event.time.as_deref(),
            datacontenttype: event.datacontenttype.as_deref(),
            dataschema: event.dataschema.as_deref(),
            partitionkey: event.partitionkey.as_deref(),
            extensions: &event.extensions,
            data: &event.data,
        };
        let (answer,) = self.handle.call(&mut self.store, (record,)).map_err(plain)?;
        match answer {
            Ok(()) => Ok(()),
            Err(Failure::Retry(Retry { after_ms, reason })) => {
                anyhow::bail!("the handler asked for a retry after {after_ms:?} ms: {reason}")
            }
            Err(Failure::Reject(reason) | Failure::Other(reason)) => {
                anyhow::bail!("the handler failed: {reason}")
            }
        }
    }
}

fn plain(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}
