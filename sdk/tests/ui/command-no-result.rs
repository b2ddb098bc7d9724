//! A command's function returns `Decided`.
use camshaft_sdk::prelude::*;

#[command("course.subscribe", scope = "course")]
fn f(_: Command<Bytes>, _: &mut Decide) {}

fn main() {}
