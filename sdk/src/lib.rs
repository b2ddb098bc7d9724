//! What authors of Camshaft plugins import: one attribute on a plain function.
//!
//! # A plugin
//!
//! A plugin is a library crate with `crate-type = ["cdylib"]` that depends on `camshaft-sdk` and `serde`. Its
//! functions under [`#[handler]`](macro@handler) are called with events; the data arrives as the type that the
//! function asks for.
//!
//! ```standalone_crate
//! use camshaft_sdk::prelude::*;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct OrderPlaced {
//!     id: String,
//!     sku: String,
//!     quantity: u32,
//! }
//!
//! #[derive(Serialize)]
//! struct StockReserved {
//!     order: String,
//! }
//!
//! #[handler("order.placed", publishes("stock.reserved"))]
//! fn reserve_stock(order: Event<OrderPlaced>, ctx: &mut Context) -> Result {
//!     let left: u32 = ctx.state().get(&order.data.sku)?.reject("unknown article")?;
//!     let left = left.checked_sub(order.data.quantity).reject("not enough stock")?;
//!     ctx.state().set(&order.data.sku, &left)?;
//!     ctx.publish("stock.reserved", &StockReserved { order: order.data.id })?;
//!     Ok(())
//! }
//! # fn main() {}
//! ```
//!
//! `camshaft build` makes one `.wasm` file of it. Copied into the runtime's plugins directory, it runs.
//!
//! # Exactly once
//!
//! All that a handler does through its [`Context`] becomes durable in one step together with the fact that the
//! event was handled, if the handler answers `Ok(())`. If it answers an error, panics, or is interrupted by a
//! crash, none of it happened. So a handler needs no table of events seen, no locks and no clean-up: it reads
//! state, writes state, publishes, and may be run again at any time.
//!
//! Events of equal key, which is the `partitionkey` or else the `subject`, are handled one after another in the
//! order of the log. Memory is no state: keep what must last in [`Context::state`].
//!
//! # Failing
//!
//! There are two ways to fail. **`?` retries**: every error, the SDK's own or any [`std::error::Error`], means
//! that the event is handled again later, with growing delays, until it becomes a dead letter in the end.
//! **`.reject("…")` never retries**: the event becomes a dead letter at once, with that reason, for an operator
//! to look at. It stands on an [`Option`] or on a [`Result`]; see [`OutcomeExt`]. Data that cannot be decoded
//! is rejected before the handler runs.
//!
//! ```standalone_crate
//! use std::time::Duration;
//!
//! use camshaft_sdk::prelude::*;
//!
//! #[handler("payment.requested")]
//! fn charge(request: Event<u64>, ctx: &mut Context) -> Result {
//!     let limit: u64 = ctx.config("limit").retry("no limit is configured")?.parse()?;
//!     if request.data > limit {
//!         return Err(Error::reject(format_args!("{} is above the limit of {limit}", request.data)));
//!     }
//!     let free: u64 = ctx.state().get("free")?.unwrap_or(limit);
//!     let free = free.checked_sub(request.data);
//!     let free = free.retry_after(Duration::from_secs(60), "the limit of the hour is reached")?;
//!     ctx.state().set("free", &free)
//! }
//! # fn main() {}
//! ```
//!
//! What the SDK knows no attempt can mend it rejects by itself: a published type that is not declared, a value
//! that is too large, a state value that is no such type.
//!
//! # Testing
//!
//! The function stays an ordinary function, so `cargo test` calls it with a context in memory:
//!
//! ```standalone_crate
//! use camshaft_sdk::{prelude::*, testing::TestContext};
//!
//! #[handler("order.placed", publishes("order.counted"))]
//! fn count(_: Event<Bytes>, ctx: &mut Context) -> Result {
//!     let count: u64 = ctx.state().get("count")?.unwrap_or(0);
//!     ctx.state().set("count", &(count + 1))?;
//!     ctx.publish("order.counted", &(count + 1))
//! }
//!
//! # fn main() -> Result {
//! let mut ctx = TestContext::new();
//! count(Event::new("order.placed", Bytes::default()), &mut ctx)?;
//! assert_eq!(ctx.state().get("count")?, Some(1));
//!
//! // Or by way of the event's type, as the runtime does it: decoding, dispatch, all or nothing.
//! ctx.handle(Event::new("order.placed", Bytes::default()))?;
//! assert_eq!(ctx.published().len(), 2);
//! # Ok(())
//! # }
//! ```
//!
//! # Output
//!
//! `println!`, `eprintln!` and `dbg!` write lines of level info to the plugin's log, those of other crates, too; `ctx.info`
//! and its like write lines with fields. In a component that `camshaft build` did not make, what is printed is dropped.
//!
//! # The manifest
//!
//! Name, version and description of the plugin are the Cargo package's; what it subscribes to and publishes is
//! what its attributes say. A `plugin.toml` beside `Cargo.toml` can change the first and adds policy, limits,
//! configuration and filters. It is checked while the crate compiles. After adding the file to a crate that
//! was compiled without it, save a source file once: a compiler cannot watch for a file that is not there.
//!
//! ```toml
//! manifest = 1
//!
//! [[subscriptions]]
//! handler = "reserve_stock"
//! filter = { prefix = { source = "/shop" } }
//!
//! [policy]
//! max_attempts = 5
//!
//! [config]
//! low_stock = "5"
//! ```
#![deny(missing_docs)]
#![allow(unexpected_cfgs, reason = "`camshaft build` sets `camshaft_output`")]
#![cfg_attr(camshaft_output, feature(internal_output_capture))]

mod codec;
mod context;
mod error;
mod event;
#[cfg(target_family = "wasm")]
mod guest;
mod handler;
mod host;
#[cfg(feature = "http")]
pub mod http;
#[cfg(target_family = "wasm")]
mod output;
mod publish;
mod state;
pub mod testing;

pub use camshaft_sdk_macros::handler;
pub use codec::{Decode, Encode, Encoding};
pub use context::Context;
pub use error::{Error, OutcomeExt, Result};
pub use event::{Bytes, Event};
pub use host::Level;
pub use publish::EventBuilder;
pub use state::{Entry, Scan, State};

/// Everything that a handler usually needs: `use camshaft_sdk::prelude::*;`.
pub mod prelude {
    pub use crate::{Bytes, Context, Error, Event, OutcomeExt, Result, handler};
}

/// For code that `#[handler]` writes. Nothing in here is part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use inventory;

    pub use crate::handler::{Handler, decode};
}
