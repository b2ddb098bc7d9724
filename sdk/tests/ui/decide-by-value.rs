//! A command's function borrows the decision.
use camshaft_sdk::prelude::*;

#[command("course.subscribe", scope = "course")]
fn f(_: Command<Bytes>, _: Decide) -> Decided {
    Ok(())
}

fn main() {}
