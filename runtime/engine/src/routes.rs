//! Routing: which consumers an event may concern, by its type.
//!
//! Exact types go through an index, so that the cost follows the matches, not the subscriptions.

use std::collections::HashMap;

use camshaft_event::{ConsumerId, TypePattern};
use foldhash::fast::RandomState;

use crate::ConsumerSpec;

#[derive(Debug, Default)]
pub(crate) struct Routes {
    exact: HashMap<String, Vec<ConsumerId>, RandomState>,
    wildcard: Vec<(TypePattern, ConsumerId)>,
}

impl Routes {
    /// Replaces what is known of `consumer`.
    pub(crate) fn set(&mut self, consumer: ConsumerId, spec: Option<&ConsumerSpec>) {
        self.wildcard.retain(|(_, other)| *other != consumer);
        self.exact.retain(|_, consumers| {
            consumers.retain(|other| *other != consumer);
            !consumers.is_empty()
        });
        let subscriptions = spec.map(|spec| spec.subscriptions.as_slice()).unwrap_or_default();
        for pattern in subscriptions.iter().flat_map(|subscription| &subscription.types) {
            match pattern.exact() {
                Some(event_type) => {
                    let consumers = self.exact.entry(event_type.to_owned()).or_default();
                    if !consumers.contains(&consumer) {
                        consumers.push(consumer);
                    }
                }
                None => self.wildcard.push((pattern.clone(), consumer)),
            }
        }
    }

    /// The consumers with a pattern that matches; one may occur twice, and filters are not looked at.
    pub(crate) fn candidates(&self, event_type: &str) -> impl Iterator<Item = ConsumerId> {
        let exact = self.exact.get(event_type).into_iter().flatten().copied();
        let wildcard = self.wildcard.iter().filter(|(pattern, _)| pattern.matches(event_type));
        exact.chain(wildcard.map(|(_, consumer)| *consumer))
    }
}
