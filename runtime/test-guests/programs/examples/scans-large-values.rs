//! Keeps a megabyte with each `test.put`; at `test.event` it writes much, then reads some of it all, one
//! entry a page.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "bindings without the SDK")]

use camshaft::plugin::state;

wit_bindgen::generate!({ path: "../../../wit/v0.1", world: "handler" });

camshaft_test_programs::record!(
    "manifest = 1
     name = 'scans-large-values'
     version = '1.0.0'
     subscriptions = [{ handler = 'handle', types = ['test.event', 'test.put'] }]"
);

struct Component;
export!(Component);

impl Guest for Component {
    fn handle(event: Event) -> Result<(), Failure> {
        let failed = |error| Failure::Other(format!("{error:?}"));
        if event.event_type == "test.put" {
            return state::set(event.id.as_bytes(), &vec![b'v'; 1 << 20]).map_err(failed);
        }
        for number in 0..5_000_u32 {
            state::set(&number.to_be_bytes(), &[]).map_err(failed)?;
        }
        let cursor = state::scan(b"test.put").map_err(failed)?;
        let own = state::scan(&[]).map_err(failed)?;
        for _ in 0..3 {
            for cursor in [&cursor, &own] {
                if cursor.next_page(1).map_err(failed)?.len() != 1 {
                    return Err(Failure::Reject("a page is empty".to_owned()));
                }
            }
        }
        Ok(())
    }
}
