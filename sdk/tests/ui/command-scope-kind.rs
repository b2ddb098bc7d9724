//! The kind of a scope has lower-case letters, digits, hyphens and underscores.
use camshaft_sdk::prelude::*;

#[command("course.subscribe", scope = "Course/1")]
fn f(_: Command<Bytes>, _: &mut Decide) -> Decided {
    Ok(())
}

fn main() {}
