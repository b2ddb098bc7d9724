//! A command's function takes two arguments.
use camshaft_sdk::prelude::*;

#[command("course.subscribe", scope = "course")]
fn f(_: Command<Bytes>, _: &mut Decide, _: u32) -> Decided {
    Ok(())
}

fn main() {}
