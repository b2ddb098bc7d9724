//! camshaft-sdk-macros
