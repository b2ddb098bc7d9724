//! Asks for a capability in its manifest. It does not use it.
use camshaft_sdk::prelude::*;

camshaft_test_programs::record!("capabilities = ['sockets']");

#[handler("test.event")]
fn ignore(_: Event<Bytes>) -> Result {
    Ok(())
}
