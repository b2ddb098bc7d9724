//! The arguments of `#[command]`: the type, then `scope = "…"` and `records(…)`.

use syn::{
    Ident, LitStr, Token,
    parse::{Parse, ParseStream},
};

use super::{check_recorded, list};
use crate::{arguments::scope::check_kind, pattern::Pattern};

/// The attribute's arguments, each valid.
pub struct CommandArguments {
    /// The command type that the function decides.
    pub command: LitStr,
    /// The kind of the scope that the command's subject identifies.
    pub scope: LitStr,
    /// The types of the facts that the function records.
    pub records: Vec<LitStr>,
}

const FORM: &str = "write the type, then options: `#[command(\"course.subscribe\", scope = \"course\", \
                    records(\"student.subscribed\"))]`";

impl Parse for CommandArguments {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let command: LitStr = input
            .parse()
            .map_err(|error| syn::Error::new(error.span(), format!("a command needs its type; {FORM}")))?;
        check_command(&command)?;
        let (mut scope, mut records) = (None, None);
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if input.is_empty() {
                break;
            }
            if input.peek(LitStr) {
                return Err(input.error("a command has one type; give each type a function of its own"));
            }
            let option: Ident = input.parse().map_err(|error| syn::Error::new(error.span(), FORM))?;
            let is_repeated = if option == "scope" {
                scope.replace(kind(input)?).is_some()
            } else if option == "records" {
                records.replace(list(input)?).is_some()
            } else {
                let message = format!(
                    "unknown option `{option}`; the options are `scope = \"…\"` and `records(\"…\")`"
                );
                return Err(syn::Error::new(option.span(), message));
            };
            if is_repeated {
                return Err(syn::Error::new(option.span(), format!("`{option}` appears twice; keep one")));
            }
        }
        let Some(scope) = scope else {
            return Err(syn::Error::new(command.span(), format!("a command needs its scope; {FORM}")));
        };
        let records = records.unwrap_or_default();
        check_recorded(&records)?;
        Ok(Self { command, scope, records })
    }
}

/// The value of the option `scope`.
fn kind(input: ParseStream) -> syn::Result<LitStr> {
    let equals = input.parse::<Token![=]>();
    let kind: LitStr = equals.and_then(|_| input.parse()).map_err(|error| {
        syn::Error::new(error.span(), "write the scope with its kind: `scope = \"course\"`")
    })?;
    check_kind(&kind)?;
    Ok(kind)
}

fn check_command(literal: &LitStr) -> syn::Result<()> {
    let command = literal.value();
    let refuse = |reason: String| Err(syn::Error::new(literal.span(), reason));
    if let Err(reason) = Pattern::parse(&command) {
        return refuse(reason);
    }
    if command.contains('*') {
        return refuse(format!("`{command}` is a pattern, but a command has one type; write it out"));
    }
    if command.split('.').next() == Some("camshaft") {
        return refuse(format!("`{command}` is reserved: `camshaft.*` are types of the runtime"));
    }
    Ok(())
}
