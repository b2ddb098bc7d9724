//! The code that is generated beside the author's function.

use proc_macro2::{Literal, TokenStream};
use quote::{quote, quote_spanned};
use syn::{ItemImpl, parse_quote, spanned::Spanned};

use crate::{
    arguments::{Arguments, command::CommandArguments, scope::ScopeArguments},
    exports::Role,
    manifest::Manifest,
    signature::Signature,
    unique::{identifier, unique},
};

/// Generates the anonymous constant that registers the function and holds the manifest record.
pub fn handler(signature: &Signature, arguments: &Arguments, manifest: &Manifest) -> TokenStream {
    let name = signature.name;
    let text = name.to_string();
    let types = &arguments.types;
    let publishes = &manifest.publishes;
    // With these spans the compiler's errors point at the argument with the wrong type.
    let event = quote_spanned!(signature.event.span()=> ::camshaft_sdk::__private::decode(event)?);
    let context = signature.context.map(|context| quote_spanned!(context.span()=> context));
    let call = quote_spanned!(name.span()=> #name(#event, #context));
    let unused = signature.context.is_none().then(|| quote!(let _ = context;));
    let plugin = plugin(manifest, Role::Handler);
    quote! {
        const _: () = {
            ::camshaft_sdk::__private::inventory::submit! {
                ::camshaft_sdk::__private::Handler {
                    name: #text,
                    types: &[#(#types),*],
                    publishes: &[#(#publishes),*],
                    run: |event, context| {
                        #unused
                        #call
                    },
                }
            }
            #plugin
        };
    }
}

/// Generates the anonymous constant that registers the function of a command and holds the manifest record.
pub fn command(signature: &Signature, arguments: &CommandArguments, manifest: &Manifest) -> TokenStream {
    let name = signature.name;
    let CommandArguments { command, scope, records } = arguments;
    // With these spans the compiler's errors point at the argument or the result with the wrong type.
    let decoded = quote_spanned!(signature.event.span()=> ::camshaft_sdk::__private::decode(command)?);
    let context = signature.context.map(|context| quote_spanned!(context.span()=> context));
    let call = quote_spanned!(name.span()=> #name(#decoded, #context));
    let reply = quote_spanned!(signature.output.span()=> ::camshaft_sdk::__private::reply(#call?));
    let unused = signature.context.is_none().then(|| quote!(let _ = context;));
    let plugin = plugin(manifest, Role::Aggregate);
    let unique = unique(&format!("command_{}", identifier(&command.value())), command.span());
    quote! {
        const _: () = {
            ::camshaft_sdk::__private::inventory::submit! {
                ::camshaft_sdk::__private::CommandType {
                    name: #command,
                    scope: #scope,
                    records: &[#(#records),*],
                    run: |command, context| {
                        #unused
                        #reply
                    },
                }
            }
            #plugin
            #unique
        };
    }
}

/// Adds the kind to the author's `impl`, and generates the anonymous constant that registers it. After a
/// mistake the `impl` has an empty kind, so that the mistake is the only error.
pub fn scope(mut implementation: ItemImpl, arguments: syn::Result<ScopeArguments>) -> TokenStream {
    let kind = arguments.as_ref().map_or_else(|_| String::new(), |arguments| arguments.kind.value());
    implementation.items.insert(0, parse_quote!(const KIND: &'static str = #kind;));
    let kind = match arguments {
        Ok(arguments) => arguments.kind,
        Err(error) => {
            let error = error.into_compile_error();
            return quote!(#implementation #error);
        }
    };
    let state = &implementation.self_ty;
    let unique = unique(&format!("scope_{}", identifier(&kind.value())), kind.span());
    quote! {
        #implementation
        const _: () = {
            ::camshaft_sdk::__private::inventory::submit! {
                ::camshaft_sdk::__private::ScopeKind {
                    name: #kind,
                    evolve: ::camshaft_sdk::__private::apply::<#state>,
                }
            }
            #unique
        };
    }
}

/// Generates the parts that each attribute of a plugin has: its manifest record, and the exports at the first
/// attribute.
fn plugin(manifest: &Manifest, role: Role) -> TokenStream {
    let record = record(&manifest.record);
    // Because the generated code includes the file, cargo recompiles the crate when the file changes.
    let tracked = manifest.file.as_ref().and_then(|file| file.to_str()).map(|file| {
        quote!(
            const _: &[u8] = ::core::include_bytes!(#file);
        )
    });
    let exports = role.exports();
    quote!(#record #tracked #exports)
}

/// Generates this attribute's record in the custom section: its length in four bytes, least significant byte
/// first, then the text.
fn record(text: &str) -> TokenStream {
    let length = u32::try_from(text.len()).expect("a manifest is shorter than 4 GiB");
    let bytes: Vec<u8> = length.to_le_bytes().into_iter().chain(text.bytes()).collect();
    let size = bytes.len();
    let bytes = Literal::byte_string(&bytes);
    quote! {
        #[cfg(target_family = "wasm")]
        #[used]
        #[unsafe(link_section = "camshaft:manifest")]
        static RECORD: [u8; #size] = *#bytes;
    }
}
