//! A crate has handlers or commands, not both.
use camshaft_sdk::prelude::*;

#[handler("order.placed")]
fn h(_: Event<Bytes>) -> Result {
    Ok(())
}

#[command("course.subscribe", scope = "course")]
fn f(_: Command<Bytes>, _: &mut Decide) -> Decided {
    Ok(())
}

fn main() {}
