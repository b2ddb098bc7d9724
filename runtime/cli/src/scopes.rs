//! `camshaft scopes`: lists the scopes of an aggregate, and shows one with its fold or its facts.

use camshaft_event::{InvalidScope, Scope};
use camshaft_wire::{ErrorCode, FactView, Items, ScopeEntryView, ScopeView};
use clap::Args;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    client::{Client, path, query},
    failure::Failure,
    output,
    send::pretty,
    table::{sheet, table, time},
};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Name of the aggregate
    plugin: String,

    /// Scope to show, such as account/9; a kind alone lists the scopes of that kind
    #[arg(value_name = "KIND/ID")]
    scope: Option<String>,

    /// Show the scope as it was at this version
    #[arg(long, value_name = "VERSION", conflicts_with_all = ["at_offset", "facts"])]
    at: Option<u64>,

    /// Show the scope as it was after the event at this offset
    #[arg(long, value_name = "OFFSET", conflicts_with = "facts")]
    at_offset: Option<u64>,

    /// List the facts of the scope
    #[arg(long)]
    facts: bool,

    /// First version to list
    #[arg(long, value_name = "VERSION", requires = "facts")]
    from: Option<u64>,
}

pub fn scopes(client: &Client, arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let Arguments { plugin, scope: name, .. } = arguments;
    let Some(name) = name.as_deref().filter(|name| name.contains('/')) else {
        if arguments.facts || arguments.at.is_some() || arguments.at_offset.is_some() {
            return Err(Failure::new(ErrorCode::WrongUsage, "no scope is named")
                .hint("Name it after the aggregate, such as account/9."));
        }
        return list(client, plugin, name.as_deref(), json);
    };
    let scope = scope(name).map_err(|error| Failure::new(ErrorCode::WrongUsage, error.to_string()))?;
    let scope_path = path(&["scopes", plugin, scope.kind(), &scope.id()]);
    if arguments.facts {
        return facts(client, &scope_path, arguments.from, json);
    }
    let at = arguments.at.map(|version| version.to_string());
    let at_offset = arguments.at_offset.map(|offset| offset.to_string());
    let view: ScopeView = client.get(&query(&scope_path, &[("at", at), ("at_offset", at_offset)]))?;
    if json { output::json(&view) } else { output::print(&shown(&view)) }
}

/// The scope with this name. An id without `%` may be written as it is.
pub fn scope(name: &str) -> Result<Scope, InvalidScope> {
    let parsed = Scope::parse(name);
    match name.split_once('/') {
        Some((kind, id)) if parsed.is_err() && !id.contains('%') => Scope::new(kind, id),
        _ => parsed,
    }
}

fn list(client: &Client, plugin: &str, kind: Option<&str>, json: bool) -> Result<(), Failure> {
    let parameters = [("kind", kind.map(str::to_owned))];
    let scopes: Vec<ScopeEntryView> = client.pages(&path(&["scopes", plugin]), &parameters, usize::MAX)?;
    if json {
        return output::json(&Items { items: scopes });
    }
    if scopes.is_empty() {
        output::note(&match kind {
            None => format!("plugin \"{plugin}\" has no scopes"),
            Some(kind) => format!("plugin \"{plugin}\" has no scopes of kind \"{kind}\""),
        });
        return Ok(());
    }
    output::print(&entries(&scopes))
}

fn entries(scopes: &[ScopeEntryView]) -> String {
    let rows = scopes.iter().map(|entry| {
        let fold = if entry.stale { "stale" } else { "current" };
        [entry.scope.clone(), entry.version.to_string(), entry.last_fact.to_string(), fold.to_owned()]
    });
    table(["SCOPE", "VERSION", "LAST FACT", "FOLD"], rows)
}

/// One scope, one value per line.
fn shown(view: &ScopeView) -> String {
    let revision = view.stale.then(|| format!("{} (stale: the aggregate now runs another)", view.revision));
    sheet([
        ("scope", Some(view.scope.clone())),
        ("version", Some(view.version.to_string())),
        ("last fact", Some(view.last_fact.to_string())),
        ("revision", Some(revision.unwrap_or_else(|| view.revision.to_string()))),
        ("fold", Some(pretty(&view.fold).unwrap_or_else(|| "null".to_owned()))),
    ])
}

fn facts(client: &Client, scope_path: &str, from: Option<u64>, json: bool) -> Result<(), Failure> {
    let parameters = [("from", from.map(|version| version.to_string()))];
    let facts: Vec<FactView> = client.pages(&format!("{scope_path}/facts"), &parameters, usize::MAX)?;
    if json {
        return output::json(&Items { items: facts });
    }
    if facts.is_empty() {
        output::note("the scope has no facts from this version on");
        return Ok(());
    }
    let rows = facts.iter().map(fact).collect::<Result<Vec<_>, _>>()?;
    output::print(&table(["VERSION", "OFFSET", "AT", "TYPE", "DATA"], rows))
}

/// The part of a fact that a table shows.
#[derive(Deserialize)]
struct Shown {
    #[serde(rename = "type")]
    event_type: String,
    data: Option<Box<RawValue>>,
    data_base64: Option<String>,
}

fn fact(fact: &FactView) -> Result<[String; 5], Failure> {
    let event: Shown = serde_json::from_str(fact.event.get()).map_err(|error| {
        Failure::new(ErrorCode::UnexpectedAnswer, format!("a fact in the answer is not an event: {error}"))
    })?;
    let data = match (event.data, event.data_base64) {
        (Some(data), _) => data.get().to_owned(),
        (None, Some(base64)) => format!("base64:{base64}"),
        (None, None) => "-".to_owned(),
    };
    Ok([fact.version.to_string(), fact.offset.to_string(), time(fact.at), event.event_type, data])
}

#[cfg(test)]
mod tests {
    use camshaft_event::Offset;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_scope_is_named_as_it_is_listed_or_with_its_plain_id() {
        for name in ["account/DE%209", "account/DE 9"] {
            assert_eq!(scope(name).unwrap().name(), "account/DE%209", "{name}");
        }
        for name in ["account/%zz", "Account/9", "account/"] {
            assert!(scope(name).is_err(), "{name}");
        }
    }

    #[test]
    fn the_table_lists_scopes_with_versions() {
        let current =
            ScopeEntryView { scope: "account/9".into(), version: 7, last_fact: Offset(41), stale: false };
        let stale =
            ScopeEntryView { scope: "account/DE%209".into(), version: 12, stale: true, ..current.clone() };
        insta::assert_snapshot!(entries(&[current, stale]), @"
        SCOPE           VERSION  LAST FACT  FOLD
        account/9       7        41         current
        account/DE%209  12       41         stale
        ");
    }

    #[test]
    fn a_scope_is_shown_with_its_fold_over_several_lines() {
        let view = ScopeView {
            scope: "account/9".into(),
            version: 7,
            last_fact: Offset(41),
            revision: 1,
            stale: true,
            fold: json!({"owner": "a\u{1b}[31m\u{202e}"}),
        };
        insta::assert_snapshot!(shown(&view), @r#"
        scope      account/9
        version    7
        last fact  41
        revision   1 (stale: the aggregate now runs another)
        fold       {
                     "owner": "a\u001b[31m\u202e"
                   }
        "#);
    }
}
