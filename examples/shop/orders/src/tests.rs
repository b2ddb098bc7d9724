use camshaft_sdk::{Bytes, testing::TestContext};

use super::*;

fn event(event_type: &str, data: &str) -> Event<Bytes> {
    let data = Bytes(data.as_bytes().to_vec());
    Event { subject: Some("o-1".to_owned()), ..Event::new(event_type, data) }
}

fn submitted() -> Event<Bytes> {
    let data = r#"{"customer": "Ada", "email": "ada@example.org", "address": "Main Street 1", "card": "4000-0001",
        "article": "teapot", "quantity": 3, "unit_price_cents": 1250}"#;
    event("order.submitted", data)
}

/// A context that knows order o-1.
fn with_order() -> TestContext {
    let mut ctx = TestContext::new();
    ctx.handle(submitted()).unwrap();
    ctx
}

fn status(ctx: &TestContext) -> Status {
    ctx.state().get::<Order>("o-1").unwrap().unwrap().status
}

#[test]
fn an_order_is_told_whole_under_its_own_key_and_asks_for_stock_under_the_articles() {
    let ctx = with_order();
    let events = ctx.published();
    let [requested, placed] = events.as_slice() else { panic!("two events: {events:?}") };
    assert_eq!((requested.event_type.as_str(), requested.key()), ("reservation.requested", Some("teapot")));
    let expected = Reservation { order: "o-1".to_owned(), article: "teapot".to_owned(), quantity: 3 };
    assert_eq!(requested.clone().decode::<Reservation>().unwrap().data, expected);
    assert_eq!((placed.event_type.as_str(), placed.key()), ("order.placed", Some("o-1")));
    assert_eq!(placed.datacontenttype.as_deref(), Some("application/msgpack"));
    let data = placed.clone().decode::<Placed>().unwrap().data;
    assert_eq!((data.order.as_str(), data.amount_cents), ("o-1", 3750));
    assert_eq!((data.customer.as_str(), data.email.as_str()), ("Ada", "ada@example.org"));
    assert_eq!(status(&ctx), Status::Placed);
}

#[test]
fn an_order_that_is_submitted_again_is_placed_once() {
    let mut ctx = with_order();
    ctx.handle(Event { id: "2".to_owned(), ..submitted() }).unwrap();
    assert_eq!(ctx.published().len(), 2, "no more than after the first");
    assert_eq!(ctx.logged().len(), 1);
}

#[test]
fn an_order_without_a_number_is_rejected() {
    let error = TestContext::new().handle(Event { subject: None, ..submitted() }).unwrap_err();
    assert!(error.is_reject());
    assert_eq!(error.reason(), "an order needs its number as the subject");
}

#[test]
fn a_failed_payment_cancels_the_order_and_its_reservation() {
    let mut ctx = with_order();
    ctx.handle(event("payment.failed", r#"{"order": "o-1", "amount_cents": 3750}"#)).unwrap();
    assert_eq!(status(&ctx), Status::Cancelled);
    let events = ctx.published();
    let [.., cancelled, released] = events.as_slice() else { panic!("two more events: {events:?}") };
    assert_eq!((cancelled.event_type.as_str(), cancelled.key()), ("order.cancelled", Some("o-1")));
    let expected = Cancelled { order: "o-1".to_owned(), reason: "the payment failed".to_owned() };
    assert_eq!(cancelled.clone().decode::<Cancelled>().unwrap().data, expected);
    assert_eq!((released.event_type.as_str(), released.key()), ("reservation.cancelled", Some("teapot")));
    assert_eq!(released.clone().decode::<Reservation>().unwrap().data.quantity, 3);
}

#[test]
fn without_stock_the_order_is_cancelled_and_nothing_is_given_back() {
    let mut ctx = with_order();
    ctx.handle(event("stock.exhausted", r#"{"order": "o-1"}"#)).unwrap();
    assert_eq!(status(&ctx), Status::Cancelled);
    let events = ctx.published();
    let [_, _, cancelled] = events.as_slice() else { panic!("one more event: {events:?}") };
    assert_eq!(cancelled.event_type, "order.cancelled");
}

#[test]
fn an_order_ends_once() {
    let mut ctx = with_order();
    ctx.handle(event("parcel.shipped", r#"{"order": "o-1"}"#)).unwrap();
    assert_eq!(status(&ctx), Status::Shipped);
    let error = ctx.handle(event("payment.failed", r#"{"order": "o-1"}"#)).unwrap_err();
    assert!(error.is_reject());
    assert_eq!(error.reason(), "order o-1 has ended before: Shipped");
    assert_eq!(ctx.published().len(), 2, "a failed attempt leaves nothing");
    assert!(ctx.handle(event("parcel.shipped", r#"{"order": "o-2"}"#)).unwrap_err().is_reject());
}
