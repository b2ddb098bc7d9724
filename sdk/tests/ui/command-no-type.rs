//! A command has a type.
use camshaft_sdk::prelude::*;

#[command]
fn f(_: Command<Bytes>, _: &mut Decide) -> Decided {
    Ok(())
}

fn main() {}
