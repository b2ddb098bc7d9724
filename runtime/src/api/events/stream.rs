//! The body of a read: goes through the log page by page, as fast as the client takes it.

use std::{fmt::Write, io, time::Duration};

use axum::{
    body::Bytes,
    http::{HeaderMap, header},
};
use camshaft_event::{Event, Offset, TypePattern, cloudevents::print_into};
use tokio::{sync::watch, task::yield_now, time::timeout};

use super::{super::Api, is_system};
use crate::{Runtime, view::StoredEvent};

/// Events of a page at most; the runtime bounds its bytes.
const PAGE_EVENTS: usize = 1_000;

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

/// A read in progress.
pub struct Reader {
    runtime: Runtime,
    closing: watch::Receiver<bool>,
    next: Offset,
    /// Where a read that does not follow ends; what is published meanwhile is not waited for.
    end: Option<Offset>,
    remaining: u64,
    selection: Selection,
    format: Format,
    failed: bool,
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
            None => self.system || !is_system(&event.event_type),
        };
        wanted && self.subject.as_ref().is_none_or(|subject| event.subject.as_ref() == Some(subject))
    }
}

impl Reader {
    pub fn new(
        api: &Api,
        from: Offset,
        follow: bool,
        remaining: u64,
        selection: Selection,
        format: Format,
    ) -> Self {
        let end = (!follow).then(|| api.runtime.tail());
        let (runtime, closing) = (api.runtime.clone(), api.closing.clone());
        Self { runtime, closing, next: from, end, remaining, selection, format, failed: false }
    }

    /// The next part of the body; none at its end. An error breaks the connection off, so that the client
    /// does not take a part for the whole.
    pub async fn next(&mut self) -> Option<Result<Bytes, io::Error>> {
        while self.remaining > 0 && !self.failed {
            if self.end.is_some_and(|end| self.next >= end) {
                return None;
            }
            let page = match self.runtime.read(self.next, PAGE_EVENTS).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(%error, offset = %self.next, "reading events broke off");
                    self.failed = true;
                    return Some(Err(io::Error::other(error)));
                }
            };
            if page.is_empty() {
                match self.wait().await {
                    Wait::More => continue,
                    Wait::Silence => return Some(Ok(Bytes::from_static(b": alive\n\n"))),
                    Wait::End => return None,
                }
            }
            let text = self.take(&page);
            if !text.is_empty() {
                return Some(Ok(text.into()));
            }
            // Nothing of the page was wanted: let others run before the next one.
            yield_now().await;
        }
        None
    }

    fn take(&mut self, page: &[StoredEvent]) -> String {
        let mut text = String::new();
        for stored in page {
            if self.remaining == 0 || self.end.is_some_and(|end| stored.offset >= end) {
                break;
            }
            self.next = stored.offset.next();
            if self.selection.takes(&stored.event) {
                self.remaining -= 1;
                self.write(&mut text, stored);
            }
        }
        text
    }

    fn write(&self, text: &mut String, stored: &StoredEvent) {
        match self.format {
            Format::Lines => {
                print_into(text, &stored.event, Some(stored.offset));
                text.push('\n');
            }
            Format::ServerSent => {
                write!(text, "id: {}\ndata: ", stored.offset).expect("a string takes all text");
                print_into(text, &stored.event, Some(stored.offset));
                text.push_str("\n\n");
            }
        }
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

enum Wait {
    More,
    Silence,
    End,
}
