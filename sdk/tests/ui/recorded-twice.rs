//! A fact is listed once.
use camshaft_sdk::prelude::*;

#[command("course.subscribe", scope = "course", records("a.done", "a.done"))]
fn f(_: Command<Bytes>, _: &mut Decide) -> Decided {
    Ok(())
}

fn main() {}
