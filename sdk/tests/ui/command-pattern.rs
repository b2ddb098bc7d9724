//! A command has one type, not a pattern.
use camshaft_sdk::prelude::*;

#[command("course.*", scope = "course")]
fn f(_: Command<Bytes>, _: &mut Decide) -> Decided {
    Ok(())
}

fn main() {}
