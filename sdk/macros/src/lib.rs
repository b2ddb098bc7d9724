//! The `#[handler]` attribute. camshaft-sdk re-exports it and documents it for authors.
//!
//! The macro keeps the function unchanged and adds one anonymous constant, which registers the function and
//! holds its record of the plugin's manifest. A mistake of the author is a compile error at the token
//! concerned, never a panic.

mod arguments;
mod expand;
mod manifest;
mod pattern;
mod signature;

use proc_macro::TokenStream;
use quote::quote;
use syn::ItemFn;

use crate::{arguments::Arguments, manifest::Manifest, signature::Signature};

/// Makes a function the handler of one or more event types: `#[handler("order.placed")]`.
///
/// An event type consists of dotted segments. `*` matches one segment, a final `**` one or more. List the
/// types that the handler publishes after the event types: `#[handler("order.*",
/// publishes("stock.reserved"))]`.
///
/// The function takes the event by value; the type parameter of `Event` is the type that the data is decoded
/// into. It may take `ctx: &mut Context` as a second argument. It returns `Result`. The function stays
/// unchanged, so other code and tests can call it. In a plugin it is never inlined, so that backtraces
/// contain its name; an `inline` attribute of your own overrides this. A crate may have several handlers, but
/// their types must not overlap.
///
/// A `plugin.toml` beside `Cargo.toml` adds settings to the attributes, such as policy and limits. The macro
/// checks the file: an unknown key or a contradiction with an attribute is a compile error.
#[proc_macro_attribute]
pub fn handler(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let function: ItemFn = match syn::parse(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            let message =
                "`#[handler]` applies only to a function: `fn f(order: Event<OrderPlaced>) -> Result`";
            let error = syn::Error::new(error.span(), message).into_compile_error();
            return item.into_iter().chain(TokenStream::from(error)).collect();
        }
    };
    let generated = expand(attribute, &function).unwrap_or_else(|error| error.into_compile_error());
    // An inlined function would be missing in backtraces.
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
