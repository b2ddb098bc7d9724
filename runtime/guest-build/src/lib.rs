//! camshaft-guest-build
