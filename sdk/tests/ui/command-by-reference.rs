//! A command's function takes the command by value.
use camshaft_sdk::prelude::*;

#[command("course.subscribe", scope = "course")]
fn f(_: &Command<Bytes>, _: &mut Decide) -> Decided {
    Ok(())
}

fn main() {}
