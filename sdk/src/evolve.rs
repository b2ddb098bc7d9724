//! The state of a scope, and the facts that make it.

use std::{fmt, ops::Deref};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    codec::{self, Decode},
    error::Result,
    event::{Bytes, Event},
};

/// The state of a scope: what a decision knows about it. The attribute
/// [`#[scope("course")]`](macro@crate::scope) on the `impl` sets the kind of the scope. A scope without facts
/// has the default state.
///
/// `evolve` has one input besides the state, the fact. The runtime calls it again to make the state anew, for
/// any number of facts at a time, and compares the results. So it must not read clocks, random numbers or
/// statics. Use sorted sets such as `BTreeSet`: the order of a `HashSet` differs from run to run. The SDK
/// sorts the entries of maps.
///
/// ```standalone_crate
/// use camshaft_sdk::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default, Serialize, Deserialize)]
/// struct Account {
///     cents: u64,
/// }
///
/// #[scope("account")]
/// impl Evolve for Account {
///     fn evolve(&mut self, fact: &Fact) -> Result {
///         match fact.event_type() {
///             "account.deposited" => self.cents += fact.data::<u64>()?,
///             "account.withdrawn" => self.cents -= fact.data::<u64>()?,
///             _ => {}
///         }
///         Ok(())
///     }
/// }
/// ```
pub trait Evolve: Serialize + DeserializeOwned + Default + 'static {
    /// The kind of the scope. The attribute `#[scope("…")]` sets it.
    const KIND: &'static str;

    /// Applies the next fact. Ignore facts of other types: a fact may be about several scopes.
    ///
    /// # Errors
    /// If the fact cannot be applied. The command that recorded the fact is then rejected, and nothing is
    /// stored.
    fn evolve(&mut self, fact: &Fact) -> Result;
}

/// A fact about a scope: an event with its attributes, such as `fact.time`, and its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact(Event<Bytes>);

impl Fact {
    /// What happened, such as `student.subscribed`.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.0.event_type
    }

    /// Decodes the data according to its media type.
    ///
    /// # Errors
    /// A reject that names the type of the fact, the expected Rust type and the location in the data.
    pub fn data<T: Decode>(&self) -> Result<T> {
        codec::decode(&self.0.event_type, self.0.datacontenttype.as_deref(), self.0.data.clone())
    }
}

impl From<Event<Bytes>> for Fact {
    fn from(event: Event<Bytes>) -> Self {
        Self(event)
    }
}

impl Deref for Fact {
    type Target = Event<Bytes>;

    fn deref(&self) -> &Event<Bytes> {
        &self.0
    }
}

/// Writes the type and the id, as errors name a fact.
impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.0.event_type, self.0.id)
    }
}
