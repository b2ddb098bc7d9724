//! A command's function is not async.
use camshaft_sdk::prelude::*;

#[command("course.subscribe", scope = "course")]
async fn f(_: Command<Bytes>, _: &mut Decide) -> Decided {
    Ok(())
}

fn main() {}
