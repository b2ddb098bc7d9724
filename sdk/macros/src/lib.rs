//! minimal
use proc_macro::TokenStream;
use quote::quote;
use syn::parse::Parser;

/// handler
#[proc_macro_attribute]
pub fn handler(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let function: syn::ItemFn = syn::parse_macro_input!(item);
    let name = &function.sig.ident;
    let text = name.to_string();
    let types = syn::punctuated::Punctuated::<syn::LitStr, syn::Token![,]>::parse_terminated
        .parse(attribute)
        .unwrap();
    let types = types.iter();
    quote! {
        #function
        const _: () = {
            ::camshaft_sdk::__private::inventory::submit! {
                ::camshaft_sdk::__private::Handler {
                    name: #text, types: &[#(#types),*], publishes: &[],
                    run: |event, context| #name(::camshaft_sdk::__private::decode(event)?, context),
                }
            }
        };
    }
    .into()
}
