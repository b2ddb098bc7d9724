//! The code that is generated beside the author's function.

use proc_macro2::{Literal, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::{arguments::Arguments, manifest::Manifest, signature::Signature};

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
    let record = record(&manifest.record);
    // Because the generated code includes the file, cargo recompiles the crate when the file changes.
    let tracked = manifest.file.as_ref().and_then(|file| file.to_str()).map(|file| {
        quote!(
            const _: &[u8] = ::core::include_bytes!(#file);
        )
    });
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
            #record
            #tracked
        };
    }
}

/// Generates this handler's record in the custom section: its length in four bytes, least significant byte
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
