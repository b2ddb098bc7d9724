//! What the requests of one instance may cost the host: how many a call sends, and what those under way keep.
//!
//! A request under way has buffers that the guest fills and does not see. They count to its memory limit, at
//! their bound: so what the guest or the other side sends changes nothing.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use camshaft_event::Limit;

/// Requests that one call may send. A sink handles one event with a call, so this is far more than one has a
/// use for.
const MAX_REQUESTS: u32 = 256;

/// What a request under way keeps at most: a connection's buffers for reading and for writing, 400 KiB each,
/// and what is queued of its body.
pub const REQUEST_BYTES: usize = 1024 * 1024;

/// What an instance that may send requests keeps besides, at most: headers, addresses and pieces of bodies in
/// the resources that it holds.
const RESOURCE_BYTES: usize = 4 * 1024 * 1024;

/// The requests of one instance.
#[derive(Debug, Default)]
pub struct Budget {
    /// Requests of the running call.
    sent: u32,
    under_way: Arc<AtomicUsize>,
    /// What `limits.memory` leaves for more of them, in bytes, and what it is.
    room: (usize, usize),
}

/// A request that is under way until this is dropped.
#[derive(Debug)]
pub struct UnderWay(Arc<AtomicUsize>);

impl Budget {
    /// A call begins with a full allowance.
    pub fn begin(&mut self) {
        self.sent = 0;
    }

    /// Bytes that the host keeps at most.
    pub fn kept_bytes(&self) -> usize {
        RESOURCE_BYTES + self.under_way.load(Ordering::Acquire) * REQUEST_BYTES
    }

    /// Whether a request is under way.
    pub fn is_under_way(&self) -> bool {
        self.under_way.load(Ordering::Acquire) > 0
    }

    /// Tells what is left of the limit of so many bytes.
    pub fn set_room(&mut self, room_bytes: usize, limit_bytes: usize) {
        self.room = (room_bytes, limit_bytes);
    }

    /// Takes a place for one more request.
    ///
    /// # Errors
    /// Which bound has been reached.
    pub fn send(&mut self) -> Result<UnderWay, String> {
        if self.sent >= MAX_REQUESTS {
            let raised_by = Limit::Requests.raised_by();
            return Err(format!("denied: one call may send {MAX_REQUESTS} requests ({raised_by})"));
        }
        let (room_bytes, limit_bytes) = self.room;
        if room_bytes < REQUEST_BYTES {
            let limit = bytesize::ByteSize::b(limit_bytes as u64).display().iec();
            return Err(format!(
                "denied: each request in flight counts as {} of the instance's memory, which has a limit of \
                 {limit} ({}); {} are in flight",
                bytesize::ByteSize::b(REQUEST_BYTES as u64).display().iec(),
                Limit::Memory.raised_by(),
                self.under_way.load(Ordering::Acquire)
            ));
        }
        self.sent += 1;
        self.under_way.fetch_add(1, Ordering::AcqRel);
        Ok(UnderWay(Arc::clone(&self.under_way)))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_under_way_count_to_the_memory_until_they_end() {
        let mut budget = Budget::default();
        budget.set_room(REQUEST_BYTES, 8 << 20);
        let before = budget.kept_bytes();
        let first = budget.send().unwrap();
        assert_eq!(budget.kept_bytes(), before + REQUEST_BYTES);
        budget.set_room(REQUEST_BYTES - 1, 8 << 20);
        let error = budget.send().unwrap_err();
        assert!(error.contains("limit of 8.0 MiB (setting `limits.memory`); 1 are in flight"), "{error}");
        drop(first);
        assert_eq!(budget.kept_bytes(), before);
    }

    #[test]
    fn a_call_sends_so_many_requests_and_the_next_call_as_many_again() {
        let mut budget = Budget::default();
        budget.set_room(usize::MAX, usize::MAX);
        for _ in 0..2 {
            budget.begin();
            (0..MAX_REQUESTS).for_each(|_| drop(budget.send().unwrap()));
            assert_eq!(budget.send().unwrap_err(), "denied: one call may send 256 requests (fixed)");
        }
    }
}
