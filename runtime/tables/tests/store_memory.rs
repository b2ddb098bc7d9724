//! The store in memory keeps the promises of a store.

use camshaft_tables::store::{MemoryStore, conformance};

#[test]
fn the_memory_store_keeps_every_promise() {
    conformance::check_all(|| Box::new(MemoryStore::new()));
}
