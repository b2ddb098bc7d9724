//! A command is a function.
use camshaft_sdk::prelude::*;

#[command("course.subscribe", scope = "course")]
struct S;

fn main() {}
