//! A command's function takes the command.
use camshaft_sdk::prelude::*;

#[command("course.subscribe", scope = "course")]
fn f() -> Decided {
    Ok(())
}

fn main() {}
