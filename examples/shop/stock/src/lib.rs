//! Keeps what the warehouse has of each article, under the article's name.
//!
//! Every event that it handles has the article as its key: whoever asks first gets the last piece, and no two
//! orders ever count the same shelf at once. Its answers go out under the order's key.

use camshaft_sdk::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Goods {
    article: String,
    quantity: u32,
}

#[derive(Deserialize)]
struct Reservation {
    order: String,
    article: String,
    quantity: u32,
}

/// The answer says which order it is about and nothing else.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct OrderId {
    order: String,
}

/// Pieces of one article.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Stock {
    /// On the shelf, for anyone.
    available: u64,
    /// Set aside for an order, or shipped with it.
    taken: u64,
    /// How many of those that were taken came back to the shelf.
    released: u64,
}

#[handler("goods.received")]
fn receive(goods: Event<Goods>, ctx: &mut Context) -> Result {
    let Goods { article, quantity } = goods.data;
    let mut stock: Stock = ctx.state().get(&article)?.unwrap_or_default();
    stock.available += u64::from(quantity);
    ctx.state().set(&article, &stock)
}

#[handler("reservation.requested", publishes("stock.reserved", "stock.exhausted"))]
fn reserve(request: Event<Reservation>, ctx: &mut Context) -> Result {
    let Reservation { order, article, quantity } = request.data;
    let mut stock: Stock = ctx.state().get(&article)?.unwrap_or_default();
    let answer = OrderId { order };
    // Too little stock is an answer like any other, no failure of the handler.
    let Some(left) = stock.available.checked_sub(quantity.into()) else {
        return ctx.event("stock.exhausted", &answer).key(&answer.order).publish();
    };
    stock.available = left;
    stock.taken += u64::from(quantity);
    ctx.state().set(&article, &stock)?;
    ctx.event("stock.reserved", &answer).key(&answer.order).publish()
}

#[handler("reservation.cancelled")]
fn release(cancelled: Event<Reservation>, ctx: &mut Context) -> Result {
    let Reservation { article, quantity, .. } = cancelled.data;
    let mut stock: Stock = ctx.state().get(&article)?.unwrap_or_default();
    stock.taken = stock.taken.checked_sub(quantity.into()).reject("more comes back than was taken")?;
    stock.available += u64::from(quantity);
    stock.released += u64::from(quantity);
    ctx.state().set(&article, &stock)
}

#[cfg(test)]
mod tests {
    use camshaft_sdk::{Bytes, testing::TestContext};

    use super::*;

    /// An event of an order, under the article's key as `shop-orders` publishes it.
    fn event(event_type: &str, order: &str, quantity: u32) -> Event<Bytes> {
        let data = format!(r#"{{"order": "{order}", "article": "teapot", "quantity": {quantity}}}"#);
        Event {
            subject: Some(order.to_owned()),
            partitionkey: Some("teapot".to_owned()),
            ..Event::new(event_type, Bytes(data.into_bytes()))
        }
    }

    fn with_five_teapots() -> TestContext {
        let mut ctx = TestContext::new();
        for _ in 0..5 {
            let goods = Bytes(br#"{"article": "teapot", "quantity": 1}"#.to_vec());
            ctx.handle(Event::new("goods.received", goods)).unwrap();
        }
        ctx
    }

    #[track_caller]
    fn check(ctx: &TestContext, available: u64, taken: u64, released: u64) {
        assert_eq!(ctx.state().get("teapot").unwrap(), Some(Stock { available, taken, released }));
    }

    #[test]
    fn what_is_reserved_is_taken_and_the_order_is_told_so_under_its_own_key() {
        let mut ctx = with_five_teapots();
        ctx.handle(event("reservation.requested", "o-1", 3)).unwrap();
        check(&ctx, 2, 3, 0);
        let events = ctx.published();
        let [reserved] = events.as_slice() else { panic!("one event: {events:?}") };
        assert_eq!((reserved.event_type.as_str(), reserved.key()), ("stock.reserved", Some("o-1")));
        assert_eq!(reserved.clone().decode::<OrderId>().unwrap().data.order, "o-1");
    }

    #[test]
    fn an_order_for_more_than_there_is_takes_nothing() {
        let mut ctx = with_five_teapots();
        ctx.handle(event("reservation.requested", "o-1", 6)).unwrap();
        check(&ctx, 5, 0, 0);
        let events = ctx.published();
        let [exhausted] = events.as_slice() else { panic!("one event: {events:?}") };
        assert_eq!((exhausted.event_type.as_str(), exhausted.key()), ("stock.exhausted", Some("o-1")));
    }

    #[test]
    fn the_last_piece_can_be_taken() {
        let mut ctx = with_five_teapots();
        ctx.handle(event("reservation.requested", "o-1", 5)).unwrap();
        ctx.handle(event("reservation.requested", "o-2", 1)).unwrap();
        check(&ctx, 0, 5, 0);
        assert_eq!(ctx.published()[1].event_type, "stock.exhausted");
    }

    #[test]
    fn a_cancelled_reservation_comes_back_and_serves_the_next_order() {
        let mut ctx = with_five_teapots();
        ctx.handle(event("reservation.requested", "o-1", 4)).unwrap();
        ctx.handle(event("reservation.cancelled", "o-1", 4)).unwrap();
        check(&ctx, 5, 0, 4);
        ctx.handle(event("reservation.requested", "o-2", 5)).unwrap();
        check(&ctx, 0, 5, 4);
    }

    #[test]
    fn what_was_never_taken_cannot_come_back() {
        let mut ctx = with_five_teapots();
        let error = ctx.handle(event("reservation.cancelled", "o-1", 1)).unwrap_err();
        assert!(error.is_reject());
        check(&ctx, 5, 0, 0);
    }
}
