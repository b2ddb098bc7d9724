use camshaft_sdk::testing::TestContext;

use super::*;

const ROUTES: &str = "order.large: .data.total >= 1000\n\norder.foreign: .data.country != \"DE\"\n  and .data.country != null\n";

fn context(settings: &[(&str, &str)]) -> TestContext {
    let types = ["order.large", "order.foreign", "order.other"];
    let ctx = TestContext::new().with_config("routes", ROUTES).with_publishes(types);
    settings.iter().fold(ctx, |ctx, (key, value)| ctx.with_config(key, value))
}

fn order(data: &str) -> Event<Bytes> {
    Event { subject: Some("o-7".to_owned()), ..Event::new("order.placed", Bytes(data.as_bytes().to_vec())) }
}

/// The types under which an order is published.
fn types(settings: &[(&str, &str)], data: &str) -> Result<Vec<String>> {
    let mut ctx = context(settings);
    ctx.handle(order(data))?;
    Ok(ctx.published().into_iter().map(|event| event.event_type).collect())
}

const BOTH: &str = r#"{"total": 2000, "country": "FR"}"#;
const FOREIGN: &str = r#"{"total": 20, "country": "FR"}"#;
const NEITHER: &str = r#"{"total": 20, "country": "DE"}"#;

#[test]
fn the_first_route_that_matches_is_taken() {
    assert_eq!(types(&[], BOTH).unwrap(), ["order.large"]);
    assert_eq!(types(&[], FOREIGN).unwrap(), ["order.foreign"]);
}

#[test]
fn all_that_match_are_taken_if_the_operator_wants() {
    assert_eq!(types(&[("all", "true")], BOTH).unwrap(), ["order.large", "order.foreign"]);
}

#[test]
fn an_event_without_a_route_is_dropped_rejected_or_published() {
    assert_eq!(types(&[], NEITHER).unwrap(), Vec::<String>::new());
    assert_eq!(types(&[("otherwise", "drop")], NEITHER).unwrap(), Vec::<String>::new());
    assert_eq!(types(&[("otherwise", "order.other")], NEITHER).unwrap(), ["order.other"]);
    assert_eq!(types(&[("otherwise", "order.other")], FOREIGN).unwrap(), ["order.foreign"]);
    let error = types(&[("otherwise", "reject")], NEITHER).unwrap_err();
    assert!(error.is_reject() && error.reason().starts_with("no route matches the event"), "{error}");
}

#[test]
fn the_runtimes_own_events_are_routed_like_others() {
    let mut ctx = context(&[("routes", "order.other: .data.consumer == \"orders\"")]);
    ctx.handle(Event::new("camshaft.dead-letter.added", Bytes(br#"{"consumer": "orders"}"#.to_vec())))
        .unwrap();
    assert_eq!(ctx.published()[0].event_type, "order.other");
}

#[test]
fn an_event_goes_on_unchanged() {
    let mut ctx = context(&[("routes", "order.other: .extensions.tenant == \"t\"")]);
    let extensions = [("causationid", "c"), ("correlationid", "s"), ("camshafthops", "3"), ("tenant", "t")];
    let event = Event {
        time: Some("2026-11-21T08:00:00Z".to_owned()),
        datacontenttype: Some("image/png".to_owned()),
        dataschema: Some("https://example.com/photo".to_owned()),
        partitionkey: Some("k".to_owned()),
        extensions: extensions.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        ..order("\u{89}PNG")
    };
    ctx.handle(event.clone()).unwrap();
    let [routed] = ctx.published().try_into().unwrap();
    let tenant = ("tenant".to_owned(), "t".to_owned());
    assert_eq!(routed.extension("causationid"), Some("1"), "the event that was routed");
    assert_eq!(routed.extension("correlationid"), Some("s"));
    assert!(routed.extensions.contains(&tenant) && routed.extension("camshafthops").is_none(), "{routed:?}");
    let (id, source, extensions) = (routed.id.clone(), routed.source.clone(), routed.extensions.clone());
    assert_eq!(routed, Event { event_type: "order.other".to_owned(), id, source, extensions, ..event });
}

#[test]
fn a_condition_that_fails_rejects_the_event_and_says_which_it_was() {
    let error = types(&[], "7").unwrap_err();
    assert!(error.is_reject(), "{error}");
    let expected =
        "the expression `.data.total >= 1000` of the setting `routes: order.large` failed on this event";
    assert!(error.reason().starts_with(expected), "{error}");
}

#[test]
fn a_wrong_setting_is_left_to_the_operator() {
    for (setting, value, expected) in [
        (
            "routes",
            "order.large .total",
            "retry: \"order.large .total\" of the setting `routes` is not a route",
        ),
        (
            "routes",
            "order.large: .total >",
            "of the setting `routes: order.large` cannot be used: it ends too early",
        ),
        ("all", "yes", "retry: configuration `all` = \"yes\" cannot be used"),
    ] {
        let error = format!("{:?}", types(&[(setting, value)], BOTH).unwrap_err());
        assert!(error.starts_with("retry: ") && error.contains(expected), "{error}");
    }
    let error = TestContext::new().handle(order(BOTH)).unwrap_err();
    assert!(error.reason().starts_with("the setting `routes` is missing"), "{error}");
}
