//! The shared memory budget of requests and responses. Each takes its memory before it is read or sent.
//!
//! Small requests and responses have a separate share, so that large ones cannot block them. If there is no
//! room, a request is rejected as busy, and a stream of events waits. `compose/budget.rs` derives the size of
//! the budget from the `memory` setting.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use axum::body::Bytes;
use camshaft_event::Limit;
use tokio::sync::Notify;

use super::problem::Problem;

/// Requests and responses up to this size, in bytes, are small.
pub const SMALL_BYTES: usize = 64 << 10;

/// The memory for requests and responses.
#[derive(Debug)]
pub struct Room {
    /// Bytes left in the general share; negative while a lease is overdrawn.
    large: AtomicI64,
    /// Bytes left for small requests and responses.
    small: AtomicI64,
    /// Maximum bytes of one lease.
    most: usize,
    freed: Notify,
}

/// A part of the [`Room`]. Dropping it returns the memory.
#[derive(Debug)]
pub struct Lease {
    room: Arc<Room>,
    large: usize,
    small: usize,
}

/// There is no memory left now.
#[derive(Debug)]
pub struct Full;

impl From<Full> for Problem {
    fn from(_: Full) -> Self {
        let raised_by = Limit::ClientMemory.raised_by();
        Self::busy(format!("the memory for requests and responses is used up (a share of the {raised_by})"))
    }
}

impl Room {
    /// Creates a room of `bytes`. An eighth is reserved for small requests and responses. The rest is at
    /// least `largest` bytes, even if `bytes` is less.
    pub fn new(bytes: usize, largest: usize) -> Arc<Self> {
        let small = bytes / 8;
        let most = (bytes - small).max(largest);
        Arc::new(Self {
            large: AtomicI64::new(signed(most)),
            small: AtomicI64::new(signed(small)),
            most,
            freed: Notify::new(),
        })
    }

    /// Takes `bytes`, or fails if they are not available.
    pub fn take(self: &Arc<Self>, bytes: usize) -> Result<Lease, Full> {
        let mut lease = Lease { room: Arc::clone(self), large: 0, small: 0 };
        lease.grow(bytes)?;
        Ok(lease)
    }

    /// Waits until `bytes` are available, and takes them.
    pub async fn wait_for(self: &Arc<Self>, bytes: usize) -> Lease {
        let bytes = bytes.min(self.most);
        loop {
            // Registers before trying, so that memory returned in between is not missed.
            let mut freed = std::pin::pin!(self.freed.notified());
            freed.as_mut().enable();
            if let Ok(lease) = self.take(bytes) {
                return lease;
            }
            freed.await;
        }
    }

    fn give_back(&self, large: usize, small: usize) {
        if large + small == 0 {
            // IMPORTANT: must not wake waiters. A waiter has just dropped an empty lease and would wake
            // itself forever.
            return;
        }
        self.large.fetch_add(signed(large), Ordering::AcqRel);
        self.small.fetch_add(signed(small), Ordering::AcqRel);
        self.freed.notify_waiters();
    }
}

impl Lease {
    /// Whether a lease of `bytes` is possible at all, if there is no other lease.
    pub fn can_have(&self, bytes: usize) -> bool {
        bytes <= self.room.most
    }

    /// Size of the lease in bytes.
    pub fn bytes(&self) -> usize {
        self.large + self.small
    }

    /// Adds `more` bytes to the lease.
    pub fn grow(&mut self, more: usize) -> Result<(), Full> {
        if self.bytes() + more <= SMALL_BYTES && take(&self.room.small, more) {
            self.small += more;
        } else if take(&self.room.large, more) {
            self.large += more;
        } else {
            return Err(Full);
        }
        Ok(())
    }

    /// Sets the final size to `bytes`. If this exceeds the lease, the room is overdrawn: others wait until
    /// the memory is returned.
    pub fn settle(&mut self, bytes: usize) {
        if bytes > self.bytes() {
            let missing = bytes - self.bytes();
            self.room.large.fetch_sub(signed(missing), Ordering::AcqRel);
            self.large += missing;
        } else {
            let free = self.bytes() - bytes;
            let large = free.min(self.large);
            self.large -= large;
            self.small -= free - large;
            self.room.give_back(large, free - large);
        }
    }

    /// Turns `bytes` into a part of a body. The lease ends once the part is sent.
    pub fn carry(self, bytes: impl AsRef<[u8]> + Send + 'static) -> Bytes {
        Bytes::from_owner(Carried { bytes, _lease: self })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.room.give_back(self.large, self.small);
    }
}

struct Carried<B> {
    bytes: B,
    _lease: Lease,
}

impl<B: AsRef<[u8]>> AsRef<[u8]> for Carried<B> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

fn take(left: &AtomicI64, bytes: usize) -> bool {
    let less = |left: i64| left.checked_sub(signed(bytes)).filter(|left| *left >= 0);
    left.fetch_update(Ordering::AcqRel, Ordering::Acquire, less).is_ok()
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn large_ones_leave_room_for_small_ones() {
        let room = Room::new(8 << 20, 0);
        let large = room.take(7 << 20).unwrap();
        assert!(room.take(SMALL_BYTES + 1).is_err());
        let small: Vec<Lease> = (0..16).map(|_| room.take(SMALL_BYTES).unwrap()).collect();
        assert!(room.take(1).is_err());
        drop(large);
        assert!(room.take(7 << 20).is_ok());
        drop(small);
        assert_eq!(room.small.load(Ordering::SeqCst), 1 << 20);
        assert_eq!(room.large.load(Ordering::SeqCst), 7 << 20);
    }

    #[test]
    fn one_of_the_largest_size_always_fits() {
        let room = Room::new(1 << 20, 32 << 20);
        let largest = room.take(32 << 20).unwrap();
        assert!(room.take(SMALL_BYTES + 1).is_err());
        drop(largest);
    }

    #[tokio::test]
    async fn who_waits_gets_room_when_it_is_given_back() {
        let room = Room::new(4 << 20, 0);
        let mut taken = room.take(3 << 20).unwrap();
        let mut waits = std::pin::pin!(room.wait_for(1 << 20));
        assert!((&mut waits).now_or_never().is_none());
        taken.settle(2 << 20);
        assert_eq!(waits.await.bytes(), 1 << 20);
        taken.settle(8 << 20);
        assert!(room.take(SMALL_BYTES + 1).is_err(), "what is overdrawn is missing");
        let sent = taken.carry(b"text".to_vec());
        let part = sent.slice(1..3);
        drop(sent);
        assert!(room.take(3 << 20).is_err(), "a part of it is still to be sent");
        drop(part);
        assert!(room.take(3 << 20).is_ok());
    }
}
