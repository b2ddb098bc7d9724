//! The attributes `#[handler]`, `#[command]` and `#[scope]`. camshaft-sdk re-exports them and documents them
//! for authors.
//!
//! A macro keeps the function unchanged and adds one anonymous constant, which registers the function and
//! holds its record of the plugin's manifest. The first one in a crate adds the component's exports. A
//! mistake of the author is a compile error at the token concerned, never a panic.

mod arguments;
mod expand;
mod exports;
mod manifest;
mod pattern;
mod signature;
mod unique;

use proc_macro::TokenStream;
use quote::quote;
use syn::{ItemFn, ItemImpl};

use crate::{
    arguments::{Arguments, command::CommandArguments},
    manifest::{Entry, Manifest},
    signature::{Form, Signature},
};

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
    let expected = "`#[handler]` applies only to a function: `fn f(order: Event<OrderPlaced>) -> Result`";
    on_function(item, expected, |function| {
        let signature = Signature::of(function, &Form::HANDLER)?;
        let arguments: Arguments = syn::parse(attribute)?;
        let manifest = Manifest::find(&Entry::Handler(&signature, &arguments))?;
        Ok(expand::handler(&signature, &arguments, &manifest))
    })
}

/// Makes a function decide the commands of one type: `#[command("course.subscribe", scope = "course",
/// records("student.subscribed"))]`.
///
/// `scope` is the kind of the scope that the command's subject identifies. `records` lists the types of the
/// facts that the function records.
///
/// The function takes the command by value; the type parameter of `Command` is the type that the data is
/// decoded into. Its second argument is `ctx: &mut Decide`. It returns `Decided<R>`: the reply to the sender,
/// any type that serde can serialize, or `()`. The function stays unchanged, as with `#[handler]`. A crate
/// may have several commands, each with its own type, but no handlers.
///
/// A `plugin.toml` beside `Cargo.toml` adds settings to the attributes, as with `#[handler]`.
#[proc_macro_attribute]
pub fn command(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let expected = "`#[command]` applies only to a function: `fn f(command: Command<Subscribe>, ctx: &mut \
                    Decide) -> Decided`";
    on_function(item, expected, |function| {
        let signature = Signature::of(function, &Form::COMMAND)?;
        let arguments: CommandArguments = syn::parse(attribute)?;
        let manifest = Manifest::find(&Entry::Command(&arguments))?;
        Ok(expand::command(&signature, &arguments, &manifest))
    })
}

/// Makes a type the state of the scopes of one kind: `#[scope("course")]` on `impl Evolve for Course`.
///
/// A crate may have several kinds, each with its own type.
#[proc_macro_attribute]
pub fn scope(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let expected = "`#[scope]` applies only to `impl Evolve for …`, for a type without parameters";
    let implementation: ItemImpl = match syn::parse(item.clone()) {
        Ok(implementation) => implementation,
        Err(error) => {
            let error = syn::Error::new(error.span(), expected).into_compile_error();
            return item.into_iter().chain(TokenStream::from(error)).collect();
        }
    };
    let is_evolve = |path: &syn::Path| path.segments.last().is_some_and(|last| last.ident == "Evolve");
    let mistaken = match &implementation.trait_ {
        Some((path, _)) if is_evolve(path) => None,
        Some((path, _)) => Some(syn::Error::new_spanned(path, expected)),
        None => Some(syn::Error::new_spanned(&implementation.self_ty, expected)),
    };
    if let Some(error) = mistaken {
        let error = error.into_compile_error();
        return quote!(#implementation #error).into();
    }
    let generics = &implementation.generics;
    let arguments = if generics.params.is_empty() {
        syn::parse(attribute)
    } else {
        Err(syn::Error::new_spanned(generics, expected))
    };
    expand::scope(implementation, arguments).into()
}

/// Keeps the function and adds the code that `expand` generates.
fn on_function(
    item: TokenStream,
    expected: &str,
    expand: impl FnOnce(&ItemFn) -> syn::Result<proc_macro2::TokenStream>,
) -> TokenStream {
    let function: ItemFn = match syn::parse(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            let error = syn::Error::new(error.span(), expected).into_compile_error();
            return item.into_iter().chain(TokenStream::from(error)).collect();
        }
    };
    let generated = expand(&function).unwrap_or_else(|error| error.into_compile_error());
    // An inlined function would be missing in backtraces.
    let is_inline_said = function.attrs.iter().any(|attribute| attribute.path().is_ident("inline"));
    let kept = (!is_inline_said).then(|| quote!(#[cfg_attr(target_family = "wasm", inline(never))]));
    quote!(#kept #function #generated).into()
}
