//! Logs a line at each level, one of them with fields.
use camshaft_sdk::{Level, prelude::*};

#[handler("test.event")]
fn log(event: Event<Bytes>, ctx: &mut Context) -> Result {
    ctx.log(Level::Trace, "trace line", &[]);
    ctx.debug("debug line");
    ctx.log(Level::Info, "info line", &[("id", &event.id), ("attempt", &ctx.attempt().to_string())]);
    ctx.warn("warn line");
    ctx.error("error line");
    Ok(())
}
