//! Subscription filters, which select events by their attributes among the subscribed types.
//!
//! The dialects are those of the CloudEvents Subscriptions API: `exact`, `prefix`, `suffix`, `all`, `any`,
//! `not`. All attributes in one map must match. An absent attribute never matches.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Event;

/// One filter expression over the attributes of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Filter {
    /// Each attribute equals its text.
    Exact(BTreeMap<String, String>),
    /// Each attribute begins with its text.
    Prefix(BTreeMap<String, String>),
    /// Each attribute ends with its text.
    Suffix(BTreeMap<String, String>),
    /// Every nested filter matches.
    All(Vec<Filter>),
    /// At least one nested filter matches.
    Any(Vec<Filter>),
    /// The nested filter does not match.
    Not(Box<Filter>),
}

impl Filter {
    /// Whether the filter matches `event`.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        let each = |wanted: &BTreeMap<String, String>, holds: fn(&str, &str) -> bool| {
            wanted.iter().all(|(name, text)| attribute(event, name).is_some_and(|value| holds(value, text)))
        };
        match self {
            Self::Exact(wanted) => each(wanted, |value, text| value == text),
            Self::Prefix(wanted) => each(wanted, |value, text| value.starts_with(text)),
            Self::Suffix(wanted) => each(wanted, |value, text| value.ends_with(text)),
            Self::All(filters) => filters.iter().all(|filter| filter.matches(event)),
            Self::Any(filters) => filters.iter().any(|filter| filter.matches(event)),
            Self::Not(filter) => !filter.matches(event),
        }
    }

    /// The number of terms: every filter in this one, itself included, and every attribute that a filter
    /// compares. [`Filter::matches`] evaluates each term at most once.
    #[must_use]
    pub fn terms(&self) -> usize {
        match self {
            Self::Exact(wanted) | Self::Prefix(wanted) | Self::Suffix(wanted) => 1 + wanted.len(),
            Self::All(filters) | Self::Any(filters) => 1 + filters.iter().map(Self::terms).sum::<usize>(),
            Self::Not(filter) => 1 + filter.terms(),
        }
    }

    /// The depth of nesting; 1 for a filter without nested filters.
    #[must_use]
    pub fn depth(&self) -> usize {
        match self {
            Self::Exact(_) | Self::Prefix(_) | Self::Suffix(_) => 1,
            Self::All(filters) | Self::Any(filters) => {
                1 + filters.iter().map(Self::depth).max().unwrap_or_default()
            }
            Self::Not(filter) => 1 + filter.depth(),
        }
    }
}

fn attribute<'e>(event: &'e Event, name: &str) -> Option<&'e str> {
    match name {
        "id" => Some(&event.id),
        "source" => Some(&event.source),
        "type" => Some(&event.event_type),
        "specversion" => Some("1.0"),
        "subject" => event.subject.as_deref(),
        "time" => event.time.as_deref(),
        "datacontenttype" => event.datacontenttype.as_deref(),
        "dataschema" => event.dataschema.as_deref(),
        "partitionkey" => event.partitionkey.as_deref(),
        _ => event.extension(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, text: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(name.to_owned(), text.to_owned())])
    }

    #[test]
    fn dialects_combine_as_cloudevents_says() {
        let mut event = Event { source: "/shop/eu".into(), subject: Some("o-17".into()), ..Event::default() };
        event.set_extension("tenant", "acme");
        let prefix = Filter::Prefix(one("source", "/shop"));
        let other_subject = Filter::Exact(one("subject", "test"));
        for (filter, expected) in [
            (prefix.clone(), true),
            (Filter::Suffix(one("tenant", "me")), true),
            (Filter::Exact(one("absent", "")), false),
            (Filter::Not(Box::new(Filter::Exact(one("absent", "")))), true),
            (Filter::All(vec![prefix.clone(), Filter::Not(Box::new(other_subject.clone()))]), true),
            (Filter::Any(vec![other_subject.clone(), prefix]), true),
            (Filter::Any(vec![other_subject]), false),
        ] {
            assert_eq!(filter.matches(&event), expected, "{filter:?}");
        }
    }

    #[test]
    fn terms_are_filters_and_attributes_and_depth_is_filters_alone() {
        let leaf = Filter::Exact(BTreeMap::from([("a".into(), "1".into()), ("b".into(), "2".into())]));
        assert_eq!((leaf.terms(), leaf.depth()), (3, 1));
        let whole = Filter::Any(vec![Filter::Not(Box::new(leaf.clone())), leaf, Filter::All(Vec::new())]);
        assert_eq!((whole.terms(), whole.depth()), (9, 3));
    }
}
