//! Types of the runtime are no commands.
use camshaft_sdk::prelude::*;

#[command("camshaft.plugin.stop", scope = "plugin")]
fn f(_: Command<Bytes>, _: &mut Decide) -> Decided {
    Ok(())
}

fn main() {}
