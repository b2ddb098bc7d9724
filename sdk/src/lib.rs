//! The SDK for Camshaft plugins in Rust: one attribute on a plain function.
//!
//! A plugin handles events, or it decides commands: see [Commands and facts](#commands-and-facts).
//!
//! # A plugin
//!
//! A plugin is a library crate with `crate-type = ["cdylib"]` that depends on `camshaft-sdk` and `serde`. The
//! runtime calls the functions marked with [`#[handler]`](macro@handler) with events. The SDK decodes the
//! data into the type that the function declares.
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
//! `camshaft build` builds the crate into one `.wasm` file. To run the plugin, copy the file into the
//! runtime's plugins directory.
//!
//! # Exactly once
//!
//! If a handler returns `Ok(())`, all its effects through [`Context`] become durable in one step, together
//! with the event's completion. If it returns an error, panics or is interrupted by a crash, all its effects
//! are dropped. So a handler needs no table of processed events, no locks and no clean-up. It reads state,
//! writes state and publishes events, and the runtime may run it again at any time.
//!
//! Events with equal keys are handled one after another, in the order of the log. The key is the
//! `partitionkey`, else the `subject`. Memory does not last between events: keep durable data in
//! [`Context::state`].
//!
//! # Failing
//!
//! There are two ways to fail:
//!
//! * **`?` retries.** Any [`std::error::Error`] means that the event is handled again later, with growing
//!   delays. After the last attempt it becomes a dead letter. An [`Error`] of the SDK keeps its own outcome,
//!   retry or reject.
//! * **`.reject("…")` never retries.** The event becomes a dead letter at once, with that reason, for an
//!   operator to inspect. Call it on an [`Option`] or a [`Result`]; see [`OutcomeExt`].
//!
//! Data that cannot be decoded is rejected before the handler runs.
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
//! The SDK itself rejects an event if no later attempt could succeed: a published type is not declared, a
//! value is too large, or a state value does not have the requested type.
//!
//! # Testing
//!
//! The handler stays an ordinary function, so `cargo test` can call it with an in-memory context:
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
//! // Or as the runtime does it: decode the data, select the handler by type, apply all effects or none.
//! ctx.handle(Event::new("order.placed", Bytes::default()))?;
//! assert_eq!(ctx.published().len(), 2);
//! # Ok(())
//! # }
//! ```
//!
//! # Commands and facts
//!
//! A plugin with [`#[command]`](macro@command)s is an aggregate: it decides which commands are accepted, and
//! records what then happened as facts. It has no [`Context::state`]. Its truth is its facts, and a state is
//! what [`Evolve`] makes of them. A crate has either handlers or commands.
//!
//! A *scope* is what a rule is about, such as the course `course/c1`. A decision loads the scopes that its
//! rules need, refuses or records facts about them, and returns the reply to the sender:
//!
//! ```standalone_crate
//! use camshaft_sdk::{prelude::*, testing::TestAggregate};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Defined {
//!     capacity: u32,
//! }
//!
//! #[derive(Serialize, Deserialize)]
//! struct Subscribe {
//!     course: String,
//!     student: String,
//! }
//!
//! #[derive(Default, Serialize, Deserialize)]
//! struct Course {
//!     capacity: u32,
//!     students: u32,
//! }
//!
//! #[scope("course")]
//! impl Evolve for Course {
//!     fn evolve(&mut self, fact: &Fact) -> Result {
//!         match fact.event_type() {
//!             "course.defined" => self.capacity = fact.data::<Defined>()?.capacity,
//!             "student.subscribed" => self.students += 1,
//!             _ => {}
//!         }
//!         Ok(())
//!     }
//! }
//!
//! #[derive(Default, Serialize, Deserialize)]
//! struct Student {
//!     courses: u32,
//! }
//!
//! #[scope("student")]
//! impl Evolve for Student {
//!     fn evolve(&mut self, fact: &Fact) -> Result {
//!         if fact.event_type() == "student.subscribed" {
//!             self.courses += 1;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! #[command("course.subscribe", scope = "course", records("student.subscribed"))]
//! fn subscribe(command: Command<Subscribe>, ctx: &mut Decide) -> Decided<u32> {
//!     let course = ctx.load::<Course>(&command.data.course)?.or_refuse("no-such-course")?;
//!     let student = ctx.load_or_new::<Student>(&command.data.student)?;
//!     (course.students < course.capacity).or_refuse("course-full")?;
//!     (student.courses < 10).or_refuse("too-many-courses")?;
//!     ctx.record("student.subscribed", &command.data).about(&course).about(&student)?;
//!     Ok(course.students + 1)
//! }
//!
//! # fn main() {
//! // A test gives facts, sends a command and checks the outcome.
//! let mut courses = TestAggregate::new().given("course.defined", &Defined { capacity: 1 }, ["course/c1"]);
//! let subscribe = |student: &str| {
//!     let data = Subscribe { course: "c1".to_owned(), student: student.to_owned() };
//!     Command { subject: Some("c1".to_owned()), ..Command::new("course.subscribe", data) }
//! };
//! let accepted = courses.send(subscribe("ada")).unwrap();
//! assert_eq!(accepted.facts[0].extension("scopes"), Some("course/c1@2 student/ada@1"));
//! assert_eq!(accepted.reply::<u32>().unwrap(), 1);
//!
//! let declined = courses.send(subscribe("bob")).unwrap_err();
//! assert_eq!(declined.refusal().unwrap().code, "course-full");
//! # }
//! ```
//!
//! The command's completion, its facts, the new states of all its scopes and the reply commit together,
//! exactly once. If a parallel decision records a fact about a scope that this one loaded, the runtime
//! decides the command again; a plugin does not notice it. Rules over several scopes therefore hold without
//! locks.
//!
//! A command that is not accepted is refused, or it fails:
//!
//! * **`.or_refuse("code")?` refuses.** A refusal is a final answer: the sender gets the code, and nothing is
//!   recorded. Call it on an [`Option`], a `bool` or a [`Result`](std::result::Result); see [`RefuseExt`]. A
//!   [`Refusal`] also has a message and data.
//! * **`?` and `.reject("…")` fail**, as in a handler: the command is decided again later, or becomes a dead
//!   letter.
//!
//! A state is stored as MessagePack, with the entries of its maps in order. It has to be the same bytes
//! however the runtime divides the facts into calls, and [`testing::TestAggregate`] checks that. If the type
//! of a state changes, raise `state_revision` in `plugin.toml`; the runtime then makes the states again from
//! the facts.
//!
//! # Output
//!
//! `println!`, `eprintln!` and `dbg!` write lines of level info to the plugin's log, also from other crates.
//! `ctx.log` writes lines with fields. In a component that `camshaft build` did not build, printed output is
//! dropped.
//!
//! # The manifest
//!
//! The plugin's name, version and description are those of the Cargo package. Its subscriptions and published
//! types, or its commands, come from the attributes. A `plugin.toml` beside `Cargo.toml` can override name,
//! version and description, and adds policy, limits, configuration and filters. It is checked while the crate
//! compiles. If you add the file to a crate that was already compiled, save a source file once: the compiler
//! cannot watch for a file that did not exist.
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
#![allow(unexpected_cfgs, reason = "`camshaft build` sets `camshaft_output`")]
#![cfg_attr(camshaft_output, feature(internal_output_capture))]

mod aggregate;
mod attempt;
mod codec;
mod context;
mod decide;
mod error;
mod event;
mod evolve;
mod fold;
#[cfg(target_family = "wasm")]
mod guest;
mod handler;
mod host;
#[cfg(feature = "http")]
pub mod http;
#[cfg(target_family = "wasm")]
mod output;
mod publish;
mod record;
mod refusal;
mod scope;
mod state;
pub mod testing;

pub use aggregate::Command;
pub use camshaft_sdk_macros::{command, handler, scope};
pub use codec::{Decode, Encode, Encoding};
pub use context::Context;
pub use decide::{Decide, Loaded};
pub use error::{Error, OutcomeExt, Result};
pub use event::{Bytes, Event};
pub use evolve::{Evolve, Fact};
pub use host::Level;
pub use publish::EventBuilder;
pub use record::{AboutExt, Record, Recorded};
pub use refusal::{Decided, Declined, Refusal, RefuseExt};
pub use scope::Scope;
pub use state::{Entry, Scan, State};

/// The items that most plugins need: `use camshaft_sdk::prelude::*;`.
pub mod prelude {
    pub use crate::{
        AboutExt, Bytes, Command, Context, Decide, Decided, Error, Event, Evolve, Fact, OutcomeExt, Refusal,
        RefuseExt, Result, Scope, command, handler, scope,
    };
}

/// Items used by the code that the attributes generate. They are not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use inventory;

    #[cfg(target_family = "wasm")]
    pub use wit_bindgen;

    #[cfg(target_family = "wasm")]
    pub use crate::guest::{
        aggregate::{self, bindings as aggregate_bindings},
        handler::bindings as handler,
    };
    pub use crate::{
        aggregate::{CommandType, ScopeKind, apply, reply},
        handler::{Handler, decode},
    };
}
