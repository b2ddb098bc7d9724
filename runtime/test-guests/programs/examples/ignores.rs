//! Handles every event by doing nothing: what remains is the cost of the call.
use camshaft_sdk::prelude::*;

#[handler("test.event")]
fn ignore(_event: Event<Bytes>) -> Result {
    Ok(())
}
