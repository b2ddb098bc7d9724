//! The component's exports: those of the world `handler` or of the world `aggregate`, once in a crate.

use std::sync::atomic::{AtomicBool, Ordering};

use proc_macro2::{Span, TokenStream};
use quote::quote;

use crate::unique::unique;

/// The part of a crate in the runtime, and so the world that its component exports.
#[derive(Clone, Copy, Debug)]
pub enum Role {
    /// The crate has `#[handler]`s.
    Handler,
    /// The crate has `#[command]`s.
    Aggregate,
}

impl Role {
    /// Generates the exports for the first attribute of this role in the crate, and nothing for later ones.
    ///
    /// The compiler loads this program once for each crate, so a flag is enough. A language server loads it
    /// once for many crates, but links nothing.
    pub fn exports(self) -> TokenStream {
        static HANDLER: AtomicBool = AtomicBool::new(false);
        static AGGREGATE: AtomicBool = AtomicBool::new(false);
        let (is_exported, exports): (_, fn() -> TokenStream) = match self {
            Self::Handler => (&HANDLER, handler),
            Self::Aggregate => (&AGGREGATE, aggregate),
        };
        if is_exported.swap(true, Ordering::Relaxed) {
            return TokenStream::new();
        }
        // Both roles define this name, so the compiler refuses a crate with both.
        let role = unique("a_crate_has_either_handlers_or_commands", Span::call_site());
        let exports = exports();
        quote!(#role #exports)
    }
}

fn handler() -> TokenStream {
    quote! {
        #[cfg(target_family = "wasm")]
        const _: () = {
            use ::camshaft_sdk::__private::handler::{Component, export_handler};
            export_handler!(Component with_types_in ::camshaft_sdk::__private::handler);
        };
    }
}

/// The bindings of the world's exports. Those of its interfaces are in the SDK.
///
/// The functions of the canonical ABI are not left to the generated `export!`: it would need `unsafe_code`
/// allowed in the author's crate, which may forbid it.
fn aggregate() -> TokenStream {
    let contract =
        ["v0.1", "v0.2"].map(|version| format!("{}/../../wit/{version}", env!("CARGO_MANIFEST_DIR")));
    quote! {
        #[cfg(target_family = "wasm")]
        #[allow(clippy::all, missing_docs, unused_qualifications)]
        mod __camshaft_exports {
            use ::camshaft_sdk::__private::{aggregate, wit_bindgen};

            wit_bindgen::generate!({
                path: [#(#contract),*],
                world: "camshaft:plugin/aggregate@0.2.0",
                runtime_path: "::camshaft_sdk::__private::wit_bindgen::rt",
                with: {
                    "camshaft:plugin/config@0.1.0": ::camshaft_sdk::__private::handler::camshaft::plugin::config,
                    "camshaft:plugin/context@0.1.0": ::camshaft_sdk::__private::handler::camshaft::plugin::context,
                    "camshaft:plugin/logging@0.1.0": ::camshaft_sdk::__private::handler::camshaft::plugin::logging,
                    "camshaft:plugin/publisher@0.1.0": ::camshaft_sdk::__private::handler::camshaft::plugin::publisher,
                    "camshaft:plugin/types@0.1.0": ::camshaft_sdk::__private::handler::camshaft::plugin::types,
                    "camshaft:plugin/deciding@0.2.0":
                        ::camshaft_sdk::__private::aggregate_bindings::camshaft::plugin0_2_0::deciding,
                    "camshaft:plugin/scopes@0.2.0":
                        ::camshaft_sdk::__private::aggregate_bindings::camshaft::plugin0_2_0::scopes,
                },
            });

            struct Component;

            impl Guest for Component {
                fn decide(command: Event) -> Result<Result<Decision, Refusal>, Failure> {
                    aggregate::decide(command)
                }

                fn evolve(scope: Scope, state: Option<Vec<u8>>, facts: Vec<Event>) -> Result<Vec<u8>, Failure> {
                    aggregate::evolve(scope, state, facts)
                }
            }

            #[unsafe(export_name = "decide")]
            unsafe extern "C" fn export_decide(command: *mut u8) -> *mut u8 {
                unsafe { _export_decide_cabi::<Component>(command) }
            }

            #[unsafe(export_name = "cabi_post_decide")]
            unsafe extern "C" fn after_decide(result: *mut u8) {
                unsafe { __post_return_decide::<Component>(result) }
            }

            #[unsafe(export_name = "evolve")]
            unsafe extern "C" fn export_evolve(
                kind: *mut u8,
                kind_length: usize,
                id: *mut u8,
                id_length: usize,
                has_state: i32,
                state: *mut u8,
                state_length: usize,
                facts: *mut u8,
                facts_length: usize,
            ) -> *mut u8 {
                unsafe {
                    _export_evolve_cabi::<Component>(
                        kind, kind_length, id, id_length, has_state, state, state_length, facts, facts_length,
                    )
                }
            }

            #[unsafe(export_name = "cabi_post_evolve")]
            unsafe extern "C" fn after_evolve(result: *mut u8) {
                unsafe { __post_return_evolve::<Component>(result) }
            }
        }
    }
}
