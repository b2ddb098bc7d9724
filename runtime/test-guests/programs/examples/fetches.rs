//! Sends what it gets to the address in its configuration, keeps the answer's status, and publishes its body.
use camshaft_sdk::{http::Request, prelude::*};

camshaft_test_programs::record!("capabilities = ['http']");

#[handler("test.event", publishes("test.answered"))]
fn fetch(event: Event<Bytes>, ctx: &mut Context) -> Result {
    let setting = |key: &str, otherwise: &str| ctx.config(key).unwrap_or_else(|| otherwise.to_owned());
    let answer = Request::new(&setting("method", "POST"), setting("url", ""))
        .header("authorization", setting("authorization", "none"))
        .header("idempotency-key", format!("{} {}", event.source, event.id))
        .body(event.data.0)
        .send(ctx)?
        .accepted()?;
    ctx.state().set(&event.id, &answer.status)?;
    ctx.publish("test.answered", &String::from_utf8_lossy(&answer.body))
}
