//! Takes orders in, follows each to its end, and calls off what a failed one has begun.
//!
//! It keeps one entry per order, under the order's number. What concerns an article goes out under the
//! article's key, so that the warehouse takes the requests for it one after another.

use camshaft_sdk::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Submitted {
    customer: String,
    email: String,
    address: String,
    card: String,
    article: String,
    quantity: u32,
    unit_price_cents: u64,
}

/// The whole order, for everyone who has a part in it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Placed {
    order: String,
    customer: String,
    email: String,
    address: String,
    card: String,
    article: String,
    quantity: u32,
    amount_cents: u64,
}

/// What the warehouse is asked for, or asked for no more.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Reservation {
    order: String,
    article: String,
    quantity: u32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Cancelled {
    order: String,
    reason: String,
}

#[derive(Deserialize)]
struct OrderId {
    order: String,
}

/// One order.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    status: Status,
    article: String,
    quantity: u32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Placed,
    Shipped,
    Cancelled,
}

#[handler("order.submitted", publishes("order.placed", "reservation.requested"))]
fn place(event: Event<Submitted>, ctx: &mut Context) -> Result {
    let order = event.subject.reject("an order needs its number as the subject")?;
    // A second click on the button is an event of its own, with another id; the order's number tells.
    if ctx.state().get::<Order>(&order)?.is_some() {
        ctx.warn(format_args!("order {order} was submitted again"));
        return Ok(());
    }
    let Submitted { customer, email, address, card, article, quantity, unit_price_cents } = event.data;
    let amount_cents = unit_price_cents.checked_mul(quantity.into()).reject("no price is that high")?;
    let entry = Order { status: Status::Placed, article: article.clone(), quantity };
    ctx.state().set(&order, &entry)?;
    let reservation = Reservation { order: order.clone(), article: article.clone(), quantity };
    ctx.event("reservation.requested", &reservation).key(&article).publish()?;
    let placed = Placed { order, customer, email, address, card, article, quantity, amount_cents };
    ctx.event("order.placed", &placed).key(&placed.order).content_type("application/msgpack").publish()
}

#[handler("parcel.shipped")]
fn complete(shipped: Event<OrderId>, ctx: &mut Context) -> Result {
    end(ctx, &shipped.data.order, Status::Shipped)?;
    Ok(())
}

#[handler("stock.exhausted", publishes("order.cancelled"))]
fn cancel_without_stock(exhausted: Event<OrderId>, ctx: &mut Context) -> Result {
    cancel(ctx, exhausted.data.order, "out of stock")?;
    Ok(())
}

/// The compensation: the warehouse has set the articles aside by now, and gets them back.
#[handler("payment.failed", publishes("order.cancelled", "reservation.cancelled"))]
fn cancel_unpaid(failed: Event<OrderId>, ctx: &mut Context) -> Result {
    let reservation = cancel(ctx, failed.data.order, "the payment failed")?;
    ctx.event("reservation.cancelled", &reservation).key(&reservation.article).publish()
}

fn cancel(ctx: &Context, order: String, reason: &str) -> Result<Reservation> {
    let Order { article, quantity, .. } = end(ctx, &order, Status::Cancelled)?;
    ctx.publish("order.cancelled", &Cancelled { order: order.clone(), reason: reason.to_owned() })?;
    Ok(Reservation { order, article, quantity })
}

/// Ends an order, which happens once.
fn end(ctx: &Context, number: &str, status: Status) -> Result<Order> {
    let mut order: Order = ctx.state().get(number)?.reject("unknown order")?;
    if order.status != Status::Placed {
        return Err(Error::reject(format_args!("order {number} has ended before: {:?}", order.status)));
    }
    order.status = status;
    ctx.state().set(number, &order)?;
    Ok(order)
}

#[cfg(test)]
mod tests;
