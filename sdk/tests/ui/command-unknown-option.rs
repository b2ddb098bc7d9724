//! A command has two options.
use camshaft_sdk::prelude::*;

#[command("course.subscribe", scope = "course", publishes("student.subscribed"))]
fn f(_: Command<Bytes>, _: &mut Decide) -> Decided {
    Ok(())
}

fn main() {}
