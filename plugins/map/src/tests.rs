use camshaft_sdk::testing::TestContext;

use super::*;

fn context(settings: &[(&str, &str)]) -> TestContext {
    let ctx = TestContext::new().with_publishes(["line.sold", "line.free"]);
    settings.iter().fold(ctx, |ctx, (key, value)| ctx.with_config(key, value))
}

fn order(data: &str) -> Event<Bytes> {
    Event {
        subject: Some("o-7".to_owned()),
        time: Some("2026-11-21T08:00:00Z".to_owned()),
        ..Event::new("order.placed", Bytes(data.as_bytes().to_vec()))
    }
}

const LINES: &str = r#"{"lines": [{"sku": "pen", "price": 3}, {"sku": "ink", "price": 0}], "customer": 9}"#;

/// Type, subject, key and data of all that was published.
fn published(ctx: &TestContext) -> Vec<String> {
    let line = |event: Event<Bytes>| {
        let (subject, key) = (event.subject.as_deref().unwrap_or("-"), event.key().unwrap_or("-"));
        format!("{} {subject} {key} {}", event.event_type, String::from_utf8_lossy(&event.data.0))
    };
    ctx.published().into_iter().map(line).collect()
}

#[test]
fn an_event_takes_another_shape_and_keeps_what_is_not_said_otherwise() {
    let mut ctx = context(&[("expression", "{by: .data.customer}"), ("type", "line.sold")]);
    ctx.handle(order(LINES)).unwrap();
    assert_eq!(published(&ctx), [r#"line.sold o-7 o-7 {"by":9}"#]);
    let [event] = ctx.published().try_into().unwrap();
    assert_eq!(event.time.as_deref(), Some("2026-11-21T08:00:00Z"));
    assert_eq!(event.datacontenttype.as_deref(), Some("application/json"));
}

#[test]
fn each_value_is_an_event_with_attributes_of_its_own() {
    let mut ctx = context(&[
        ("expression", ".data.lines[]"),
        ("type_expression", r#"if .output.price > 0 then "line.sold" else "line.free" end"#),
        ("subject", ".output.sku"),
        ("key", ".data.customer"),
        ("dataschema", r#""https://example.com/\(.output.sku)""#),
    ]);
    ctx.handle(order(LINES)).unwrap();
    assert_eq!(
        published(&ctx),
        [r#"line.sold pen 9 {"sku":"pen","price":3}"#, r#"line.free ink 9 {"sku":"ink","price":0}"#]
    );
    assert_eq!(ctx.published()[1].dataschema.as_deref(), Some("https://example.com/ink"));
}

#[test]
fn the_runtimes_own_events_are_mapped_like_others() {
    let mut ctx = context(&[("expression", ".type"), ("type", "line.sold")]);
    ctx.handle(Event::new("camshaft.dead-letter.added", Bytes::default())).unwrap();
    assert_eq!(published(&ctx), [r#"line.sold - - "camshaft.dead-letter.added""#]);
}

#[test]
fn no_value_is_no_event() {
    let mut ctx = context(&[("expression", ".data.lines[] | select(.price > 5)"), ("type", "line.sold")]);
    ctx.handle(order(LINES)).unwrap();
    assert_eq!(ctx.published(), []);
}

#[test]
fn an_event_that_does_not_fit_is_rejected_and_nothing_of_it_published() {
    let settings = [("expression", ".data.lines[] | {sku, price: (10 / .price)}"), ("type", "line.sold")];
    let mut ctx = context(&settings);
    let error = ctx.handle(order(LINES)).unwrap_err();
    assert!(error.is_reject() && error.reason().contains("which is not valid JSON"), "{error}");
    assert_eq!(ctx.published(), []);
    let error = ctx.handle(order("7")).unwrap_err();
    assert!(error.is_reject() && error.reason().contains("cannot index 7 with \"lines\""), "{error}");
    let mut ctx = context(&[("expression", ".data"), ("type_expression", ".data.kind")]);
    let error = ctx.handle(order(LINES)).unwrap_err();
    assert_eq!(format!("{error:?}"), "reject: the expression in `type_expression` returned no type");
}

#[test]
fn a_wrong_setting_is_left_to_the_operator() {
    for (settings, expected) in [
        (&[][..], "retry: the setting `expression` is missing"),
        (&[("expression", ".")], "retry: exactly one of the settings `type` and `type_expression`"),
        (
            &[("expression", ".|")],
            "retry: the expression `.|` of the setting `expression` cannot be used: it ends",
        ),
    ] {
        let error = format!("{:?}", context(settings).handle(order(LINES)).unwrap_err());
        assert!(error.starts_with(expected), "{error}");
    }
}
