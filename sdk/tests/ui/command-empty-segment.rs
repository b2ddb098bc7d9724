//! The type of a command has no empty segments.
use camshaft_sdk::prelude::*;

#[command("course..subscribe", scope = "course")]
fn f(_: Command<Bytes>, _: &mut Decide) -> Decided {
    Ok(())
}

fn main() {}
