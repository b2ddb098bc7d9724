//! The account of one attempt: what the runtime keeps for it, in bytes, and how much that may be.
//!
//! Reads, effects, inputs and log lines are charged as the attempt keeps them, each with its bookkeeping. A
//! loop of host calls then ends at a limit with a name, not at the memory of the machine.

use camshaft_event::{EffectError, Event, Limit};

/// What an entry of an ordered map takes beside its key and value; an estimate on the high side.
pub(super) const ENTRY_BYTES: usize = 96;

/// What an event takes beside its texts and data, and what each of its extensions does.
const EVENT_BYTES: usize = 512;
const EXTENSION_BYTES: usize = 96;

/// What a change of a timer takes beside its event; its name is kept twice.
const TIMER_BYTES: usize = 192;

/// The bytes that are kept for one attempt.
#[derive(Debug)]
pub(crate) struct Account {
    kept_bytes: usize,
    /// `limits.max_attempt_bytes`.
    limit_bytes: usize,
    /// The memory that the attempt's instance uses, and its limit, if an instance runs the attempt.
    instance: Option<(usize, usize)>,
}

impl Account {
    pub(crate) fn new(limit_bytes: usize) -> Self {
        Self { kept_bytes: 0, limit_bytes, instance: None }
    }

    pub(crate) fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }

    pub(super) fn set_instance(&mut self, used_bytes: usize, limit_bytes: usize) {
        self.instance = Some((used_bytes, limit_bytes));
    }

    /// Charges `bytes` and says which limit they exceed, if they do.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), EffectError> {
        self.add(bytes);
        if self.kept_bytes > self.limit_bytes {
            return Err(EffectError::Limit {
                kind: Limit::Attempt,
                actual: self.kept_bytes as u64,
                limit: self.limit_bytes as u64,
            });
        }
        match self.instance {
            Some((used, limit)) if used.saturating_add(self.kept_bytes) > limit => Err(EffectError::Limit {
                kind: Limit::Memory,
                actual: used.saturating_add(self.kept_bytes) as u64,
                limit: limit as u64,
            }),
            _ => Ok(()),
        }
    }

    /// Charges what is bounded elsewhere; the next [`Account::charge`] includes it.
    pub(super) fn add(&mut self, bytes: usize) {
        self.kept_bytes = self.kept_bytes.saturating_add(bytes);
    }

    /// Takes back what is kept no longer.
    pub(super) fn release(&mut self, bytes: usize) {
        self.kept_bytes = self.kept_bytes.saturating_sub(bytes);
    }
}

/// Longest text of the guest's that a refusal quotes, in bytes.
const MAX_QUOTED_BYTES: usize = 1024;

/// A refusal without more of the guest's text than people read; it is kept and returned by every later call.
pub(super) fn shortened(mut error: EffectError) -> EffectError {
    if let EffectError::UndeclaredType { event_type: text } | EffectError::InvalidEvent { reason: text } =
        &mut error
        && text.len() > MAX_QUOTED_BYTES
    {
        text.truncate(text.floor_char_boundary(MAX_QUOTED_BYTES));
        text.push('…');
        text.shrink_to_fit();
    }
    error
}

/// What a kept key and value take.
pub(super) fn entry_bytes(key: &[u8], value: Option<&[u8]>) -> usize {
    key.len() + value.map_or(0, <[u8]>::len) + ENTRY_BYTES
}

/// What an event takes that waits for the attempt's commit.
pub(super) fn event_bytes(event: &Event) -> usize {
    event.size() + EVENT_BYTES + event.extensions.len() * EXTENSION_BYTES
}

/// What a change of the timer `name` takes beside its event.
pub(super) fn timer_bytes(name: &str) -> usize {
    2 * name.len() + TIMER_BYTES
}

/// What a log line takes.
pub(super) fn line_bytes(message: &str, fields: &[(String, String)]) -> usize {
    let fields = fields.iter().map(|(name, value)| name.len() + value.len() + EXTENSION_BYTES);
    message.len() + ENTRY_BYTES + fields.sum::<usize>()
}
