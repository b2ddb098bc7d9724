//! Rejects events whose data says so, and counts the others.
use camshaft_sdk::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Order {
    #[serde(default)]
    reject: bool,
}

#[handler("test.event")]
fn decide(event: Event<Order>, ctx: &mut Context) -> Result {
    let accepted: u64 = ctx.state().get("accepted")?.unwrap_or(0);
    ctx.state().set("accepted", &(accepted + 1))?;
    if event.data.reject {
        return Err(Error::reject("the data asks to be rejected"));
    }
    Ok(())
}
