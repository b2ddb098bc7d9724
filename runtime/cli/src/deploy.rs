//! `camshaft deploy`: puts a plugin's file into the directory that the runtime watches, and waits until the
//! plugin runs or is refused.

mod place;
mod wait;

use std::{
    fs,
    path::{Path, PathBuf},
};

use camshaft_wire::{ErrorCode, PluginView, PluginsView};
use clap::Args;
use serde::Serialize;

use super::{client::Client, failure::Failure, inspect, output};
use place::{Files, Place};
pub use wait::{runs, until_version};

#[derive(Debug, Args)]
#[command(after_help = "\
Checks the file, then puts it into the runtime's plugins directory. If that directory is
on this machine, the file is copied; otherwise it is sent, which requires that the runtime
has a token and `allow_deploy = true`. If the plugin already runs from another file in the
directory, that file is replaced. Exits with 3 if the runtime refuses the file; the
previous version then keeps running.")]
pub struct Arguments {
    /// Plugin file (.wasm)
    file: PathBuf,

    /// Operator's file to install beside it; without this option an existing one is kept
    #[arg(long, value_name = "FILE")]
    toml: Option<PathBuf>,

    /// Do not wait until the plugin runs
    #[arg(long)]
    no_wait: bool,

    /// Send the file over HTTP, even if the runtime's directory is on this machine
    #[arg(long)]
    send: bool,
}

/// The result for programs that do not wait for the plugin.
#[derive(Serialize)]
struct Deployed<'d> {
    file: &'d str,
    digest: &'d str,
    directory: &'d str,
}

pub fn deploy(client: &Client, arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let report = inspect::survey(&arguments.file, arguments.toml.as_deref())?;
    let stem = arguments.file.file_stem().and_then(|stem| stem.to_str()).ok_or_else(|| {
        let message = format!("the name of \"{}\" is not valid UTF-8", arguments.file.display());
        Failure::new(ErrorCode::WrongUsage, message).hint("Rename it, for example to stock.wasm.")
    })?;
    let before = if arguments.no_wait { client.get("/plugins")? } else { wait::until_started(client)? };
    let place = Place::of(client, &before.directory, arguments.send);
    // An operator's file that is kept may give the plugin a different name than the author's.
    let stays = arguments.toml.is_none() && has_stem(&before, stem);
    let stem = if stays { None } else { runs_from(&before, &report.name) }.unwrap_or_else(|| stem.to_owned());
    let files = Files::read(&arguments.file, arguments.toml.as_deref(), stem)?;
    place.put(client, &files)?;
    if !arguments.no_wait {
        let plugin = wait::until_settled(client, &files, &before)?;
        return shown(&plugin, json);
    }
    let deployed = Deployed { file: &files.plugin(), digest: &files.digest, directory: &before.directory };
    if json {
        return output::json(&deployed);
    }
    output::note(&format!("\"{}\" is in \"{}\" and will be loaded", deployed.file, deployed.directory));
    output::hint(&format!("Run `camshaft plugins {}` to see the result.", report.name));
    Ok(())
}

/// Whether the directory has a plugin file with this stem.
fn has_stem(plugins: &PluginsView, stem: &str) -> bool {
    wait::of_file(plugins, &format!("{stem}.wasm")).next().is_some()
}

/// The stem of the file in the directory from which the plugin `name` runs.
fn runs_from(plugins: &PluginsView, name: &str) -> Option<String> {
    let plugin = plugins.items.iter().find(|plugin| plugin.name == name && plugin.digest.is_some())?;
    let (file, directory) = (Path::new(&plugin.file), Path::new(&plugins.directory));
    // Programs that embed a runtime also load plugins from other folders. The runtime reports a file as its
    // settings name it, often relative to its working directory.
    let folder = file.parent()?;
    let is_watched = directory.ends_with(folder.strip_prefix(".").unwrap_or(folder))
        || fs::canonicalize(folder)
            .is_ok_and(|folder| fs::canonicalize(directory).is_ok_and(|at| at == folder));
    if is_watched { Some(file.file_stem()?.to_str()?.to_owned()) } else { None }
}

fn shown(plugin: &PluginView, json: bool) -> Result<(), Failure> {
    if json { output::json(plugin) } else { output::line(&runs(plugin)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_that_runs_from_another_file_keeps_that_files_name() {
        let plugin = |name: &str, file: &str, digest: Option<&str>| {
            serde_json::json!({
                "name": name, "status": "active", "file": file, "digest": digest, "subscriptions": [], "publishes": [],
                "capabilities": [], "grants": [],
            })
        };
        let plugins: PluginsView = serde_json::from_value(serde_json::json!({
            "directory": "/srv/shop/plugins",
            "items": [
                plugin("stock", "./plugins/old-name.wasm", Some("0f")),
                plugin("sender", "/srv/shop/plugins/sender-2.wasm", Some("0f")),
                plugin("mailer", "/srv/other/plugins/b.wasm", Some("0f")),
                plugin("broken", "./plugins/broken-2.wasm", None),
            ],
        }))
        .unwrap();
        assert_eq!(runs_from(&plugins, "stock").as_deref(), Some("old-name"));
        assert_eq!(runs_from(&plugins, "sender").as_deref(), Some("sender-2"));
        assert!(has_stem(&plugins, "sender-2") && !has_stem(&plugins, "sender"));
        for other in ["mailer", "broken", "none"] {
            assert_eq!(runs_from(&plugins, other), None, "{other}");
        }
    }
}
