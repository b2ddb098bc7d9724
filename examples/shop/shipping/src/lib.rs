//! Ships what was paid, and keeps one parcel per order.

use camshaft_sdk::prelude::*;
use serde::{Deserialize, Serialize};

/// The part of an order that shipping needs.
#[derive(Deserialize)]
struct Placed {
    order: String,
    customer: String,
    address: String,
    article: String,
    quantity: u32,
}

#[derive(Deserialize)]
struct OrderId {
    order: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Shipped {
    order: String,
    article: String,
    quantity: u32,
    tracking: String,
}

/// The parcel of one order, under the order's number.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Parcel {
    label: String,
    article: String,
    quantity: u32,
    /// The number to follow the parcel by, once it has left.
    tracking: Option<String>,
}

#[handler("order.placed")]
fn pack(placed: Event<Placed>, ctx: &mut Context) -> Result {
    let Placed { order, customer, address, article, quantity } = placed.data;
    let parcel = Parcel { label: format!("{customer}, {address}"), article, quantity, tracking: None };
    ctx.state().set(order, &parcel)
}

#[handler("payment.received", publishes("parcel.shipped"))]
fn ship(received: Event<OrderId>, ctx: &mut Context) -> Result {
    let OrderId { order } = received.data;
    let mut parcel: Parcel = ctx.state().get(&order)?.reject("no parcel is packed for that order")?;
    if parcel.tracking.is_some() {
        return Err(Error::reject(format_args!("the parcel of order {order} has left before")));
    }
    // The same number at every attempt at this event.
    let tracking = format!("CS-{:016x}", ctx.random_u64());
    parcel.tracking = Some(tracking.clone());
    ctx.state().set(&order, &parcel)?;
    let Parcel { article, quantity, .. } = parcel;
    ctx.publish("parcel.shipped", &Shipped { order, article, quantity, tracking })
}

#[handler("order.cancelled")]
fn unpack(cancelled: Event<OrderId>, ctx: &mut Context) -> Result {
    let OrderId { order } = cancelled.data;
    let parcel: Option<Parcel> = ctx.state().get(&order)?;
    if parcel.is_some_and(|parcel| parcel.tracking.is_some()) {
        return Err(Error::reject(format_args!("the parcel of order {order} has left before")));
    }
    ctx.state().delete(&order)
}

#[cfg(test)]
mod tests {
    use camshaft_sdk::{Bytes, testing::TestContext};

    use super::*;

    fn event(event_type: &str) -> Event<Bytes> {
        let data = Bytes(br#"{"order": "o-1", "amount_cents": 3750}"#.to_vec());
        Event { partitionkey: Some("o-1".to_owned()), ..Event::new(event_type, data) }
    }

    /// A context that knows order o-1.
    fn with_order() -> TestContext {
        let mut ctx = TestContext::new();
        let data = br#"{"order": "o-1", "customer": "Ada", "address": "Main Street 1", "article": "teapot",
            "quantity": 3}"#;
        ctx.handle(Event::new("order.placed", Bytes(data.to_vec()))).unwrap();
        ctx
    }

    fn parcel(ctx: &TestContext) -> Option<Parcel> {
        ctx.state().get("o-1").unwrap()
    }

    #[test]
    fn a_parcel_waits_for_its_payment() {
        let ctx = with_order();
        let parcel = parcel(&ctx).unwrap();
        assert_eq!((parcel.label.as_str(), parcel.tracking), ("Ada, Main Street 1", None));
        assert_eq!(ctx.published(), []);
    }

    #[test]
    fn a_paid_parcel_leaves_once_with_a_number_to_follow_it_by() {
        let mut ctx = with_order();
        ctx.handle(event("payment.received")).unwrap();
        let error = ctx.handle(event("payment.received")).unwrap_err();
        assert!(error.is_reject());
        assert_eq!(error.reason(), "the parcel of order o-1 has left before");
        let events = ctx.published();
        let [shipped] = events.as_slice() else { panic!("one event: {events:?}") };
        assert_eq!((shipped.event_type.as_str(), shipped.key()), ("parcel.shipped", Some("o-1")));
        let data = shipped.clone().decode::<Shipped>().unwrap().data;
        assert_eq!((data.order.as_str(), data.article.as_str(), data.quantity), ("o-1", "teapot", 3));
        assert_eq!(parcel(&ctx).unwrap().tracking, Some(data.tracking));
    }

    #[test]
    fn a_cancelled_order_leaves_no_parcel() {
        let mut ctx = with_order();
        ctx.handle(event("order.cancelled")).unwrap();
        assert_eq!(parcel(&ctx), None);
        let error = ctx.handle(event("payment.received")).unwrap_err();
        assert!(error.is_reject());
    }

    #[test]
    fn a_parcel_that_has_left_cannot_be_unpacked() {
        let mut ctx = with_order();
        ctx.handle(event("payment.received")).unwrap();
        assert!(ctx.handle(event("order.cancelled")).unwrap_err().is_reject());
        assert!(parcel(&ctx).unwrap().tracking.is_some());
    }
}
