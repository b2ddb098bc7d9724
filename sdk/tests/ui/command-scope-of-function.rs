//! The scope of a command is written with an equals sign.
use camshaft_sdk::prelude::*;

#[command("course.subscribe", scope("course"))]
fn f(_: Command<Bytes>, _: &mut Decide) -> Decided {
    Ok(())
}

fn main() {}
