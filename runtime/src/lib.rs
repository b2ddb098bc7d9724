//! camshaft
