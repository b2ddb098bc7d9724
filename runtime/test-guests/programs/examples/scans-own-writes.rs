//! Writes a hundred thousand values, and reads them one a page, first to last; the data says how many it
//! reads.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "bindings without the SDK")]

use camshaft::plugin::state;

wit_bindgen::generate!({ path: "../../../wit/v0.1", world: "handler" });

camshaft_test_programs::record!(
    "manifest = 1
     name = 'scans-own-writes'
     version = '1.0.0'
     subscriptions = [{ handler = 'handle', types = ['test.event'] }]"
);

struct Component;
export!(Component);

impl Guest for Component {
    fn handle(_: Event) -> Result<(), Failure> {
        let failed = |error| Failure::Other(format!("{error:?}"));
        for number in 0..100_000_u32 {
            state::set(&number.to_be_bytes(), &[]).map_err(failed)?;
        }
        let cursor = state::scan(&[]).map_err(failed)?;
        for number in 0..1_000_u32 {
            let page = cursor.next_page(1).map_err(failed)?;
            if page != [(number.to_be_bytes().to_vec(), Vec::new())] {
                return Err(Failure::Reject(format!("page {number} holds {page:?}")));
            }
        }
        Ok(())
    }
}
