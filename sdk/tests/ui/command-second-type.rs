//! A command has one type only.
use camshaft_sdk::prelude::*;

#[command("course.subscribe", "course.join", scope = "course")]
fn f(_: Command<Bytes>, _: &mut Decide) -> Decided {
    Ok(())
}

fn main() {}
