//! `camshaft plugins`: shows the plugins in the plugins directory and the running versions; changes which
//! version runs.

mod retry;
mod versions;

use std::path::PathBuf;

use bytesize::ByteSize;
use camshaft_wire::{PluginStatus, PluginView, PluginsView, SettingView};
use clap::{Args, Subcommand};

use super::{
    client::{Client, path},
    consumers::last_failure,
    deploy,
    failure::Failure,
    output,
    table::{dash, digest, list, sheet, table, time},
};
use crate::text;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,

    /// Name of one plugin to show in detail
    name: Option<String>,

    /// Wait until the plugin runs this version; exit with 3 if its file is refused
    #[arg(long, value_name = "VERSION", requires = "name")]
    wait_for: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the versions that a plugin has run, newest first, with their outcomes
    History {
        /// Name of the plugin
        name: String,
    },
    /// Run the previous version again, until the content of the plugin's file changes
    Rollback {
        /// Name of the plugin
        name: String,

        /// Digest prefix of the version to run instead: any kept version of the history, including newer ones
        #[arg(long, value_name = "DIGEST")]
        to: Option<String>,

        /// Do not ask for confirmation
        #[arg(long, short)]
        yes: bool,
    },
    /// Run only one version, regardless of the content of the plugin's file
    Pin {
        /// Name of the plugin
        name: String,

        /// Digest prefix of the version
        digest: String,
    },
    /// Run the version in the plugin's file again
    Unpin {
        /// Name of the plugin
        name: String,
    },
    /// Load a refused file again, including a quarantined one
    Retry {
        /// Plugin file, its stem, or the plugin's name
        file: PathBuf,
    },
}

pub fn plugins(client: &Client, arguments: &Arguments, json: bool) -> Result<(), Failure> {
    match &arguments.action {
        None => {}
        Some(Action::History { name }) => return versions::history(client, name, json),
        Some(Action::Rollback { name, to, yes }) => {
            return versions::rollback(client, name, to.as_deref(), *yes, json);
        }
        Some(Action::Pin { name, digest }) => return versions::pin(client, name, digest, json),
        Some(Action::Unpin { name }) => return versions::unpin(client, name, json),
        Some(Action::Retry { file }) => return retry::retry(client, file, json),
    }
    if let Some(name) = &arguments.name {
        let plugin: PluginView = match &arguments.wait_for {
            Some(version) => deploy::until_version(client, name, version)?,
            None => client.get(&path(&["plugins", name]))?,
        };
        return if json { output::json(&plugin) } else { output::print(&one(&plugin)) };
    }
    let plugins: PluginsView = client.get("/plugins")?;
    if json {
        return output::json(&plugins);
    }
    for warning in &plugins.warnings {
        output::note(&format!(
            "\"{}\" has no effect: {}",
            text::line(&warning.file),
            text::line(&warning.message)
        ));
        output::hint(&text::line(&warning.hint));
    }
    if plugins.items.is_empty() {
        output::note("there are no plugins yet");
        output::hint("Run `camshaft build` to build one, and `camshaft deploy FILE.wasm` to install it.");
        return Ok(());
    }
    output::table(&all(&plugins.items))?;
    let refusal = plugins.items.iter().find_map(|plugin| plugin.last_refusal.as_ref());
    let waiting = plugins.items.iter().find_map(|plugin| plugin.waiting.as_ref());
    if let Some(hint) = refusal.map(|refusal| &refusal.hint).or(waiting.map(|waiting| &waiting.hint)) {
        output::hint(hint);
    }
    Ok(())
}

fn all(plugins: &[PluginView]) -> String {
    let rows = plugins.iter().map(|plugin| {
        let refusal = plugin.last_refusal.as_ref().map(|refusal| refusal.message.clone());
        let error = plugin.last_error.as_ref().map(|error| format!("{}: {}", error.cause, error.error));
        let waiting = plugin.waiting.as_ref().map(|waiting| waiting.message.clone());
        let warning = plugin.warnings.first().cloned();
        [
            plugin.name.clone(),
            plugin.version.clone().unwrap_or_else(dash),
            status(plugin).to_owned(),
            digest(plugin.digest.as_deref()),
            refusal.or(waiting).or(error).or(warning).unwrap_or_else(dash),
        ]
    });
    table(["NAME", "VERSION", "STATUS", "DIGEST", "LAST ERROR"], rows)
}

fn one(plugin: &PluginView) -> String {
    let handles = plugin.subscriptions.iter().map(|subscription| {
        let filtered = if subscription.filter.is_some() { ", filtered" } else { "" };
        let commands = if subscription.commands { ", commands included" } else { "" };
        format!("{} with {}{filtered}{commands}", subscription.types.join(", "), subscription.handler)
    });
    let handles: Vec<String> = handles.collect();
    let (refusal, waiting) = (plugin.last_refusal.as_ref(), plugin.waiting.as_ref());
    sheet([
        ("name", Some(plugin.name.clone())),
        ("version", plugin.version.clone()),
        ("description", plugin.description.clone()),
        ("status", Some(status(plugin).to_owned())),
        ("file", Some(plugin.file.clone())),
        ("digest", plugin.digest.clone()),
        ("activated", plugin.activated_at.map(time)),
        ("pinned", plugin.pinned.clone()),
        ("probation", plugin.probation.as_ref().map(versions::probation)),
        ("waiting", waiting.map(|waiting| format!("version {}, digest {}", waiting.version, waiting.digest))),
        ("waits because", waiting.map(|waiting| format!("{} [{}]", waiting.message, waiting.reason))),
        ("handles", (!handles.is_empty()).then(|| handles.join("\n"))),
        ("publishes", list(&plugin.publishes)),
        ("capabilities", list(&plugin.capabilities)),
        ("grants", list(&plugin.grants)),
        ("settings", (!plugin.settings.is_empty()).then(|| settings(&plugin.settings))),
        ("warnings", (!plugin.warnings.is_empty()).then(|| plugin.warnings.join("\n"))),
        (
            "limits",
            plugin.limits.map(|limits| {
                let memory = ByteSize(limits.memory_bytes).display().iec();
                format!("{} ms, {memory} of memory", limits.deadline_ms)
            }),
        ),
        (
            "last error",
            plugin.last_error.as_ref().map(|error| {
                let is_earlier = plugin.activation.is_some_and(|running| running != error.activation);
                let of = if is_earlier { "\n(of an earlier version)" } else { "" };
                format!("{}{of}", last_failure(error))
            }),
        ),
        ("refused", refusal.map(|refusal| format!("{} [{}]", refusal.message, refusal.code))),
        ("refused file", refusal.map(|refusal| refusal.file.clone())),
        ("hint", refusal.map(|refusal| &refusal.hint).or(waiting.map(|waiting| &waiting.hint)).cloned()),
    ])
}

/// One setting per line, with its value and the origin of the value.
fn settings(settings: &[SettingView]) -> String {
    let width = settings.iter().map(|setting| setting.key.len()).max().unwrap_or_default();
    let line = |SettingView { key, value, from }: &SettingView| {
        format!("{key:width$}  {} ({from})", text::line(value))
    };
    settings.iter().map(line).collect::<Vec<_>>().join("\n")
}

const fn status(plugin: &PluginView) -> &'static str {
    match (plugin.status, &plugin.last_refusal) {
        (PluginStatus::Loading, _) => "loading",
        (PluginStatus::Active, _) if plugin.loading => "active, update loading",
        (PluginStatus::Active, Some(_)) => "active, update refused",
        (PluginStatus::Active, None) if plugin.waiting.is_some() => "active, update waiting",
        (PluginStatus::Active, None) if plugin.probation.is_some() => "active, on probation",
        (PluginStatus::Active, None) => "active",
        (PluginStatus::Refused, _) => "refused",
    }
}

#[cfg(test)]
mod tests {
    use camshaft_event::{Offset, Timestamp};

    use super::*;
    use camshaft_wire::{LastError, LimitsView, RefusalView, SubscriptionView};

    fn stock() -> PluginView {
        PluginView {
            name: "stock".into(),
            status: PluginStatus::Active,
            version: Some("1.2.0".into()),
            description: Some("reserves stock for placed orders".into()),
            digest: Some("0f".repeat(32)),
            operator_digest: None,
            file: "plugins/stock.wasm".into(),
            activation: Some(3),
            activated_at: Some(Timestamp(1_769_860_800_000)),
            last_refusal: None,
            pinned: None,
            waiting: None,
            probation: None,
            loading: false,
            subscriptions: vec![SubscriptionView {
                handler: "reserve_stock".into(),
                types: vec!["order.placed".into()],
                filter: None,
                commands: true,
            }],
            publishes: vec!["stock.reserved".into()],
            capabilities: vec![],
            grants: vec![],
            settings: vec![
                SettingView { key: "policy.max_attempts".into(), value: "10".into(), from: "default".into() },
                SettingView { key: "config.low_stock".into(), value: "5".into(), from: "operator".into() },
            ],
            warnings: vec!["\"http\" is granted but not requested".into()],
            limits: Some(LimitsView { deadline_ms: 1_000, memory_bytes: 64 << 20 }),
            last_error: Some(LastError {
                at: Timestamp(1_769_860_801_000),
                offset: Offset(17),
                cause: "reject".into(),
                error: "not enough stock".into(),
                activation: 3,
            }),
        }
    }

    fn refused() -> PluginView {
        PluginView {
            name: "broken".into(),
            status: PluginStatus::Refused,
            file: "plugins/broken.wasm".into(),
            last_refusal: Some(RefusalView {
                code: "not-wasm".into(),
                message: "\"plugins/broken.wasm\" is not WebAssembly".into(),
                hint: "Build the plugin with `camshaft build`.".into(),
                file: "plugins/broken.wasm".into(),
                at: Timestamp(1_769_860_800_000),
            }),
            version: None,
            description: None,
            digest: None,
            activation: None,
            activated_at: None,
            subscriptions: vec![],
            publishes: vec![],
            settings: vec![],
            warnings: vec![],
            limits: None,
            last_error: None,
            ..stock()
        }
    }

    #[test]
    fn the_table_shows_what_runs_and_why_something_does_not() {
        insta::assert_snapshot!(all(&[stock(), refused()]), @r#"
        NAME    VERSION  STATUS   DIGEST        LAST ERROR
        stock   1.2.0    active   0f0f0f0f0f0f  reject: not enough stock
        broken  -        refused  -             "plugins/broken.wasm" is not WebAssembly
        "#);
    }

    #[test]
    fn one_plugin_is_shown_with_everything_that_is_known() {
        insta::assert_snapshot!(format!("{}\n{}", one(&stock()), one(&refused())), @r#"
        name         stock
        version      1.2.0
        description  reserves stock for placed orders
        status       active
        file         plugins/stock.wasm
        digest       0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f
        activated    2026-01-31T12:00:00Z
        handles      order.placed with reserve_stock, commands included
        publishes    stock.reserved
        settings     policy.max_attempts  10 (default)
                     config.low_stock     5 (operator)
        warnings     "http" is granted but not requested
        limits       1000 ms, 64.0 MiB of memory
        last error   reject at offset 17, 2026-01-31T12:00:01Z
                     not enough stock

        name          broken
        status        refused
        file          plugins/broken.wasm
        refused       "plugins/broken.wasm" is not WebAssembly [not-wasm]
        refused file  plugins/broken.wasm
        hint          Build the plugin with `camshaft build`.
        "#);
    }
}
