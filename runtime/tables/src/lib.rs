//! camshaft-tables

pub mod store;
