//! camshaft-log
