//! camshaft-engine
