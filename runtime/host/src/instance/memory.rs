//! The memory limit of an instance.
//!
//! Wasmtime asks before a memory or table grows. A denied growth is no failure by itself, for the guest may
//! cope; it is remembered, so that a trap that follows can be explained by it.

use wasmtime::ResourceLimiter;

use crate::engine::MAX_TABLE_ELEMENTS;

/// What an instance may use, and what it was denied.
pub struct MemoryLimit {
    limit_bytes: usize,
    /// All linear memories of the instance together.
    used_bytes: usize,
    denied_bytes: Option<usize>,
}

impl MemoryLimit {
    /// Allows `limit_bytes` for all memories together.
    pub const fn new(limit_bytes: usize) -> Self {
        Self { limit_bytes, used_bytes: 0, denied_bytes: None }
    }

    /// A new attempt begins: what was denied before does not explain its failure.
    pub const fn forget_denied(&mut self) {
        self.denied_bytes = None;
    }

    /// How much was asked for when a growth was last denied, and the limit.
    pub const fn denied(&self) -> Option<(usize, usize)> {
        match self.denied_bytes {
            Some(wanted) => Some((wanted, self.limit_bytes)),
            None => None,
        }
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let wanted = self.used_bytes.saturating_sub(current).saturating_add(desired);
        if wanted > self.limit_bytes {
            self.denied_bytes = Some(wanted);
            return Ok(false);
        }
        if maximum.is_none_or(|maximum| desired <= maximum) {
            self.used_bytes = wanted;
        }
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE_ELEMENTS)
    }
}
