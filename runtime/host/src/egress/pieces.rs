//! The body of an answer as the guest gets it: in small pieces, counted as under way until it is dropped.
//!
//! A connection hands over what it has read at once, some hundred kilobytes. A guest may leave a piece lying,
//! so each is a copy of a few kilobytes; the rest stays here, where it is counted.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http_body::{Body, Frame, SizeHint};
use wasmtime_wasi_http::{Error, WasiBody};
use wasmtime_wasi_io::bytes::Bytes;

use super::budget::UnderWay;

/// Longest piece, in bytes.
const PIECE_BYTES: usize = 16 * 1024;

/// A body in pieces.
pub struct Pieces {
    body: WasiBody,
    rest: Bytes,
    _under_way: Arc<UnderWay>,
}

impl Pieces {
    /// `body`, which belongs to the request that is `under_way`.
    pub const fn new(body: WasiBody, under_way: Arc<UnderWay>) -> Self {
        Self { body, rest: Bytes::new(), _under_way: under_way }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.rest.is_empty() {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) if frame.data_ref().is_some_and(|data| !data.is_empty()) => {
                    self.rest = frame.into_data().unwrap_or_default();
                }
                other => return other,
            }
        }
        let length = self.rest.len().min(PIECE_BYTES);
        let piece = Bytes::copy_from_slice(&self.rest.split_to(length));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, hint) = (self.rest.len() as u64, self.body.size_hint());
        let mut whole = SizeHint::new();
        whole.set_lower(hint.lower().saturating_add(rest));
        if let Some(upper) = hint.upper() {
            whole.set_upper(upper.saturating_add(rest));
        }
        whole
    }
}
