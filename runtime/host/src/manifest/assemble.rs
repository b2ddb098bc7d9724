//! One manifest out of the author's records and the operator's file: each text parsed, all merged, the result
//! decoded once.

use std::path::Path;

use toml::de::DeTable;

use super::{
    Manifest, OperatorFile, bounds,
    document::{Document, Subscription, invalid},
    merge, missing, origins, quoted,
    rules::{self, Writer},
    section,
    sources::Sources,
};
use crate::Refusal;

/// The manifest of the plugin `file`, of the contents of its manifest sections and the operator's file.
///
/// # Errors
/// `missing-manifest`, `invalid-manifest` or `overlapping-subscriptions`.
pub fn assemble(
    file: &Path,
    sections: &[Vec<u8>],
    operator: Option<&OperatorFile>,
) -> Result<Manifest, Refusal> {
    let origin = format!("the manifest in {}", quoted(file));
    let path = operator.map(|operator| quoted(&operator.path)).unwrap_or_default();
    bounds::check_length(sections.iter().map(Vec::len).sum(), &origin)?;
    let records = section::records(sections, file)?;
    let mut sources = Sources::default();
    let author = author(&records, &origin, &mut sources)?;
    let operator = operator.map(|operator| sources.parse(&path, &operator.text)).transpose()?;
    match (author, operator) {
        (Some(author), None) => whole(&sources, author, &origin, usize::MAX),
        (Some(author), Some(operator)) => overridden(&sources, (author, &origin), (operator, &path)),
        (None, Some(operator)) if operator.contains_key("manifest") => whole(&sources, operator, &path, 0),
        (None, _) => Err(missing(file)),
    }
}

/// All records as one table.
fn author<'t>(
    records: &[&'t str],
    origin: &'t str,
    sources: &mut Sources<'t>,
) -> Result<Option<DeTable<'t>>, Refusal> {
    let mut author: Option<DeTable> = None;
    for record in records {
        let record = sources.parse(origin, record)?;
        if let Some(key) = rules::foreign_key(&record, Writer::Author, false) {
            return Err(invalid(
                format!("{origin} has the key `{key}`, which only the operator may set"),
                "Use `capabilities` to request it; the operator grants it in the file beside the plugin.",
            ));
        }
        match &mut author {
            None => author = Some(record),
            Some(whole) => {
                merge::add_record(whole, record).map_err(|key| contradiction(&key, origin))?;
                bounds::check_entries(whole, origin)?;
            }
        }
    }
    Ok(author)
}

/// One file's table is all there is.
fn whole<'t>(
    sources: &Sources<'t>,
    table: DeTable<'t>,
    origin: &str,
    operator: usize,
) -> Result<Manifest, Refusal> {
    let origins = origins::of(&table, operator);
    let document = sources.decode(table)?;
    bounds::check_subscriptions(&document, origin)?;
    Ok(Manifest { origins, ..document.complete(origin)? })
}

/// The operator's table over the author's, each with its origin.
fn overridden<'t>(
    sources: &Sources<'t>,
    (mut table, origin): (DeTable<'t>, &str),
    (operator, path): (DeTable<'t>, &str),
) -> Result<Manifest, Refusal> {
    let foreign = rules::foreign_key(&operator, Writer::Operator, is_template(&table));
    let handlers = handlers(&table);
    let is_subscribed = rules::says_something(&operator, "subscriptions");
    if is_subscribed {
        // Nothing is open any more.
        table.remove("template");
    }
    merge::put_over(&mut table, operator);
    bounds::check_entries(&table, origin)?;
    let origins = origins::of(&table, sources.last_start());
    let document = sources.decode(table)?;
    // After decoding: a value that is not possible is told with its line.
    if let Some(key) = foreign {
        return Err(invalid(
            format!("{path} has the key `{key}`, but the plugin has its own manifest"),
            "Remove the key: the operator's file may only set `grants`, [[http]], [secrets], [policy], \
             [limits] and [config].",
        ));
    }
    if is_subscribed {
        refuse_unknown_handlers(&document, &handlers, path)?;
    }
    bounds::check_subscriptions(&document, if is_subscribed { path } else { origin })?;
    Ok(Manifest { origins, ..document.complete(origin)? })
}

/// Whether the operator says what the plugin is called and takes.
fn is_template(author: &DeTable) -> bool {
    author.get("template").and_then(|template| template.get_ref().as_bool()) == Some(true)
}

/// The handlers that the author's subscriptions name.
fn handlers(author: &DeTable) -> Vec<String> {
    let subscriptions = author.get("subscriptions").and_then(|list| list.get_ref().as_array());
    let handlers =
        subscriptions.into_iter().flat_map(|list| list.iter()).filter_map(|one| one.get_ref().get("handler"));
    handlers.filter_map(|handler| handler.get_ref().as_str()).map(str::to_owned).collect()
}

/// An operator subscribes a template's handlers to other events; it has no others.
fn refuse_unknown_handlers(document: &Document, handlers: &[String], origin: &str) -> Result<(), Refusal> {
    let is_unknown = |one: &&Subscription| !handlers.contains(&one.handler);
    match document.subscriptions.iter().find(is_unknown) {
        None => Ok(()),
        Some(Subscription { handler, .. }) => {
            let known: Vec<String> = handlers.iter().map(|handler| format!("\"{handler}\"")).collect();
            Err(invalid(
                format!("{origin} subscribes the handler \"{handler}\", which the plugin does not have"),
                &format!("Use one of its handlers: {}.", known.join(", ")),
            ))
        }
    }
}

/// Keys of these tables are called by their own names.
fn contradiction(path: &str, origin: &str) -> Refusal {
    let key = path.strip_prefix("policy.").or_else(|| path.strip_prefix("limits.")).unwrap_or(path);
    invalid(
        format!("{origin} contradicts itself: the key `{key}` has two values"),
        "Keep one of the values; the plugin was linked from parts with different manifests.",
    )
}
