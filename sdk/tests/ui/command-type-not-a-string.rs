//! The type of a command is a string.
use camshaft_sdk::prelude::*;

#[command(course.subscribe, scope = "course")]
fn f(_: Command<Bytes>, _: &mut Decide) -> Decided {
    Ok(())
}

fn main() {}
