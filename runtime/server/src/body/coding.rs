//! Content codings of request bodies. gzip and zstd are decoded; other codings are rejected.
//!
//! The size of the content is known only after decoding. So the size limit applies to the decoded bytes, and
//! memory for them is taken during decoding.

use std::io::{self, Read};

use axum::http::{HeaderMap, HeaderValue, header};
use camshaft::ErrorCode;
use camshaft_event::Limit;
use flate2::read::MultiGzDecoder;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use super::super::{problem::Problem, room::Lease};
use super::{Received, cost, too_large};

/// Bytes that are decoded at a time.
const PART_BYTES: usize = 64 << 10;

/// The largest block of a frame (RFC 8878, 3.1.1.2.4).
const BLOCK_BYTES: usize = 128 << 10;

/// Window size of a frame that is always accepted, in bytes: RFC 9659 allows 8 MiB on the web.
const MIN_WINDOW_BYTES: u64 = 8 << 20;

/// Maximum number of frames in one body. Each frame costs the decoder's tables, even if it holds little
/// content.
const MAX_FRAMES: usize = 1_024;

/// The magic number of a skippable frame without its lowest four bits, and the length of its head in bytes.
const SKIPPED_FRAME: u32 = 0x184D_2A50;
const SKIPPED_HEAD_BYTES: usize = 8;

/// Content coding of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    Gzip,
    Zstd,
}

impl Coding {
    /// The coding in the header; none if the body has no coding.
    ///
    /// # Errors
    /// The header names an unsupported coding, or occurs several times.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
        let (value, more) = (values.next(), values.next());
        let Some(value) = value else { return Ok(None) };
        let text = value.to_str().unwrap_or_default().trim().to_ascii_lowercase();
        match text.as_str() {
            _ if more.is_some() => Err(unsupported("the header Content-Encoding is repeated".to_owned())),
            "" if !value.is_empty() => {
                Err(unsupported("the header Content-Encoding is not ASCII".to_owned()))
            }
            "" | "identity" => Ok(None),
            "gzip" | "x-gzip" => Ok(Some(Self::Gzip)),
            "zstd" => Ok(Some(Self::Zstd)),
            _ => Err(unsupported(format!("the header Content-Encoding is \"{}\"", text.escape_default()))),
        }
    }

    /// Decodes a body to at most `limit` bytes. Blocks while it decodes.
    ///
    /// # Errors
    /// The decoded body is larger than `limit`, there is no memory for it, or the body has another coding.
    pub fn decode(self, received: Received, limit: u64) -> Result<Received, Problem> {
        let Received { bytes, lease } = received;
        let mut decoded = Decoded { bytes: Vec::new(), lease, encoded_bytes: bytes.len(), limit };
        match self {
            Self::Gzip if bytes.is_empty() => {}
            Self::Gzip => decoded.take(self, MultiGzDecoder::new(bytes.as_slice()))?,
            Self::Zstd => decoded.take_frames(&bytes)?,
        }
        let Decoded { bytes, mut lease, .. } = decoded;
        lease.settle(cost(bytes.len()));
        Ok(Received { bytes, lease })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    fn broken(self, reason: impl std::fmt::Display) -> Problem {
        let detail =
            format!("the body is not {}, as the header Content-Encoding says: {reason}", self.name());
        let hint = "Send the complete body in the coding that the header names, or omit the header.";
        Problem::invalid_request("Content-Encoding", detail, hint)
    }
}

/// The error for a body that exceeds the memory even if it is the only one. Sending it again would not help.
fn never_fits() -> Problem {
    let raised_by = Limit::ClientMemory.raised_by();
    let detail = format!(
        "decoding the body takes more than all memory for requests and responses (a share of the {raised_by})"
    );
    Problem::new(ErrorCode::RequestTooLarge, detail)
        .hint("Send the body without Content-Encoding, or in several requests.")
}

fn unsupported(found: String) -> Problem {
    let detail = format!("{found}; only gzip and zstd are supported");
    Problem::new(ErrorCode::UnsupportedMediaType, detail)
        .hint("Send the body with Content-Encoding: gzip or zstd, or without that header and any coding.")
        .header(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, zstd"))
}

/// The bytes decoded so far, and the lease of their memory.
struct Decoded {
    bytes: Vec<u8>,
    lease: Lease,
    encoded_bytes: usize,
    limit: u64,
}

impl Decoded {
    /// Decodes all frames in turn.
    fn take_frames(&mut self, mut rest: &[u8]) -> Result<(), Problem> {
        let mut frames = 0;
        while !rest.is_empty() {
            frames += 1;
            if frames > MAX_FRAMES {
                return Err(Coding::Zstd.broken(format!("it has more than {MAX_FRAMES} frames")));
            }
            if let Some(after) = after_skipped(rest) {
                rest = after.map_err(|reason| Coding::Zstd.broken(reason))?;
                continue;
            }
            let (head, most) = (rest, self.limit.max(MIN_WINDOW_BYTES));
            let frame = StreamingDecoder::new_with_max_window_size(&mut rest, most);
            let mut frame = frame.map_err(|error| Coding::Zstd.broken(error))?;
            // The decoder returns no bytes before a whole window is full or the frame ends.
            let content = frame.decoder.content_size();
            let window = window_bytes(head).unwrap_or(content).min(self.limit);
            let window = usize::try_from(window).unwrap_or(usize::MAX / 4);
            self.reserve(self.encoded_bytes + self.bytes.len() + window + BLOCK_BYTES)?;
            self.take(Coding::Zstd, &mut frame)?;
            let FrameCheck { expected, found } = FrameCheck::of(&frame.decoder);
            if expected.is_some() && expected != found {
                return Err(Coding::Zstd.broken("the checksum does not match"));
            }
        }
        Ok(())
    }

    /// Grows the lease to at least `needed` bytes.
    fn reserve(&mut self, needed: usize) -> Result<(), Problem> {
        if !self.lease.can_have(needed) {
            return Err(never_fits());
        }
        match needed.saturating_sub(self.lease.bytes()) {
            0 => Ok(()),
            more => Ok(self.lease.grow(more)?),
        }
    }

    /// Reads all bytes that `source` decodes.
    fn take(&mut self, coding: Coding, mut source: impl Read) -> Result<(), Problem> {
        let mut part = vec![0; PART_BYTES];
        loop {
            let count = match source.read(&mut part) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(coding.broken(error)),
            };
            let length = self.bytes.len() + count;
            if length as u64 > self.limit {
                return Err(too_large(self.limit));
            }
            // The memory holds the received body, the decoded body, and as many bytes again in the decoder's
            // window.
            self.reserve(self.encoded_bytes + length + cost(length))?;
            self.bytes.extend_from_slice(part.get(..count).unwrap_or_default());
        }
    }
}

/// The checksum at the end of a frame, if it has one, and the checksum of the decoded bytes.
struct FrameCheck {
    expected: Option<u32>,
    found: Option<u32>,
}

impl FrameCheck {
    fn of(frame: &FrameDecoder) -> Self {
        Self { expected: frame.get_checksum_from_data(), found: frame.get_calculated_checksum() }
    }
}

/// The window size in a frame's head, in bytes; none if the window is the whole content (RFC 8878, 3.1.1.1).
fn window_bytes(frame: &[u8]) -> Option<u64> {
    let [_, _, _, _, descriptor, window, ..] = *frame else { return None };
    let is_whole = descriptor & 0x20 != 0;
    let base = 1_u64 << (10 + (window >> 3));
    (!is_whole).then_some(base + base / 8 * u64::from(window & 7))
}

/// The bytes after a skippable frame; none if `bytes` begin with another kind of frame.
fn after_skipped(bytes: &[u8]) -> Option<Result<&[u8], &'static str>> {
    let (magic, rest) = bytes.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*magic) & !0xF != SKIPPED_FRAME {
        return None;
    }
    let length = rest.first_chunk::<4>().map(|length| u32::from_le_bytes(*length));
    let end = length.and_then(|length| usize::try_from(length).ok()?.checked_add(SKIPPED_HEAD_BYTES));
    Some(end.and_then(|end| bytes.get(end..)).ok_or("a frame is cut short"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;
    use crate::room::Room;

    const LIMIT: u64 = 1 << 20;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        compress_to_vec(bytes, CompressionLevel::Fastest)
    }

    fn decode_in(room: usize, coding: Coding, bytes: Vec<u8>) -> Result<Vec<u8>, String> {
        let room = Room::new(room, 0);
        let lease = room.take(cost(bytes.len())).unwrap();
        let decoded = coding.decode(Received { bytes, lease }, LIMIT);
        decoded.map(|received| received.bytes).map_err(|problem| format!("{problem:?}"))
    }

    fn decode(coding: Coding, bytes: Vec<u8>) -> Result<Vec<u8>, String> {
        decode_in(64 << 20, coding, bytes)
    }

    #[test]
    fn what_was_coded_is_decoded_also_in_several_members_or_frames() {
        let text = "an order, a parcel, an order, ".repeat(9_000).into_bytes();
        let twice = [text.as_slice(), text.as_slice()].concat();
        assert_eq!(decode(Coding::Gzip, gzip(&text)), Ok(text.clone()));
        assert_eq!(decode(Coding::Zstd, zstd(&text)), Ok(text.clone()));
        assert_eq!(decode(Coding::Gzip, [gzip(&text), gzip(&text)].concat()), Ok(twice.clone()));
        let skipped = [&[0x5F, 0x2A, 0x4D, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        assert_eq!(decode(Coding::Zstd, [skipped, zstd(&text), zstd(&text)].concat()), Ok(twice));
        for coding in [Coding::Gzip, Coding::Zstd] {
            assert_eq!(decode(coding, Vec::new()), Ok(Vec::new()));
        }
    }

    #[test]
    fn a_small_body_that_decodes_to_a_large_one_is_refused_at_the_limit() {
        for (coding, bomb) in
            [(Coding::Gzip, gzip(&vec![0; 256 << 20])), (Coding::Zstd, zstd(&vec![0; 256 << 20]))]
        {
            assert!(bomb.len() < 1 << 20, "{} bytes", bomb.len());
            let refused = decode(coding, bomb).unwrap_err();
            assert!(refused.contains("request-too-large"), "{refused}");
        }
        let most = vec![0; usize::try_from(LIMIT).unwrap()];
        assert_eq!(decode(Coding::Gzip, gzip(&most)), Ok(most.clone()));
        let refused = decode(Coding::Zstd, zstd(&[most, vec![0]].concat())).unwrap_err();
        assert!(refused.contains("request-too-large"), "{refused}");
    }

    #[test]
    fn a_body_without_room_for_what_it_decodes_to_is_refused_as_busy() {
        let half = vec![0; 1 << 19];
        for (coding, body) in [(Coding::Gzip, gzip(&half)), (Coding::Zstd, zstd(&half))] {
            let room = Room::new(4 << 20, 0);
            let received = || Received { bytes: body.clone(), lease: room.take(cost(body.len())).unwrap() };
            let other = room.take(5 << 19).unwrap();
            let refused = format!("{:?}", coding.decode(received(), LIMIT).unwrap_err());
            assert!(refused.contains("error:busy"), "{refused}");
            drop(other);
            assert_eq!(coding.decode(received(), LIMIT).unwrap().bytes, half);
        }
    }

    #[test]
    fn a_body_that_would_not_fit_beside_nothing_else_is_refused_as_too_large() {
        let half = vec![0; 1 << 19];
        for (coding, body) in [(Coding::Gzip, gzip(&half)), (Coding::Zstd, zstd(&half))] {
            let refused = decode_in(1 << 20, coding, body).unwrap_err();
            assert!(
                refused.contains("request-too-large") && refused.contains("without Content-Encoding"),
                "{refused}"
            );
        }
    }

    #[test]
    fn room_for_what_a_frame_makes_the_decoder_hold_is_taken_before_it_is_decoded() {
        // Each frame ends after its head, so decoding it fails.
        let whole = [&[0x28, 0xB5, 0x2F, 0xFD, 0xA0][..], &(1_u32 << 20).to_le_bytes()].concat();
        let window = vec![0x28, 0xB5, 0x2F, 0xFD, 0x00, 10 << 3];
        for frame in [whole, window] {
            let refused = decode_in(1 << 20, Coding::Zstd, frame.clone()).unwrap_err();
            assert!(refused.contains("request-too-large"), "{refused}");
            let refused = decode_in(4 << 20, Coding::Zstd, frame).unwrap_err();
            assert!(refused.contains("as the header Content-Encoding says"), "{refused}");
        }
    }

    #[test]
    fn a_body_that_is_not_what_the_header_says_is_invalid() {
        let mut changed = zstd(b"a text that is checked");
        *changed.last_mut().unwrap() ^= 1;
        let mut cut = gzip(b"a text that is cut");
        cut.truncate(cut.len() - 3);
        let mut frames = Vec::new();
        (0..=MAX_FRAMES).for_each(|_| frames.extend(zstd(b"")));
        for (coding, body) in [
            (Coding::Gzip, b"{}".to_vec()),
            (Coding::Gzip, cut),
            (Coding::Zstd, b"{}".to_vec()),
            (Coding::Zstd, changed),
            (Coding::Zstd, frames),
            (Coding::Zstd, vec![0x50, 0x2A, 0x4D, 0x18, 255, 255, 255, 255]),
        ] {
            let refused = decode(coding, body).unwrap_err();
            assert!(refused.contains("as the header Content-Encoding says"), "{refused}");
        }
    }

    #[test]
    fn only_one_coding_that_is_known_is_taken() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::CONTENT_ENCODING, HeaderValue::from_static(value));
            }
            Coding::of(&headers).map_err(|problem| format!("{problem:?}"))
        };
        for (values, expected) in [
            (&[][..], None),
            (&["identity"], None),
            (&["GZip"], Some(Coding::Gzip)),
            (&["x-gzip"], Some(Coding::Gzip)),
            (&[" zstd "], Some(Coding::Zstd)),
        ] {
            assert_eq!(of(values), Ok(expected), "{values:?}");
        }
        for values in [&["br"][..], &["gzip, zstd"], &["gzip", "gzip"], &["deflate"]] {
            let refused = of(values).unwrap_err();
            assert!(refused.contains("unsupported-media-type"), "{refused}");
            assert!(refused.contains("Content-Encoding"), "{refused}");
            assert!(refused.contains("gzip, zstd"), "{refused}");
        }
    }
}
