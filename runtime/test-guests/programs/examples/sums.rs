//! Adds up the amounts in the data, JSON or MessagePack, per subject.
use camshaft_sdk::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Payment {
    amount: i64,
}

#[handler("test.event")]
fn add(event: Event<Payment>, ctx: &mut Context) -> Result {
    let subject = event.subject.as_deref().reject("a payment needs a subject")?;
    let sum: i64 = ctx.state().get(subject)?.unwrap_or(0);
    ctx.state().set(subject, &(sum + event.data.amount))
}
