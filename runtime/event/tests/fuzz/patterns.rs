//! Type patterns: what is accepted means what a far simpler matcher says.

use bolero::generator::ValueGenerator;
use bolero::{TypeGenerator, check, one_value_of, produce};
use camshaft_event::TypePattern;

use super::built::MOMENT;

/// Two patterns and a type, of few segments, so that they often agree.
#[derive(Clone, Debug, TypeGenerator)]
struct Case {
    #[generator(segments())]
    ours: Vec<String>,
    #[generator(segments())]
    theirs: Vec<String>,
    #[generator(segments())]
    event_type: Vec<String>,
}

fn segments() -> impl ValueGenerator<Output = Vec<String>> {
    let segment = one_value_of(["a", "b", "camshaft", "*", "**", "a", "b", "*", "", "a*", "a b", "ü"])
        .map_gen(str::to_owned);
    produce::<Vec<String>>().with().values(segment).len(1..5_usize)
}

#[test]
fn any_patterns_match_and_overlap_as_they_say() {
    check!(name = "pattern").with_iterations(1_000).for_each(|text| {
        let text = String::from_utf8_lossy(text);
        let mut lines = text.splitn(3, '\n');
        let mut line = || lines.next().unwrap_or_default();
        check_patterns(line(), line(), line());
    });
}

#[test]
fn likely_patterns_match_and_overlap_as_they_say() {
    check!().with_type::<Case>().with_test_time(MOMENT).for_each(|case| {
        check_patterns(&case.ours.join("."), &case.theirs.join("."), &case.event_type.join("."));
    });
}

fn check_patterns(ours: &str, theirs: &str, event_type: &str) {
    let parsed = [ours, theirs].map(|text| {
        let pattern = text.parse::<TypePattern>();
        assert_eq!(pattern.is_ok(), is_pattern(text), "{text:?}");
        if let Ok(pattern) = &pattern {
            check_pattern(pattern, text, event_type);
        }
        pattern
    });
    if let [Ok(first), Ok(second)] = parsed {
        let expected = common_type(ours, theirs);
        assert_eq!(first.overlaps(&second), expected.is_some(), "{ours:?} and {theirs:?}");
        assert_eq!(second.overlaps(&first), expected.is_some(), "{theirs:?} and {ours:?}");
        if let Some(both) = expected {
            assert!(first.matches(&both) && second.matches(&both), "{ours:?} and {theirs:?} match {both:?}");
        }
        if first.matches(event_type) && second.matches(event_type) {
            assert!(first.overlaps(&second), "{ours:?} and {theirs:?} both match {event_type:?}");
        }
    }
}

fn check_pattern(pattern: &TypePattern, text: &str, event_type: &str) {
    assert_eq!(pattern.as_str(), text);
    assert_eq!(pattern.to_string().parse().as_ref(), Ok(pattern));
    let json = serde_json::to_string(pattern).unwrap();
    assert_eq!(&serde_json::from_str::<TypePattern>(&json).unwrap(), pattern);
    assert_eq!(pattern.matches(event_type), matches(text, event_type), "{text:?} and {event_type:?}");
    assert_eq!(pattern.exact().is_some(), !text.contains('*'));
    if let Some(exact) = pattern.exact() {
        assert!(pattern.matches(exact));
        assert!(exact == event_type || !pattern.matches(event_type));
    }
    assert!(pattern.overlaps(pattern), "{text:?}");
}

fn is_pattern(text: &str) -> bool {
    let segments: Vec<_> = text.split('.').collect();
    let is_literal = |segment: &str| {
        !segment.is_empty() && !segment.contains(|c: char| c == '*' || c.is_whitespace() || c.is_control())
    };
    let (last, others) = segments.split_last().unwrap();
    others.iter().chain([last]).all(|segment| *segment == "*" || *segment == "**" || is_literal(segment))
        && !others.contains(&"**")
}

fn matches(pattern: &str, event_type: &str) -> bool {
    let is_reserved = event_type.split('.').next() == Some("camshaft");
    (!is_reserved || pattern.split('.').next() == Some("camshaft"))
        && match pattern.strip_suffix("**") {
            None => same_segments(pattern, event_type),
            Some(start) => {
                let fixed = start.matches('.').count();
                let segments: Vec<_> = event_type.split('.').collect();
                let start = start.strip_suffix('.').unwrap_or(start);
                segments.len() > fixed && (fixed == 0 || same_segments(start, &segments[..fixed].join(".")))
            }
        }
}

fn same_segments(pattern: &str, event_type: &str) -> bool {
    let (pattern, event_type): (Vec<_>, Vec<_>) =
        (pattern.split('.').collect(), event_type.split('.').collect());
    pattern.len() == event_type.len()
        && pattern.iter().zip(&event_type).all(|(want, segment)| *want == "*" || want == segment)
}

/// A type that both match, if there is one: the fixed segments of both, and `x` where neither fixes one.
fn common_type(ours: &str, theirs: &str) -> Option<String> {
    let (ours, theirs): (Vec<_>, Vec<_>) = (ours.split('.').collect(), theirs.split('.').collect());
    let segment = |pattern: &[&str], at: usize| {
        let wanted = pattern.get(at).copied().or(pattern.last().copied().filter(|last| *last == "**"));
        wanted.map(|wanted| (!wanted.starts_with('*')).then(|| wanted.to_owned()))
    };
    let both =
        (0..ours.len().max(theirs.len())).map(|at| match (segment(&ours, at)?, segment(&theirs, at)?) {
            (Some(ours), Some(theirs)) => (ours == theirs).then_some(ours),
            (ours, theirs) => Some(ours.or(theirs).unwrap_or("x".to_owned())),
        });
    let both = both.collect::<Option<Vec<_>>>()?.join(".");
    let joined = |pattern: &[&str]| pattern.join(".");
    (matches(&joined(&ours), &both) && matches(&joined(&theirs), &both)).then_some(both)
}
