//! The `#[handler]` attribute. Documented for authors in camshaft-sdk, which re-exports it.
//!
//! It leaves the function as it is and adds one anonymous constant: what registers the function, and the
//! record of the plugin's manifest. What an author gets wrong is an error at the token concerned, never a
//! panic.
#![deny(missing_docs)]

mod arguments;
mod expand;
mod manifest;
mod pattern;
mod signature;

use proc_macro::TokenStream;
use quote::quote;
use syn::ItemFn;

use crate::{arguments::Arguments, manifest::Manifest, signature::Signature};

/// Makes a function the handler of the event types named: `#[handler("order.placed")]`.
///
/// A type is dotted; `*` stands for one segment and a final `**` for one or more. What the handler
/// publishes is listed after the types: `#[handler("order.*", publishes("stock.reserved"))]`.
///
/// The function takes the event by value, whose data type says what the data is decoded to, and may take
/// `ctx: &mut Context` as well. It answers `Result`. It is left unchanged, so that other code and tests can
/// call it; only that it is never inlined in a plugin, which keeps its name in backtraces. A crate may have many handlers, whose types must not overlap.
///
/// A `plugin.toml` beside `Cargo.toml` adds to what the attributes say, such as policy and limits. It is
/// checked here: an unknown key, or a contradiction to an attribute, does not compile.
#[proc_macro_attribute]
pub fn handler(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let function: ItemFn = match syn::parse(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            let message = "`#[handler]` stands on a function: `fn f(order: Event<OrderPlaced>) -> Result`";
            let error = syn::Error::new(error.span(), message).into_compile_error();
            return item.into_iter().chain(TokenStream::from(error)).collect();
        }
    };
    let generated = expand(attribute, &function).unwrap_or_else(|error| error.into_compile_error());
    // Inlined into what calls it, the function would be missing in backtraces.
    let is_inline_said = function.attrs.iter().any(|attribute| attribute.path().is_ident("inline"));
    let kept = (!is_inline_said).then(|| quote!(#[cfg_attr(target_family = "wasm", inline(never))]));
    quote!(#kept #function #generated).into()
}

fn expand(attribute: TokenStream, function: &ItemFn) -> syn::Result<proc_macro2::TokenStream> {
    let signature = Signature::of(function)?;
    let arguments: Arguments = syn::parse(attribute)?;
    let manifest = Manifest::find(&signature, &arguments)?;
    Ok(expand::handler(&signature, &arguments, &manifest))
}
