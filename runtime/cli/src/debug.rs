//! `camshaft debug`: a dead letter's last attempt once more, in the sandbox, from what was recorded of it.
//!
//! Nothing of it takes effect anywhere: no runtime is changed, and what the handler would send is not sent.

mod export;
mod finding;
mod show;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use camshaft_event::{AttemptInputs, Event, Generation, cloudevents};
use camshaft_host::OperatorFile;
use camshaft_wire::{ActivationView, AttemptView, DeadLetterView, ErrorCode, Items, PluginView};
use clap::Args;

use super::{
    client::{Client, path},
    dead_letters::Id,
    failure::Failure,
    inspect, output,
};
use crate::{sandbox::Facts, sandbox::Sandbox, sandbox::World};
use export::Export;
use finding::Component;
use show::Debugged;

#[derive(Debug, Args)]
#[command(after_help = "\
The plugin is looked for where the runtime says it lies, the versions that it keeps
included, and taken if its digest is the recorded one; --wasm names another, such as one in which the fault is corrected. An
export holds event, inputs and plugin, and needs no runtime where it is run.")]
pub struct Arguments {
    /// CONSUMER:OFFSET, or a file from --export
    #[arg(value_name = "ID|FILE")]
    letter: String,

    /// The plugin to run
    #[arg(long, value_name = "FILE")]
    wasm: Option<PathBuf>,

    /// Write all that it takes into this file, instead of running it
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
}

pub fn debug(client: &Client, arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let export = arguments.letter(client)?;
    if let Some(file) = &arguments.export {
        return export.write(file, arguments.wasm.as_deref(), json);
    }
    let component = Component::find(&export, arguments.wasm.as_deref())?;
    let debugged = run(&export, &component)?;
    if json {
        return output::json(&debugged.json());
    }
    output::print(&debugged.text())
}

impl Arguments {
    /// The dead letter from a file, if there is one of that name, or else from the runtime.
    fn letter(&self, client: &Client) -> Result<Export, Failure> {
        if Path::new(&self.letter).is_file() {
            return Export::read(Path::new(&self.letter));
        }
        let id: Id = self.letter.parse().map_err(|_| {
            let message = format!("\"{}\" is neither a dead letter nor a file", self.letter);
            Failure::new(ErrorCode::WrongUsage, message)
                .hint("Write it as CONSUMER:OFFSET, such as stock:17, or name a file from --export.")
        })?;
        let letter: DeadLetterView =
            client.get(&path(&["dead-letters", &id.consumer, &id.offset.to_string()]))?;
        if letter.digest.is_empty() {
            let message = format!("\"{}\" is a closure, whose code is part of another program", id.consumer);
            return Err(Failure::new(ErrorCode::NotDebuggable, message));
        }
        // The plugin may be gone; then its file has to be named.
        let plugin: Option<PluginView> = client.get(&path(&["plugins", &id.consumer])).ok();
        let history: Option<Items<ActivationView>> =
            client.get(&path(&["plugins", &id.consumer, "history"])).ok();
        let ran = history.into_iter().flat_map(|history| history.items);
        let copies = ran.filter(|ran| ran.digest == letter.digest).filter_map(|ran| ran.copy);
        let files = plugin.iter().map(|plugin| plugin.file.clone()).chain(copies).map(PathBuf::from);
        Ok(Export::new(files.collect(), plugin.and_then(|plugin| plugin.limits), letter))
    }
}

/// Runs what was recorded.
fn run<'e>(export: &'e Export, component: &Component) -> Result<Debugged<'e>, Failure> {
    let letter = &export.letter;
    let original = last(letter)?;
    let code = inspect::temporary()?;
    let operator = OperatorFile::parse(Path::new("the recorded limits"), &export.limits())?;
    let mut sandbox = Sandbox::load(component.path(), Some(&operator), code.path())?;
    let name = sandbox.plugin().manifest().name.clone();
    if name != letter.summary.consumer {
        let message = format!("\"{}\" is the plugin \"{name}\"", component.path().display());
        return Err(Failure::new(ErrorCode::WrongUsage, message)
            .hint(format!("The dead letter is one of \"{}\".", letter.summary.consumer)));
    }
    sandbox.configure(letter.inputs.config.clone());
    let world = Arc::new(World::recorded(&inputs(letter)?));
    let facts = Facts {
        generation: Generation(letter.inputs.generation),
        offset: letter.summary.offset,
        attempt: original.attempt,
        now: original.at,
    };
    let done = sandbox.attempt(&world, &facts, event(letter)?);
    let digest = sandbox.plugin().digest().to_owned();
    let not_sent = sandbox.wire().sent();
    Ok(Debugged { letter, original, digest, done, not_sent, missed: world.missed() })
}

fn last(letter: &DeadLetterView) -> Result<&AttemptView, Failure> {
    let nothing = || unreadable("no attempt of it is recorded");
    letter.history.last().ok_or_else(nothing)
}

fn event(letter: &DeadLetterView) -> Result<Event, Failure> {
    cloudevents::parse(letter.event.get().as_bytes()).map_err(|error| unreadable(&error.to_string()))
}

fn inputs(letter: &DeadLetterView) -> Result<AttemptInputs, Failure> {
    let state = letter.inputs.state.iter().map(|input| {
        let (key, value) = input.bytes().ok_or_else(|| unreadable("an input is not base64"))?;
        Ok((key.into(), value.map(Into::into)))
    });
    Ok(AttemptInputs { state: state.collect::<Result<_, Failure>>()?, truncated: letter.inputs.truncated })
}

fn unreadable(reason: &str) -> Failure {
    Failure::new(ErrorCode::NotDebuggable, format!("the dead letter cannot be run again: {reason}"))
}
