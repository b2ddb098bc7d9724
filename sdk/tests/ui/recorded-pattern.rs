//! A fact has one type, not a pattern.
use camshaft_sdk::prelude::*;

#[command("course.subscribe", scope = "course", records("student.*"))]
fn f(_: Command<Bytes>, _: &mut Decide) -> Decided {
    Ok(())
}

fn main() {}
