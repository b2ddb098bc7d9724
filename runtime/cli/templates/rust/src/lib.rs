//! Keeps a running total of each customer's orders.

use camshaft_sdk::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct OrderPlaced {
    customer: String,
    cents: u64,
}

#[derive(Serialize, Deserialize)]
struct TotalChanged {
    customer: String,
    cents: u64,
}

#[handler("order.placed", publishes("total.changed"))]
fn add_up(order: Event<OrderPlaced>, ctx: &mut Context) -> Result {
    let OrderPlaced { customer, cents } = order.data;
    if cents == 0 {
        return Err(Error::reject("an order needs an amount"));
    }
    let total: u64 = ctx.state().get(&customer)?.unwrap_or(0);
    let total = total + cents;
    ctx.state().set(&customer, &total)?;
    ctx.publish("total.changed", &TotalChanged { customer, cents: total })
}

#[cfg(test)]
mod tests {
    use camshaft_sdk::testing::TestContext;

    use super::*;

    fn order(cents: u64) -> Event<OrderPlaced> {
        Event::new("order.placed", OrderPlaced { customer: "ada".to_owned(), cents })
    }

    #[test]
    fn orders_add_up() -> Result {
        let mut ctx = TestContext::new();
        ctx.handle(order(1500))?;
        ctx.handle(order(250))?;
        assert_eq!(ctx.state().get::<u64>("ada")?, Some(1750));
        assert_eq!(ctx.published()[1].clone().decode::<TotalChanged>()?.data.cents, 1750);
        Ok(())
    }

    #[test]
    fn an_order_without_an_amount_is_rejected() {
        assert!(TestContext::new().handle(order(0)).unwrap_err().is_reject());
    }
}
