//! The body of a read: reads the log part by part, as fast as the client receives it.

use std::{fmt::Write, io, sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    http::{HeaderMap, header},
};
use camshaft::Runtime;
use camshaft_event::{Event, Offset, TypePattern, cloudevents::print_into, reserved};
use camshaft_wire::{Cursor, LogId};
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    task::yield_now,
    time::timeout,
};

use super::super::{
    Api,
    room::{Lease, Room},
};

/// Size of a part in bytes, unless a single event is larger. A client that does not receive holds only a few
/// parts in memory.
pub const PART_BYTES: usize = 128 << 10;

/// Idle time after which a server-sent stream sends a keep-alive comment.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Format of the events in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One event per line.
    Lines,
    /// Server-sent events.
    ServerSent,
}

/// Which events are sent.
pub struct Selection {
    pub event_type: Option<TypePattern>,
    pub subject: Option<String>,
    pub system: bool,
}

/// Parameters of a read.
pub struct Wanted {
    pub from: Offset,
    pub remaining: u64,
    pub selection: Selection,
    pub format: Format,
    /// Permit to follow the log; none if the read ends at the tail.
    pub follows: Option<OwnedSemaphorePermit>,
}

/// A read in progress.
pub struct Reader {
    runtime: Runtime,
    closing: watch::Receiver<bool>,
    room: Arc<Room>,
    /// Memory for the first part.
    lease: Option<Lease>,
    next: Offset,
    /// Offset at which a read that does not follow ends. Later events are not read.
    end: Option<Offset>,
    remaining: u64,
    selection: Arc<Selection>,
    format: Format,
    failed: bool,
    _follows: Option<OwnedSemaphorePermit>,
}

/// A part of the body that is being written.
struct Part {
    text: String,
    remaining: u64,
    end: Option<Offset>,
    selection: Arc<Selection>,
    format: Format,
    log: LogId,
}

impl Format {
    /// The format that the client requests.
    pub fn accepted(headers: &HeaderMap) -> Self {
        let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
        let server_sent = accept.split(',').any(|accepted| accepted.trim().starts_with("text/event-stream"));
        if server_sent { Self::ServerSent } else { Self::Lines }
    }

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Lines => "application/x-ndjson",
            Self::ServerSent => "text/event-stream",
        }
    }
}

impl Selection {
    fn takes(&self, event: &Event) -> bool {
        let wanted = match &self.event_type {
            // A pattern matches the runtime's own events only if it begins with their prefix.
            Some(pattern) => pattern.matches(&event.event_type),
            None => self.system || !reserved::is_type(&event.event_type),
        };
        wanted && self.subject.as_ref().is_none_or(|subject| event.subject.as_ref() == Some(subject))
    }
}

impl Reader {
    /// Creates a read whose first part uses the memory of `lease`.
    pub fn new(api: &Api, wanted: Wanted, lease: Lease) -> Self {
        let Wanted { from, remaining, selection, format, follows } = wanted;
        Self {
            runtime: api.runtime.clone(),
            closing: api.closing.clone(),
            room: Arc::clone(&api.room),
            lease: Some(lease),
            next: from,
            end: follows.is_none().then(|| api.runtime.tail()),
            remaining,
            selection: Arc::new(selection),
            format,
            failed: false,
            _follows: follows,
        }
    }

    /// The next part of the body; none at its end. An error closes the connection, so that the client does
    /// not mistake an incomplete body for a complete one.
    pub async fn next(&mut self) -> Option<Result<Bytes, io::Error>> {
        while self.remaining > 0 && !self.failed {
            if self.end.is_some_and(|end| self.next >= end) {
                return None;
            }
            if self.next >= self.runtime.tail() {
                // A follower that waits for events holds no memory.
                self.lease = None;
                match self.wait().await {
                    Wait::More => {}
                    Wait::Silence => return Some(Ok(Bytes::from_static(b": alive\n\n"))),
                    Wait::End => return None,
                }
            }
            let mut lease = match self.lease.take() {
                Some(lease) => lease,
                None => self.room.wait_for(PART_BYTES).await,
            };
            match self.read().await {
                Ok(text) if text.is_empty() => {
                    // No event that was read is selected. Let other tasks run before the next part.
                    self.lease = Some(lease);
                    yield_now().await;
                }
                Ok(text) => {
                    lease.settle(text.len());
                    return Some(Ok(lease.carry(text)));
                }
                Err(error) => {
                    tracing::warn!(%error, offset = %self.next, "reading events failed");
                    self.failed = true;
                    return Some(Err(io::Error::other(error)));
                }
            }
        }
        None
    }

    /// Reads and writes the next part on another thread.
    async fn read(&mut self) -> Result<String, camshaft::ReadError> {
        let part = Part {
            text: String::new(),
            remaining: self.remaining,
            end: self.end,
            selection: Arc::clone(&self.selection),
            format: self.format,
            log: self.runtime.log_id(),
        };
        let (part, next) = self.runtime.read_into(self.next, part, Part::take).await?;
        self.remaining = part.remaining;
        // If the read makes no progress, there are no more events before the end.
        self.next = match (next > self.next, self.end) {
            (true, _) | (false, None) => next,
            (false, Some(end)) => end,
        };
        Ok(part.text)
    }

    /// Waits until the log contains events that were not read yet.
    async fn wait(&mut self) -> Wait {
        if self.end.is_some() {
            return Wait::End;
        }
        let more = async {
            tokio::select! {
                more = self.runtime.wait_beyond(self.next) => more,
                _ = self.closing.wait_for(|closing| *closing) => false,
            }
        };
        let more = match self.format {
            Format::Lines => more.await,
            Format::ServerSent => match timeout(KEEP_ALIVE, more).await {
                Ok(more) => more,
                Err(_) => return Wait::Silence,
            },
        };
        if more { Wait::More } else { Wait::End }
    }
}

impl Part {
    /// Writes an event if it is selected. Returns whether the part can hold more events.
    fn take(&mut self, offset: Offset, event: &Event) -> bool {
        if self.end.is_some_and(|end| offset >= end) {
            return false;
        }
        if self.selection.takes(event) {
            self.remaining -= 1;
            self.write(offset, event);
        }
        self.remaining > 0 && self.text.len() < PART_BYTES
    }

    fn write(&mut self, offset: Offset, event: &Event) {
        let text = &mut self.text;
        match self.format {
            Format::Lines => {
                print_into(text, event, Some(offset));
                text.push('\n');
            }
            Format::ServerSent => {
                let id = Cursor::of(self.log, offset, event);
                write!(text, "id: {id}\ndata: ").expect("a string takes all text");
                print_into(text, event, Some(offset));
                text.push_str("\n\n");
            }
        }
    }
}

enum Wait {
    More,
    Silence,
    End,
}
