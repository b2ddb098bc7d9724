//! `camshaft debug`: reruns a dead letter's last attempt in the sandbox, from its recorded inputs.
//!
//! Nothing takes effect: no runtime is changed, and requests of the handler are not sent.

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
Looks for the plugin at the path that the runtime reports and among the versions that it
keeps, and uses a file only if its digest is the recorded one. --wasm runs another file,
such as a corrected version. A file written by --export contains the event, the recorded
inputs and, if it was found, the plugin; rerunning it needs no runtime.")]
pub struct Arguments {
    /// Dead letter as CONSUMER:OFFSET, or a file written by --export
    #[arg(value_name = "ID|FILE")]
    letter: String,

    /// Plugin file to run
    #[arg(long, value_name = "FILE")]
    wasm: Option<PathBuf>,

    /// Write everything that a rerun needs into this file, instead of running it
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
    /// Reads the dead letter from the file of that name, if it exists, or else from the runtime.
    fn letter(&self, client: &Client) -> Result<Export, Failure> {
        if Path::new(&self.letter).is_file() {
            return Export::read(Path::new(&self.letter));
        }
        let id: Id = self.letter.parse().map_err(|_| {
            let message = format!("\"{}\" is neither a dead letter nor a file", self.letter);
            Failure::new(ErrorCode::WrongUsage, message)
                .hint("Write it as CONSUMER:OFFSET, such as stock:17, or name a file written by --export.")
        })?;
        let letter: DeadLetterView =
            client.get(&path(&["dead-letters", &id.consumer, &id.offset.to_string()]))?;
        if letter.digest.is_empty() {
            let message = format!("\"{}\" is a closure; its code is part of another program", id.consumer);
            return Err(Failure::new(ErrorCode::NotDebuggable, message));
        }
        // The plugin may no longer exist; then the user has to name its file.
        let plugin: Option<PluginView> = client.get(&path(&["plugins", &id.consumer])).ok();
        let history: Option<Items<ActivationView>> =
            client.get(&path(&["plugins", &id.consumer, "history"])).ok();
        let ran = history.into_iter().flat_map(|history| history.items);
        let copies = ran.filter(|ran| ran.digest == letter.digest).filter_map(|ran| ran.copy);
        let files = plugin.iter().map(|plugin| plugin.file.clone()).chain(copies).map(PathBuf::from);
        Ok(Export::new(files.collect(), plugin.and_then(|plugin| plugin.limits), letter))
    }
}

/// Runs the recorded attempt.
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
            .hint(format!("Name a file of plugin \"{}\" with --wasm.", letter.summary.consumer)));
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
    let nothing = || unreadable("none of its attempts is recorded");
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
