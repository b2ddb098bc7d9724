//! Publishes everything that it can find out about the attempt.
use camshaft_sdk::prelude::*;
use serde::Serialize;

#[derive(Serialize)]
struct Facts {
    attempt: u32,
    offset: u64,
    generation: u32,
    consumer: String,
    now_ms: u64,
    random: [u8; 16],
    random_again: u64,
    subject: Option<String>,
    key: Option<String>,
    correlation: String,
}

#[handler("test.event", publishes("test.facts"))]
fn tell(event: Event<Bytes>, ctx: &mut Context) -> Result {
    let facts = Facts {
        attempt: ctx.attempt(),
        offset: ctx.offset(),
        generation: ctx.generation(),
        consumer: ctx.consumer(),
        now_ms: ctx.now_ms(),
        random: ctx.random(),
        random_again: ctx.random_u64(),
        subject: event.subject.clone(),
        key: event.key().map(str::to_owned),
        correlation: event.correlation_id().into_owned(),
    };
    ctx.publish("test.facts", &facts)
}
