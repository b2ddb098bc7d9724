//! A command has one scope.
use camshaft_sdk::prelude::*;

#[command("course.subscribe", scope = "course", scope = "student")]
fn f(_: Command<Bytes>, _: &mut Decide) -> Decided {
    Ok(())
}

fn main() {}
