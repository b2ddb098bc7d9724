//! Fails with everything that it can find out about the attempt. `test.fill` fills its state before.
use camshaft_sdk::prelude::*;

camshaft_test_programs::record!("config = { greeting = 'hello' }");

#[handler("test.fill")]
fn fill(event: Event<u32>, ctx: &mut Context) -> Result {
    for number in 0..event.data {
        ctx.state().set(format!("value/{number}"), &"x".repeat(40_000))?;
    }
    ctx.state().set("values", &event.data)
}

#[handler("test.event", publishes("test.never"))]
fn tell(event: Event<Bytes>, ctx: &mut Context) -> Result {
    let values: u32 = ctx.state().get("values")?.unwrap_or(0);
    let mut length = 0;
    for number in 0..values {
        length += ctx.state().get::<String>(&format!("value/{number}"))?.map_or(0, |value| value.len());
    }
    let absent = ctx.state().get::<u32>("absent")?;
    ctx.state().set("touched", &true)?;
    ctx.publish("test.never", &values)?;
    ctx.warn("about to fail");
    panic!(
        "event {} attempt {} offset {} now {} random {:x} config {:?} values {values} length {length} absent {absent:?}",
        event.id,
        ctx.attempt(),
        ctx.offset(),
        ctx.now_ms(),
        ctx.random_u64(),
        ctx.config("greeting"),
    );
}
