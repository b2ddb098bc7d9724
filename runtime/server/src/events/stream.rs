//! The body of a read: goes through the log part by part, as fast as the client takes it.

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

/// Size of a part, unless a single event is larger: a client that takes nothing keeps no more than a few.
pub const PART_BYTES: usize = 128 << 10;

/// Silence after which a server-sent stream says that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One event a line.
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

/// What a read wants.
pub struct Wanted {
    pub from: Offset,
    pub remaining: u64,
    pub selection: Selection,
    pub format: Format,
    /// The right to stay for what is published from now on.
    pub follows: Option<OwnedSemaphorePermit>,
}

/// A read in progress.
pub struct Reader {
    runtime: Runtime,
    closing: watch::Receiver<bool>,
    room: Arc<Room>,
    /// Room for the first part.
    lease: Option<Lease>,
    next: Offset,
    /// Where a read that does not follow ends; what is published meanwhile is not waited for.
    end: Option<Offset>,
    remaining: u64,
    selection: Arc<Selection>,
    format: Format,
    failed: bool,
    _follows: Option<OwnedSemaphorePermit>,
}

/// A part of the body, as it is written.
struct Part {
    text: String,
    remaining: u64,
    end: Option<Offset>,
    selection: Arc<Selection>,
    format: Format,
    log: LogId,
}

impl Format {
    /// What the client asks for.
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
            // A pattern matches the runtime's own events only if it names them.
            Some(pattern) => pattern.matches(&event.event_type),
            None => self.system || !reserved::is_type(&event.event_type),
        };
        wanted && self.subject.as_ref().is_none_or(|subject| event.subject.as_ref() == Some(subject))
    }
}

impl Reader {
    /// A read whose first part has room in `lease`.
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

    /// The next part of the body; none at its end. An error breaks the connection off, so that the client
    /// does not take a part for the whole.
    pub async fn next(&mut self) -> Option<Result<Bytes, io::Error>> {
        while self.remaining > 0 && !self.failed {
            if self.end.is_some_and(|end| self.next >= end) {
                return None;
            }
            if self.next >= self.runtime.tail() {
                // A follower that waits for events keeps no room.
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
                    // Nothing of what was read is wanted: let others run before the next part.
                    self.lease = Some(lease);
                    yield_now().await;
                }
                Ok(text) => {
                    lease.settle(text.len());
                    return Some(Ok(lease.carry(text)));
                }
                Err(error) => {
                    tracing::warn!(%error, offset = %self.next, "reading events broke off");
                    self.failed = true;
                    return Some(Err(io::Error::other(error)));
                }
            }
        }
        None
    }

    /// Reads and writes the next part, on another thread.
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
        // There may be nothing to be found any more.
        self.next = match (next > self.next, self.end) {
            (true, _) | (false, None) => next,
            (false, Some(end)) => end,
        };
        Ok(part.text)
    }

    /// Waits until the log reaches beyond what was read.
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
    /// Takes an event, if it is wanted. Whether there is room for more.
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
