//! The arguments in the parentheses of `#[handler]`: type patterns, then `publishes(…)`.

pub mod command;
pub mod scope;

use proc_macro2::Span;
use syn::{
    Ident, LitStr, Token, parenthesized,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
};

use crate::pattern::Pattern;

/// The attribute's arguments. Each is valid, and none contradicts another.
pub struct Arguments {
    /// The event types that the handler handles; at least one.
    pub types: Vec<LitStr>,
    /// The event types that the handler publishes.
    pub publishes: Vec<LitStr>,
}

const FORM: &str =
    "list event types, then options: `#[handler(\"order.placed\", publishes(\"stock.reserved\"))]`";

impl Parse for Arguments {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        if input.is_empty() {
            return Err(no_type(input.span()));
        }
        let mut types: Vec<LitStr> = Vec::new();
        let mut publishes: Option<Vec<LitStr>> = None;
        while !input.is_empty() {
            if input.peek(LitStr) {
                let event_type: LitStr = input.parse()?;
                if publishes.is_some() {
                    return Err(syn::Error::new(
                        event_type.span(),
                        format!("an event type follows an option; {FORM}"),
                    ));
                }
                types.push(event_type);
            } else {
                let option: Ident = input.parse().map_err(|e| syn::Error::new(e.span(), FORM))?;
                if option != "publishes" {
                    let message = format!("unknown option `{option}`; the only option is `publishes(\"…\")`");
                    return Err(syn::Error::new(option.span(), message));
                }
                if publishes.replace(list(input)?).is_some() {
                    return Err(syn::Error::new(
                        option.span(),
                        "`publishes` appears twice; merge both lists",
                    ));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        let publishes = publishes.unwrap_or_default();
        if types.is_empty() {
            return Err(no_type(input.span()));
        }
        check_types(&types)?;
        check_published(&publishes)?;
        Ok(Self { types, publishes })
    }
}

fn list(input: ParseStream) -> syn::Result<Vec<LitStr>> {
    let content;
    parenthesized!(content in input);
    Ok(Punctuated::<LitStr, Token![,]>::parse_terminated(&content)?.into_iter().collect())
}

fn no_type(span: Span) -> syn::Error {
    syn::Error::new(span, format!("a handler needs at least one event type; {FORM}"))
}

fn check_types(types: &[LitStr]) -> syn::Result<()> {
    let mut earlier: Vec<Pattern> = Vec::new();
    for literal in types {
        let pattern =
            Pattern::parse(&literal.value()).map_err(|reason| syn::Error::new(literal.span(), reason))?;
        if let Some(other) = earlier.iter().find(|other| other.overlaps(&pattern)) {
            let message = if *other == pattern {
                format!("`{pattern}` is listed twice")
            } else {
                format!("`{other}` and `{pattern}` overlap: some event types match both; remove one of them")
            };
            return Err(syn::Error::new(literal.span(), message));
        }
        earlier.push(pattern);
    }
    Ok(())
}

fn check_published(publishes: &[LitStr]) -> syn::Result<()> {
    check_written(publishes, "a published event", "publishes")
}

/// Validates the types of facts that a command records.
fn check_recorded(records: &[LitStr]) -> syn::Result<()> {
    check_written(records, "a fact", "writes")
}

/// Validates the types of events that the plugin writes.
fn check_written(types: &[LitStr], noun: &str, verb: &str) -> syn::Result<()> {
    for (at, literal) in types.iter().enumerate() {
        let event_type = literal.value();
        let refuse = |reason: String| Err(syn::Error::new(literal.span(), reason));
        if let Err(reason) = Pattern::parse(&event_type) {
            return refuse(reason);
        }
        if event_type.contains('*') {
            return refuse(format!("`{event_type}` is a pattern, but {noun} has one type; list each type"));
        }
        if event_type.split('.').next() == Some("camshaft") {
            return refuse(format!(
                "`{event_type}` is reserved: only the runtime {verb} `camshaft.*` events"
            ));
        }
        if types.iter().take(at).any(|earlier| earlier.value() == event_type) {
            return refuse(format!("`{event_type}` is listed twice"));
        }
    }
    Ok(())
}
