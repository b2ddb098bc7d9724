//! camshaft-tables
