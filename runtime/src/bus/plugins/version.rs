//! A version of a plugin that may run at once.

use std::sync::Arc;

use camshaft_engine::Attempt;
use camshaft_host::{Content, Plugin, Prepared};

use super::versions::Lease;

/// What may be run at once: compiled, tried out, its imports resolved, a copy of it kept.
#[derive(Clone)]
pub(super) struct Version {
    pub(super) plugin: Plugin,
    pub(super) prepared: Prepared<Attempt>,
    pub(super) lease: Arc<Lease>,
}

impl Version {
    pub(super) fn name(&self) -> &str {
        &self.plugin.manifest().name
    }

    pub(super) fn content(&self) -> &Content {
        self.lease.content()
    }
}
