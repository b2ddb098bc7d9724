//! `camshaft state`: shows the state that plugins store.

use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE};
use camshaft_wire::{ErrorCode, Items, StateEntryView};
use clap::{Args, Subcommand};
use serde_json::value::RawValue;

use super::{
    client::{Client, path, query},
    failure::Failure,
    output,
    table::table,
};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the value of one key as JSON
    Get {
        /// Name of the plugin
        plugin: String,

        /// Key to print
        key: String,

        /// Print the value's bytes as the plugin wrote them
        #[arg(long)]
        raw: bool,

        /// Treat KEY as base64, for keys that are not text
        #[arg(long)]
        base64: bool,
    },
    /// List keys and values
    List {
        /// Name of the plugin
        plugin: String,

        /// Only keys with this prefix
        #[arg(long, default_value = "")]
        prefix: String,
    },
}

pub fn state(client: &Client, arguments: &Arguments, json: bool) -> Result<(), Failure> {
    match &arguments.action {
        Action::Get { plugin, key, raw, base64 } => {
            let path = if *base64 {
                let path = path(&["state", plugin, &url_safe(key)?]);
                query(&path, &[("encoding", Some("base64".to_owned()))])
            } else {
                path(&["state", plugin, key])
            };
            if *raw {
                return output::write(&client.bytes(&path, "application/msgpack")?);
            }
            output::json(&client.get::<Box<RawValue>>(&path)?)
        }
        Action::List { plugin, prefix } => {
            let entries = entries(client, plugin, prefix)?;
            if json {
                return output::json(&Items { items: entries });
            }
            if entries.is_empty() {
                output::note(&match prefix.as_str() {
                    "" => format!("plugin \"{plugin}\" has no state yet"),
                    prefix => format!("plugin \"{plugin}\" has no keys with prefix \"{prefix}\""),
                });
                return Ok(());
            }
            let rows = entries.into_iter().map(|entry| {
                let encoding = if entry.encoding.is_some() { " (base64)" } else { "" };
                [format!("{}{encoding}", entry.key), entry.value.to_string()]
            });
            output::print(&table(["KEY", "VALUE"], rows))
        }
    }
}

fn entries(client: &Client, plugin: &str, prefix: &str) -> Result<Vec<StateEntryView>, Failure> {
    client.pages(&path(&["state", plugin]), &[("prefix", Some(prefix.to_owned()))], usize::MAX)
}

/// The key in the form used in URL paths.
fn url_safe(key: &str) -> Result<String, Failure> {
    let bytes = STANDARD.decode(key).or_else(|_| URL_SAFE.decode(key));
    bytes.map(|bytes| URL_SAFE.encode(bytes)).map_err(|_| {
        Failure::new(ErrorCode::WrongUsage, format!("the key \"{key}\" is not base64"))
            .hint("Copy it from `camshaft state list`, or remove --base64.")
    })
}
