//! The host as the composition and the command line use it: real files in, answers and refusals out.
//!
//! Guests are small core modules in WebAssembly text, so that the tests need no other toolchain and each shows
//! exactly what the guest does.

#[path = "host/calling.rs"]
mod calling;
#[path = "host/loading.rs"]
mod loading;
#[path = "host/support.rs"]
mod support;
