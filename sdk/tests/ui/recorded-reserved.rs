//! Only the runtime writes its own events.
use camshaft_sdk::prelude::*;

#[command("course.subscribe", scope = "course", records("camshaft.done"))]
fn f(_: Command<Bytes>, _: &mut Decide) -> Decided {
    Ok(())
}

fn main() {}
