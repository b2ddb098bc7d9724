//! The part of the plugin's manifest that one attribute contributes: the keys of `plugin.toml` if the file
//! exists, else of the Cargo package, and the arguments of the attribute.
//!
//! Each handler or command writes one record, a separate TOML document, into the component. The runtime
//! merges the records by the rules in `wit/README.md`.

mod keys;

use std::{env, fs, io::ErrorKind, path::PathBuf};

use proc_macro2::Span;
use syn::LitStr;
use toml::{Table, Value, de::DeTable};

use crate::{
    arguments::{Arguments, command::CommandArguments},
    signature::Signature,
};

/// The contribution of one handler or command.
pub struct Manifest {
    /// The record's text.
    pub record: String,
    /// The types that the plugin may publish, as far as a handler's attribute and the file declare them.
    pub publishes: Vec<String>,
    /// The file that was read, so that the crate is recompiled when the file changes.
    pub file: Option<PathBuf>,
}

/// The attribute that contributes.
pub enum Entry<'a> {
    /// A `#[handler]`.
    Handler(&'a Signature<'a>, &'a Arguments),
    /// A `#[command]`.
    Command(&'a CommandArguments),
}

/// Keys of `plugin.toml` that only handlers have, each with the reason.
const HANDLERS_ONLY: [(&str, &str); 4] = [
    ("subscriptions", "its commands are its subscription"),
    ("publishes", "it publishes only the facts in `records(…)`"),
    ("capabilities", "it runs without grants"),
    ("template", "its command types are fixed"),
];

impl Manifest {
    /// Reads `plugin.toml`, if it exists, and merges it with the attribute.
    pub fn find(entry: &Entry) -> syn::Result<Self> {
        let file = PathBuf::from(variable("CARGO_MANIFEST_DIR")).join("plugin.toml");
        match fs::read_to_string(&file) {
            Ok(text) => Ok(Self { file: Some(file), ..Self::unite(parse(&text)?, entry)? }),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::unite(Table::new(), entry),
            Err(error) => Err(in_file(format_args!("cannot be read: {error}"))),
        }
    }

    /// Adds the Cargo package's values for missing keys, and the attribute's arguments, to the file's table.
    fn unite(mut table: Table, entry: &Entry) -> syn::Result<Self> {
        table.entry("manifest").or_insert(Value::Integer(1));
        for (key, value) in [
            ("name", name()),
            ("version", variable("CARGO_PKG_VERSION")),
            ("description", variable("CARGO_PKG_DESCRIPTION")),
        ] {
            if !value.is_empty() {
                table.entry(key).or_insert(Value::String(value));
            }
        }
        match entry {
            Entry::Handler(signature, arguments) => handler(&mut table, signature, arguments)?,
            Entry::Command(arguments) => command(&mut table, arguments)?,
        }
        let publishes = texts(table.get("publishes")).collect();
        Ok(Self { record: table.to_string(), publishes, file: None })
    }
}

/// Adds the published types and the subscription of a handler.
fn handler(table: &mut Table, signature: &Signature, arguments: &Arguments) -> syn::Result<()> {
    publishes(table, arguments)?;
    let written = table.remove("subscriptions");
    let handlers: Option<Vec<Value>> =
        tables(written.as_ref()).map(|entry| entry.get("handler").cloned()).collect();
    let Some(handlers) = handlers else {
        return Err(in_file("has a subscription without `handler`; add the name of the function"));
    };
    if !handlers.is_empty() {
        // This macro call does not see the other handlers. So each record lists the handlers that the file
        // subscribes, and the runtime, which sees all records, finds a name without a handler.
        table.insert("handlers".to_owned(), Value::Array(handlers));
    }
    let subscription = subscription(written.as_ref(), signature, arguments)?;
    table.insert("subscriptions".to_owned(), Value::Array(vec![Value::Table(subscription)]));
    Ok(())
}

/// Adds a command.
fn command(table: &mut Table, arguments: &CommandArguments) -> syn::Result<()> {
    let foreign = HANDLERS_ONLY.iter().find(|(key, _)| table.contains_key(*key));
    if let Some((key, reason)) = foreign {
        return Err(in_file(format_args!(
            "has `{key}`, but this plugin has commands: {reason}; remove the key"
        )));
    }
    let entry = Table::from_iter([
        ("type".to_owned(), Value::String(arguments.command.value())),
        ("scope".to_owned(), Value::String(arguments.scope.value())),
        ("records".to_owned(), strings(&arguments.records)),
    ]);
    table.insert("commands".to_owned(), Value::Array(vec![Value::Table(entry)]));
    Ok(())
}

/// Parses the file's text and validates its keys.
fn parse(text: &str) -> syn::Result<Table> {
    let no_toml = |error: toml::de::Error| in_file(format_args!("is not valid TOML: {error}"));
    let document = DeTable::parse(text).map_err(no_toml)?;
    keys::check(text, document.get_ref())?;
    text.parse().map_err(no_toml)
}

/// An error in the file, reported at the attribute.
fn in_file(message: impl std::fmt::Display) -> syn::Error {
    syn::Error::new(Span::call_site(), format!("plugin.toml {message}"))
}

/// Validates that the file lists the attribute's published types, and keeps the file's list. Without a list
/// in the file, the attribute's list is used.
fn publishes(table: &mut Table, arguments: &Arguments) -> syn::Result<()> {
    let Some(declared) = table.get("publishes") else {
        table.insert("publishes".to_owned(), strings(&arguments.publishes));
        return Ok(());
    };
    let missing =
        arguments.publishes.iter().find(|own| !texts(Some(declared)).any(|text| text == own.value()));
    match missing {
        Some(own) => {
            let message = format!("`publishes` in plugin.toml does not list `{}`", own.value());
            Err(syn::Error::new(own.span(), message))
        }
        None => Ok(()),
    }
}

/// This handler's subscription, with the keys that the file adds to it.
fn subscription(in_file: Option<&Value>, signature: &Signature, arguments: &Arguments) -> syn::Result<Table> {
    let name = signature.name.to_string();
    let any = tables(in_file).next().is_some();
    let mut own = tables(in_file).filter(|entry| entry.get("handler").and_then(Value::as_str) == Some(&name));
    let mut subscription = own.next().cloned().unwrap_or_default();
    if own.next().is_some() {
        let message = format!("plugin.toml has two subscriptions for handler `{name}`; merge them");
        return Err(syn::Error::new(signature.name.span(), message));
    }
    if any && subscription.is_empty() {
        let message = format!(
            "plugin.toml has subscriptions but none for handler `{name}`; add one, or remove them all"
        );
        return Err(syn::Error::new(signature.name.span(), message));
    }
    let types = strings(&arguments.types);
    if let Some(other) = subscription.get("types") {
        let sorted = |types: &Value| {
            let mut types: Vec<String> = texts(Some(types)).collect();
            types.sort();
            types
        };
        if sorted(other) != sorted(&types) {
            let message = format!("plugin.toml subscribes handler `{name}` to {other}, not to these types");
            return Err(syn::Error::new_spanned(TypeList(&arguments.types), message));
        }
    }
    subscription.insert("handler".to_owned(), Value::String(name));
    subscription.insert("types".to_owned(), types);
    Ok(subscription)
}

/// All types of the attribute, as one span.
struct TypeList<'a>(&'a [LitStr]);

impl quote::ToTokens for TypeList<'_> {
    fn to_tokens(&self, tokens: &mut proc_macro2::TokenStream) {
        self.0.iter().for_each(|literal| literal.to_tokens(tokens));
    }
}

/// The plugin's name: the name of the package or, because each example is a separate plugin, of the example.
fn name() -> String {
    let (package, this_crate) = (variable("CARGO_PKG_NAME"), variable("CARGO_CRATE_NAME"));
    let is_library = this_crate.is_empty() || library_name(&package) == this_crate;
    if is_library { package } else { this_crate.replace('_', "-") }
}

/// The name of the package's library, in the form that rustc uses.
fn library_name(package: &str) -> String {
    let file = PathBuf::from(variable("CARGO_MANIFEST_PATH"));
    let cargo: Table = fs::read_to_string(file).ok().and_then(|text| text.parse().ok()).unwrap_or_default();
    let own = cargo.get("lib").and_then(|lib| lib.get("name")).and_then(Value::as_str);
    own.unwrap_or(package).replace('-', "_")
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

fn strings(literals: &[LitStr]) -> Value {
    Value::Array(literals.iter().map(|literal| Value::String(literal.value())).collect())
}

fn tables(list: Option<&Value>) -> impl Iterator<Item = &Table> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table)
}

fn texts(list: Option<&Value>) -> impl Iterator<Item = String> + '_ {
    let entries = list.and_then(Value::as_array).into_iter().flatten();
    entries.filter_map(|entry| entry.as_str().map(str::to_owned))
}

#[cfg(test)]
mod tests;
