//! Tells customers about their orders: one letter when an order is placed, one when it has ended.
//!
//! A letter is a line of the log and an entry in the state; nothing leaves the runtime.

use camshaft_sdk::prelude::*;
use serde::{Deserialize, Serialize};

/// The part of an order that letters need.
#[derive(Deserialize)]
struct Placed {
    order: String,
    customer: String,
    email: String,
}

#[derive(Deserialize)]
struct Shipped {
    order: String,
    tracking: String,
}

#[derive(Deserialize)]
struct Cancelled {
    order: String,
    reason: String,
}

/// What the customer of one order was told, under the order's number.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Letters {
    customer: String,
    email: String,
    /// The oldest first.
    sent: Vec<String>,
}

#[handler("order.placed")]
fn placed(event: Event<Placed>, ctx: &mut Context) -> Result {
    let Placed { order, customer, email } = event.data;
    send(ctx, &order, Letters { customer, email, sent: Vec::new() }, "we have your order")
}

#[handler("parcel.shipped")]
fn shipped(event: Event<Shipped>, ctx: &mut Context) -> Result {
    let Shipped { order, tracking } = event.data;
    let letters = known(ctx, &order)?;
    send(ctx, &order, letters, &format!("your parcel {tracking} is on its way"))
}

#[handler("order.cancelled")]
fn cancelled(event: Event<Cancelled>, ctx: &mut Context) -> Result {
    let Cancelled { order, reason } = event.data;
    let letters = known(ctx, &order)?;
    send(ctx, &order, letters, &format!("we had to cancel your order: {reason}"))
}

fn known(ctx: &Context, order: &str) -> Result<Letters> {
    ctx.state().get(order)?.reject("no order of that number was placed")
}

fn send(ctx: &Context, order: &str, mut letters: Letters, text: &str) -> Result {
    ctx.info(format_args!("to {}: Dear {}, {text} ({order}).", letters.email, letters.customer));
    letters.sent.push(text.to_owned());
    ctx.state().set(order, &letters)
}

#[cfg(test)]
mod tests {
    use camshaft_sdk::{Bytes, testing::TestContext};

    use super::*;

    fn event(event_type: &str, data: &str) -> Event<Bytes> {
        Event::new(event_type, Bytes(data.as_bytes().to_vec()))
    }

    /// A context that knows order o-1.
    fn with_order() -> TestContext {
        let mut ctx = TestContext::new();
        let data = r#"{"order": "o-1", "customer": "Ada", "email": "ada@example.org", "article": "teapot"}"#;
        ctx.handle(event("order.placed", data)).unwrap();
        ctx
    }

    #[track_caller]
    fn check(ctx: &TestContext, last: &str) {
        let letters: Letters = ctx.state().get("o-1").unwrap().unwrap();
        assert_eq!(letters.sent, ["we have your order", last]);
        let logged = ctx.logged().pop().unwrap().message;
        assert_eq!(logged, format!("to ada@example.org: Dear Ada, {last} (o-1)."));
    }

    #[test]
    fn the_customer_learns_that_the_parcel_has_left() {
        let mut ctx = with_order();
        ctx.handle(event("parcel.shipped", r#"{"order": "o-1", "tracking": "CS-7"}"#)).unwrap();
        check(&ctx, "your parcel CS-7 is on its way");
    }

    #[test]
    fn the_customer_learns_why_the_order_was_cancelled() {
        let mut ctx = with_order();
        ctx.handle(event("order.cancelled", r#"{"order": "o-1", "reason": "out of stock"}"#)).unwrap();
        check(&ctx, "we had to cancel your order: out of stock");
    }

    #[test]
    fn a_letter_about_an_unknown_order_is_rejected() {
        let shipped = event("parcel.shipped", r#"{"order": "o-2", "tracking": "CS-7"}"#);
        assert!(with_order().handle(shipped).unwrap_err().is_reject());
    }
}
