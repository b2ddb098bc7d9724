//! The places of connections: which connections get a place, and which lose theirs to new connections.
//!
//! Idle connections do not block others: once all places are taken, a new connection replaces the one that
//! has been idle longest. The number of requests served at a time is limited. Other requests wait, and the
//! one that has waited longest is also replaced if necessary. Health checks from this machine and requests
//! without the token have separate limits, so that other requests do not block them, and they do not block
//! other requests.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, timeout},
};

/// Places in addition to `limits.max_connections`: for connections that have not sent a request yet, and for
/// waiting requests.
pub const SPARE: usize = 16;

/// Maximum health checks from this machine served at a time; the same for requests without the token.
const APART: usize = 8;

/// How long a connection without a request always keeps its place.
const GRACE: Duration = Duration::from_millis(100);

/// Maximum pause before a waiting connection tries again to get a place.
const PAUSE: Duration = Duration::from_millis(20);

/// Class of a request. Each class has its own limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A health check from this machine.
    Health,
    /// A request without the required token.
    Unproven,
    /// Any other request.
    Proven,
}

/// The places of all connections.
#[derive(Debug)]
pub struct Slots {
    table: Mutex<Table>,
    bounds: Bounds,
    proven: Arc<Semaphore>,
    unproven: Arc<Semaphore>,
    health: Arc<Semaphore>,
    changed: Notify,
}

/// Maximum numbers of connections.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    all: usize,
    /// Connections that have not sent the token yet.
    unproven: usize,
    /// Connections from one address that have not sent the token yet. Loopback addresses are exempt.
    of_peer: usize,
}

#[derive(Debug, Default)]
struct Table {
    /// Places by their numbers, oldest first.
    places: BTreeMap<u64, Place>,
    last: u64,
}

#[derive(Debug)]
struct Place {
    peer: IpAddr,
    proven: bool,
    /// Whether the connection has sent a request.
    begun: bool,
    state: State,
    fate: watch::Sender<Fate>,
}

/// Decision about a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Stays,
    /// The connection was idle and lost its place.
    Lost,
    /// The request of the connection was waiting and is rejected.
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The connection has had no request since this time.
    Idle(Instant),
    /// A request has been waiting since this time.
    Waiting(Instant),
    /// A request is being served.
    Served,
}

/// The place of one connection. Dropping it frees the place.
#[derive(Debug)]
pub struct Slot {
    slots: Arc<Slots>,
    number: u64,
    fate: watch::Receiver<Fate>,
}

/// A request that is being served. It is dropped once the response is written or the client is gone; the next
/// request can then be served.
#[derive(Debug)]
pub struct Serving {
    slot: Arc<Slot>,
    _permit: OwnedSemaphorePermit,
}

impl Slots {
    /// Creates places for `max_connections` requests at a time. If the server requires a token, connections
    /// that have not sent it may take half of the places.
    pub fn new(max_connections: usize, has_token: bool) -> Arc<Self> {
        let all = max_connections.saturating_add(SPARE);
        let unproven = if has_token { (all / 2).max(1) } else { all };
        let served = max_connections.min(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            table: Mutex::default(),
            bounds: Bounds { all, unproven, of_peer: (unproven / 4).max(1) },
            proven: Arc::new(Semaphore::new(served)),
            unproven: Arc::new(Semaphore::new(APART)),
            health: Arc::new(Semaphore::new(APART)),
            changed: Notify::new(),
        })
    }

    /// Waits for a place for a connection from `peer`. None if this peer has too many connections without the
    /// token already, and none of them can be replaced.
    pub async fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<Slot> {
        loop {
            let changed = self.changed.notified();
            match self.try_admit(peer) {
                Admission::Admitted(slot) => return Some(slot),
                Admission::Refused => return None,
                Admission::Later => _ = timeout(PAUSE, changed).await,
            }
        }
    }

    fn try_admit(self: &Arc<Self>, peer: IpAddr) -> Admission {
        let mut table = self.lock();
        let unproven = table.places.values().filter(|place| !place.proven).count();
        let of_peer = |place: &Place| !place.proven && place.peer == peer;
        let is_bounded = !peer.is_loopback() && self.bounds.unproven < self.bounds.all;
        if is_bounded && table.places.values().filter(|place| of_peer(place)).count() >= self.bounds.of_peer {
            if !table.take_from(&of_peer) {
                return Admission::Refused;
            }
        } else if unproven >= self.bounds.unproven {
            if !table.take_from(&|place| !place.proven) {
                return Admission::Later;
            }
        } else if table.places.len() >= self.bounds.all
            && !table.take_from(&|place| !place.proven)
            && !table.take_from(&|_| true)
        {
            return Admission::Later;
        }
        table.last += 1;
        let number = table.last;
        let (fate, told) = watch::channel(Fate::Stays);
        let state = State::Idle(Instant::now());
        table.places.insert(number, Place { peer, proven: false, begun: false, state, fate });
        Admission::Admitted(Slot { slots: Arc::clone(self), number, fate: told })
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn semaphore(&self, class: Class) -> Arc<Semaphore> {
        Arc::clone(match class {
            Class::Health => &self.health,
            Class::Unproven => &self.unproven,
            Class::Proven => &self.proven,
        })
    }
}

enum Admission {
    Admitted(Slot),
    Refused,
    Later,
}

impl Table {
    /// Frees the place of the connection among `whose` that has been idle longest; if there is none, of the
    /// connection whose request has waited longest. Returns whether a place was freed.
    fn take_from(&mut self, whose: &dyn Fn(&Place) -> bool) -> bool {
        let now = Instant::now();
        let longest = |since: &dyn Fn(&State) -> Option<Instant>| {
            let places = self.places.iter().filter(|(_, place)| whose(place));
            let since = places.filter_map(|(number, place)| Some((since(&place.state)?, *number)));
            since.filter(|(since, _)| now.duration_since(*since) >= GRACE).min()
        };
        let idle = longest(&|state| match state {
            State::Idle(since) => Some(*since),
            _ => None,
        });
        let waiting = || {
            longest(&|state| match state {
                State::Waiting(since) => Some(*since),
                _ => None,
            })
        };
        let Some((_, number)) = idle.or_else(waiting) else { return false };
        if let Some(place) = self.places.remove(&number) {
            let was_idle = matches!(place.state, State::Idle(_));
            place.fate.send_replace(if was_idle { Fate::Lost } else { Fate::Refused });
        }
        true
    }
}

impl Slot {
    /// Resolves once the idle connection has lost its place to another one.
    pub async fn lost(&self) {
        self.becomes(Fate::Lost).await;
    }

    /// Whether the connection has sent a request.
    pub fn has_begun(&self) -> bool {
        // A connection without a place counts as begun; `lost` reports that its place is gone.
        self.slots.lock().places.get(&self.number).is_none_or(|place| place.begun)
    }

    async fn becomes(&self, fate: Fate) {
        if self.fate.clone().wait_for(|told| *told == fate).await.is_err() {
            // The place is gone with another decision, so this one never comes.
            std::future::pending::<()>().await;
        }
    }

    /// Waits until a request may be served; none if the connection loses its place in the meantime.
    pub async fn serve(self: &Arc<Self>, class: Class) -> Option<Serving> {
        let semaphore = self.slots.semaphore(class);
        let permit = match Arc::clone(&semaphore).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                self.enter(State::Waiting(Instant::now()), class);
                tokio::select! {
                    permit = semaphore.acquire_owned() => permit.ok()?,
                    () = self.becomes(Fate::Refused) => return None,
                }
            }
        };
        self.enter(State::Served, class);
        Some(Serving { slot: Arc::clone(self), _permit: permit })
    }

    fn enter(&self, state: State, class: Class) {
        if let Some(place) = self.slots.lock().places.get_mut(&self.number) {
            place.state = state;
            place.begun = true;
            place.proven |= class == Class::Proven;
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.lock().places.remove(&self.number);
        self.slots.changed.notify_one();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(place) = self.slot.slots.lock().places.get_mut(&self.slot.number) {
            place.state = State::Idle(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const FAR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));
    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    impl Slots {
        fn has(&self, slot: &Slot) -> bool {
            self.lock().places.contains_key(&slot.number)
        }
    }

    async fn admit(slots: &Arc<Slots>, peer: IpAddr) -> Arc<Slot> {
        Arc::new(slots.admit(peer).await.unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn the_connection_that_is_idle_longest_gives_way() {
        let slots = Slots::new(2, false);
        let mut idle = Vec::new();
        for _ in 0..2 + SPARE {
            idle.push(admit(&slots, HERE).await);
            advance(GRACE).await;
        }
        let serving = idle[0].serve(Class::Proven).await.unwrap();
        let newest = admit(&slots, HERE).await;
        assert!(slots.has(&idle[0]) && !slots.has(&idle[1]) && slots.has(&newest));
        idle[1].lost().await;
        drop(serving);
        advance(GRACE).await;
        // It was idle last now.
        admit(&slots, HERE).await;
        assert!(slots.has(&idle[0]) && !slots.has(&idle[2]));
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_shown_no_token_takes_no_place_from_who_has() {
        let slots = Slots::new(16, true);
        let known = admit(&slots, FAR).await;
        drop(known.serve(Class::Proven).await.unwrap());
        advance(GRACE).await;
        let mut strangers = Vec::new();
        for last in 0..200 {
            let peer = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, last));
            strangers.push(admit(&slots, peer).await);
            advance(GRACE).await;
        }
        assert!(slots.has(&known));
        assert_eq!(slots.lock().places.len(), 1 + (16 + SPARE) / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn one_address_has_a_share_of_the_places() {
        let slots = Slots::new(16, true);
        let other = admit(&slots, OTHER).await;
        let mut many = Vec::new();
        for _ in 0..10 {
            many.push(admit(&slots, FAR).await);
            advance(GRACE).await;
        }
        assert!(slots.has(&other), "it has been idle longest, but is of another address");
        let kept = many.iter().filter(|slot| slots.has(slot)).count();
        assert_eq!(kept, (16 + SPARE) / 2 / 4);
        let mut serving = Vec::new();
        for slot in many.iter().filter(|slot| slots.has(slot)) {
            serving.push(slot.serve(Class::Unproven).await.unwrap());
        }
        assert!(slots.admit(FAR).await.is_none(), "none of its connections can give way");
        assert!(slots.admit(OTHER).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn health_is_answered_while_all_requests_that_may_be_served_are() {
        let slots = Slots::new(1, false);
        let busy = admit(&slots, HERE).await;
        let _serving = busy.serve(Class::Proven).await.unwrap();
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..SPARE {
            let slot = admit(&slots, HERE).await;
            waiting.spawn(async move { slot.serve(Class::Proven).await.is_some() });
            tokio::task::yield_now().await;
        }
        advance(GRACE).await;
        let probe = admit(&slots, HERE).await;
        assert!(probe.serve(Class::Health).await.is_some());
        let is_served = waiting.join_next().await.unwrap().unwrap();
        assert!(!is_served, "the one that waited longest gave way");
    }
}
