//! A command has a scope.
use camshaft_sdk::prelude::*;

#[command("course.subscribe", records("student.subscribed"))]
fn f(_: Command<Bytes>, _: &mut Decide) -> Decided {
    Ok(())
}

fn main() {}
