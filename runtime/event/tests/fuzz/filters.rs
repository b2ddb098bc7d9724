//! Filters: what is printed is read as the same filter, and lets through what the CloudEvents Subscriptions
//! API says.

use std::collections::BTreeMap;

use bolero::generator::ValueGenerator;
use bolero::{TypeGenerator, check, one_value_of, produce};
use camshaft_event::cloudevents::{print, validate};
use camshaft_event::{Event, Filter};

use super::built::{BuiltEvent, MOMENT};
use super::edited::{Edited, corpus};

/// A filter to be.
#[derive(Clone, Debug, TypeGenerator)]
enum Shape {
    Leaf(Comparison),
    All(#[generator(produce::<Vec<Shape>>().with().len(0..4_usize))] Vec<Shape>),
    Any(#[generator(produce::<Vec<Shape>>().with().len(0..4_usize))] Vec<Shape>),
    Not(Box<Shape>),
}

#[derive(Clone, Debug, TypeGenerator)]
struct Comparison {
    #[generator(0..3_u8)]
    dialect: u8,
    #[generator(wanted_texts())]
    wanted: Vec<(String, String)>,
}

fn wanted_texts() -> impl ValueGenerator<Output = Vec<(String, String)>> {
    let name = one_value_of(["id", "type", "source", "subject", "specversion", "tenant", "time", "absent"])
        .map_gen(str::to_owned);
    let text = one_value_of(["", "1", "1.0", "o", "order.placed", "placed", "/shop", "o-17", "acme"])
        .map_gen(str::to_owned);
    produce::<Vec<(String, String)>>().with().values((name, text)).len(0..3_usize)
}

const WORDS: [&str; 12] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    "\"exact\":",
    "\"not\":",
    "\"all\":[",
    "\"type\":\"\"",
    "null",
    "1",
    "\"any\":[]",
];

#[test]
fn any_text_is_a_filter_or_a_refusal() {
    check!(name = "filter").with_iterations(1_000).for_each(check_text);
}

#[test]
fn an_edited_filter_is_a_filter_or_a_refusal() {
    let corpus = corpus("filter");
    check!()
        .with_type::<Edited>()
        .with_test_time(MOMENT)
        .for_each(|edited| check_text(&edited.of(&corpus, &WORDS)));
}

#[test]
fn a_filter_lets_through_what_its_dialects_say() {
    check!().with_type::<(Shape, BuiltEvent)>().with_test_time(MOMENT).for_each(|(shape, built)| {
        let (filter, event) = (shape.filter(), built.event());
        let Ok(()) = validate(&event) else { return };
        assert_eq!(filter.matches(&event), shape.holds(&event), "{filter:?}\n{event:?}");
        assert!(filter.matches(&event) != Filter::Not(Box::new(filter.clone())).matches(&event));
        check_filter(&filter);
    });
}

fn check_text(text: &[u8]) {
    if let Ok(filter) = serde_json::from_slice::<Filter>(text) {
        check_filter(&filter);
    }
}

/// A filter and its printed form agree, in both encodings.
fn check_filter(filter: &Filter) {
    let json = serde_json::to_string(filter).unwrap();
    assert_eq!(&serde_json::from_str::<Filter>(&json).unwrap(), filter, "{json}");
    let bytes = rmp_serde::to_vec(filter).unwrap();
    assert_eq!(&rmp_serde::from_slice::<Filter>(&bytes).unwrap(), filter);
}

impl Shape {
    fn filter(&self) -> Filter {
        let each = |shapes: &[Self]| shapes.iter().map(Self::filter).collect();
        match self {
            Self::Leaf(comparison) => {
                let wanted = comparison.texts();
                match comparison.dialect {
                    0 => Filter::Exact(wanted),
                    1 => Filter::Prefix(wanted),
                    _ => Filter::Suffix(wanted),
                }
            }
            Self::All(shapes) => Filter::All(each(shapes)),
            Self::Any(shapes) => Filter::Any(each(shapes)),
            Self::Not(shape) => Filter::Not(Box::new(shape.filter())),
        }
    }

    fn holds(&self, event: &Event) -> bool {
        match self {
            Self::Leaf(comparison) => {
                comparison.texts().iter().all(|(name, text)| comparison.accepts(event, name, text))
            }
            Self::All(shapes) => !shapes.iter().any(|shape| !shape.holds(event)),
            Self::Any(shapes) => shapes.iter().any(|shape| shape.holds(event)),
            Self::Not(shape) => !shape.holds(event),
        }
    }
}

impl Comparison {
    /// A repeated name counts once, with the text that came last.
    fn texts(&self) -> BTreeMap<String, String> {
        self.wanted.iter().cloned().collect()
    }

    fn accepts(&self, event: &Event, name: &str, text: &str) -> bool {
        // The printed form names every attribute that is there.
        let printed = print(&Event { data: Vec::new(), ..event.clone() }, None);
        let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
        let Some(value) = printed[name].as_str() else { return false };
        match self.dialect {
            0 => value == text,
            1 => value.get(..text.len()) == Some(text),
            _ => value.len().checked_sub(text.len()).and_then(|start| value.get(start..)) == Some(text),
        }
    }
}
