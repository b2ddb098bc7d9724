//! The memory limit of an instance.
//!
//! What the host keeps for the guest counts to it, beside the guest's own memories. Wasmtime asks before a
//! memory or table grows. A denied growth is no failure by itself, for the guest may cope; it is remembered,
//! so that a trap that follows can be explained by it.

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

    /// What the instance's memories take, and how much they and what the host keeps may come to.
    pub const fn used_and_limit(&self) -> (usize, usize) {
        (self.used_bytes, self.limit_bytes)
    }

    /// How much was asked for when a growth was last denied, and the limit.
    pub const fn denied(&self) -> Option<(usize, usize)> {
        match self.denied_bytes {
            Some(wanted) => Some((wanted, self.limit_bytes)),
            None => None,
        }
    }

    /// Whether a memory may grow, while the host keeps `kept_bytes` for the guest.
    pub fn may_grow(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
        kept_bytes: usize,
    ) -> bool {
        let grown = self.used_bytes.saturating_sub(current).saturating_add(desired);
        let wanted = grown.saturating_add(kept_bytes);
        if wanted > self.limit_bytes {
            self.denied_bytes = Some(wanted);
            return false;
        }
        if maximum.is_none_or(|maximum| desired <= maximum) {
            self.used_bytes = grown;
        }
        true
    }

    /// Whether a table may have so many elements.
    pub const fn may_have_elements(&self, desired: usize) -> bool {
        desired <= MAX_TABLE_ELEMENTS
    }
}
