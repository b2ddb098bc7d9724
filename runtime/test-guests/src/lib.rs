//! camshaft-test-guests
