//! Charges the card of an order once its articles are set aside, and keeps one payment per order.
//!
//! The bank is a line of configuration. A real one would be an outside effect, with the event's id as the key
//! that keeps a repeated call from charging twice.

use camshaft_sdk::prelude::*;
use serde::{Deserialize, Serialize};

/// The part of an order that payments need.
#[derive(Deserialize)]
struct Placed {
    order: String,
    card: String,
    amount_cents: u64,
}

#[derive(Deserialize)]
struct OrderId {
    order: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Charged {
    order: String,
    amount_cents: u64,
}

/// The payment of one order, under the order's number.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Payment {
    status: Status,
    card: String,
    amount_cents: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    /// Nothing was charged yet.
    Open,
    Received,
    Failed,
    /// The order was cancelled before anything was charged.
    Void,
}

#[handler("order.placed")]
fn open(placed: Event<Placed>, ctx: &mut Context) -> Result {
    let Placed { order, card, amount_cents } = placed.data;
    ctx.state().set(order, &Payment { status: Status::Open, card, amount_cents })
}

/// The event names the order and nothing else; what to charge came with `order.placed`. That one has the same
/// key and stands before this one in the log, so it has been handled by now.
#[handler("stock.reserved", publishes("payment.received", "payment.failed"))]
fn charge(reserved: Event<OrderId>, ctx: &mut Context) -> Result {
    let OrderId { order } = reserved.data;
    let mut payment: Payment = ctx.state().get(&order)?.reject("no order of that number was placed")?;
    if payment.status != Status::Open {
        return Err(Error::reject(format_args!("the payment of order {order} is {:?}", payment.status)));
    }
    let declined = ctx.config("declined_ending").is_some_and(|ending| payment.card.ends_with(&ending));
    payment.status = if declined { Status::Failed } else { Status::Received };
    ctx.state().set(&order, &payment)?;
    let event_type = if declined { "payment.failed" } else { "payment.received" };
    ctx.publish(event_type, &Charged { order, amount_cents: payment.amount_cents })
}

#[handler("order.cancelled")]
fn void(cancelled: Event<OrderId>, ctx: &mut Context) -> Result {
    let OrderId { order } = cancelled.data;
    let mut payment: Payment = ctx.state().get(&order)?.reject("no order of that number was placed")?;
    if payment.status == Status::Open {
        payment.status = Status::Void;
        ctx.state().set(&order, &payment)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use camshaft_sdk::{Bytes, testing::TestContext};

    use super::*;

    fn event(event_type: &str) -> Event<Bytes> {
        let data = Bytes(br#"{"order": "o-1"}"#.to_vec());
        Event { partitionkey: Some("o-1".to_owned()), ..Event::new(event_type, data) }
    }

    /// A context that knows order o-1, paid with this card.
    fn with_order(card: &str) -> TestContext {
        let mut ctx = TestContext::new().with_config("declined_ending", "0002");
        let data = format!(r#"{{"order": "o-1", "card": "{card}", "amount_cents": 3750}}"#);
        ctx.handle(Event::new("order.placed", Bytes(data.into_bytes()))).unwrap();
        ctx
    }

    #[track_caller]
    fn check(ctx: &TestContext, expected: Status) {
        let payment: Payment = ctx.state().get("o-1").unwrap().unwrap();
        assert_eq!((payment.status, payment.amount_cents), (expected, 3750));
    }

    #[test]
    fn nothing_is_charged_before_the_articles_are_set_aside() {
        let ctx = with_order("4000-0001");
        check(&ctx, Status::Open);
        assert_eq!(ctx.published(), []);
    }

    #[test]
    fn a_card_is_charged_once_and_the_amount_is_told_under_the_orders_key() {
        let mut ctx = with_order("4000-0001");
        ctx.handle(event("stock.reserved")).unwrap();
        check(&ctx, Status::Received);
        let error = ctx.handle(event("stock.reserved")).unwrap_err();
        assert_eq!(error.reason(), "the payment of order o-1 is Received");
        assert!(error.is_reject());
        let events = ctx.published();
        let [received] = events.as_slice() else { panic!("one event: {events:?}") };
        assert_eq!((received.event_type.as_str(), received.key()), ("payment.received", Some("o-1")));
        let expected = Charged { order: "o-1".to_owned(), amount_cents: 3750 };
        assert_eq!(received.clone().decode::<Charged>().unwrap().data, expected);
    }

    #[test]
    fn a_declined_card_is_a_failed_payment_and_stays_one() {
        let mut ctx = with_order("4000-0002");
        ctx.handle(event("stock.reserved")).unwrap();
        check(&ctx, Status::Failed);
        assert_eq!(ctx.published()[0].event_type, "payment.failed");
        ctx.handle(event("order.cancelled")).unwrap();
        check(&ctx, Status::Failed);
    }

    #[test]
    fn an_order_that_is_cancelled_before_the_charge_is_never_charged() {
        let mut ctx = with_order("4000-0001");
        ctx.handle(event("order.cancelled")).unwrap();
        check(&ctx, Status::Void);
        assert!(ctx.handle(event("stock.reserved")).unwrap_err().is_reject());
        assert_eq!(ctx.published(), []);
    }
}
