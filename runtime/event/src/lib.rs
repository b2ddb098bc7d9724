//! camshaft-event
