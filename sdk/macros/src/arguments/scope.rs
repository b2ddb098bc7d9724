//! The argument of `#[scope]`, the kind of the scope.

use syn::{
    LitStr,
    parse::{Parse, ParseStream},
};

/// The attribute's argument, a valid kind.
pub struct ScopeArguments {
    /// The kind, such as `course`.
    pub kind: LitStr,
}

impl Parse for ScopeArguments {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let kind: LitStr = input.parse().map_err(|error| {
            syn::Error::new(error.span(), "a scope needs its kind: `#[scope(\"course\")]`")
        })?;
        check_kind(&kind)?;
        if !input.is_empty() {
            return Err(input.error("a scope has one kind and no options: `#[scope(\"course\")]`"));
        }
        Ok(Self { kind })
    }
}

/// Refuses a kind with characters that the runtime does not allow.
pub fn check_kind(literal: &LitStr) -> syn::Result<()> {
    let kind = literal.value();
    let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    if !kind.is_empty() && kind.bytes().all(is_allowed) {
        return Ok(());
    }
    let message =
        format!("`{kind}` is not a valid scope kind; lower-case letters, digits, `-` and `_` are allowed");
    Err(syn::Error::new(literal.span(), message))
}
