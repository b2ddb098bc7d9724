//! The facts are in one list.
use camshaft_sdk::prelude::*;

#[command("course.subscribe", scope = "course", records("a.done"), records("b.done"))]
fn f(_: Command<Bytes>, _: &mut Decide) -> Decided {
    Ok(())
}

fn main() {}
