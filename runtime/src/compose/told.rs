//! What the engine notices, as lines of the log: failed attempts, dead letters, pauses and what operators do.
//!
//! A consumer may fail thousands of times in a second, so of one kind and consumer a few lines are written in
//! ten seconds; the first one after that says how many were left out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use camshaft_engine::{Notice, Noticed};
use camshaft_event::Key;

/// For how long lines are counted.
const PERIOD: Duration = Duration::from_secs(10);

/// Lines of one kind and consumer in that time.
const LINES: u32 = 5;

/// Kinds and consumers that are remembered; those of which nothing was written lately are forgotten beyond
/// that.
const REMEMBERED: usize = 1_024;

/// Writes lines, and remembers how many were written of what.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<HashMap<(String, Noticed), Written>>);

#[derive(Debug)]
struct Written {
    since: Instant,
    lines: u32,
    left_out: u64,
}

impl Told {
    /// Writes what was noticed, as far as there may be lines of it. Not under the sequencer's lock.
    pub(super) fn tell(&self, notices: Vec<Notice>) {
        for notice in notices {
            if let Some(left_out) = self.admit(&notice, Instant::now()) {
                write(&notice, left_out);
            }
        }
    }

    /// Whether a line may be written, and how many like it were left out since the last one.
    fn admit(&self, notice: &Notice, now: Instant) -> Option<u64> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= REMEMBERED {
            told.retain(|_, written| now.duration_since(written.since) < PERIOD);
        }
        let written = told.entry((notice.consumer.clone(), notice.what)).or_insert(Written {
            since: now,
            lines: 0,
            left_out: 0,
        });
        if now.duration_since(written.since) >= PERIOD {
            (written.since, written.lines) = (now, 0);
        }
        if written.lines == LINES {
            written.left_out += 1;
            return None;
        }
        written.lines += 1;
        Some(std::mem::take(&mut written.left_out))
    }
}

/// One line. Fields that have nothing to say are left out.
fn write(notice: &Notice, left_out: u64) {
    let Notice { what, consumer, event, reason } = notice;
    let offset = event.as_ref().map(|(offset, _)| offset.0);
    let key = event.as_ref().and_then(|(_, key)| match key {
        Key::Ordered(key) => Some(&**key),
        Key::Unordered(_) => None,
    });
    let reason = (!reason.is_empty()).then_some(reason.as_str());
    let left_out = (left_out > 0).then_some(left_out);
    let cause = match what {
        Noticed::Failed(cause) | Noticed::DeadLetter(cause) => Some(cause.code()),
        _ => None,
    };
    macro_rules! line {
        ($level:ident, $text:literal) => {
            tracing::$level!(consumer, offset, key, cause, reason, left_out, $text)
        };
    }
    match what {
        Noticed::Failed(_) => line!(warn, "an attempt failed: the event waits"),
        Noticed::DeadLetter(_) => line!(warn, "an event became a dead letter"),
        Noticed::HeldRetried => line!(info, "a held event was made due"),
        Noticed::HeldSetAside => line!(info, "an operator made a held event a dead letter"),
        Noticed::Redriven => line!(info, "a dead letter was redriven"),
        Noticed::Discarded => line!(info, "a dead letter was discarded"),
        Noticed::RedriveStarted => line!(info, "a redrive job began"),
        Noticed::RedriveEnded => line!(info, "a redrive job ended"),
        Noticed::Paused => line!(warn, "a consumer is paused"),
        Noticed::Resumed => line!(info, "a consumer resumed"),
        Noticed::Reset => line!(warn, "a consumer was reset"),
    }
}

#[cfg(test)]
mod tests {
    mod lines;

    use camshaft_event::{FailureCause, Offset};

    use super::*;
    use lines::Lines;

    fn failed(consumer: &str, cause: FailureCause) -> Notice {
        Notice {
            what: Noticed::Failed(cause),
            consumer: consumer.to_owned(),
            event: Some((Offset(7), Key::Ordered("o\n17".into()))),
            reason: "the database is away".to_owned(),
        }
    }

    #[test]
    fn a_line_names_consumer_offset_key_and_reason_and_stays_one_line() {
        let lines = Lines::default();
        tracing::subscriber::with_default(lines.clone(), || {
            let reset = Notice {
                what: Noticed::Reset,
                consumer: "stock".to_owned(),
                event: None,
                reason: String::new(),
            };
            Told::default().tell(vec![failed("stock", FailureCause::Retry), reset]);
        });
        let written = lines.0.lock().unwrap().clone();
        assert_eq!(
            written,
            [
                "WARN message=an attempt failed: the event waits consumer=\"stock\" offset=7 key=\"o\\n17\" \
                 cause=\"retry\" reason=\"the database is away\"",
                "WARN message=a consumer was reset consumer=\"stock\"",
            ]
        );
    }

    #[test]
    fn of_one_kind_and_consumer_a_few_lines_are_written_and_the_rest_is_counted() {
        let (told, begin) = (Told::default(), Instant::now());
        let admit = |cause, consumer, after| told.admit(&failed(consumer, cause), begin + after);
        let (retry, trap) = (FailureCause::Retry, FailureCause::Trap);
        for _ in 0..LINES {
            assert_eq!(admit(retry, "a", Duration::ZERO), Some(0));
        }
        for _ in 0..3 {
            assert_eq!(admit(retry, "a", Duration::from_secs(9)), None);
        }
        assert_eq!(admit(trap, "a", Duration::from_secs(9)), Some(0), "another kind");
        assert_eq!(admit(retry, "b", Duration::from_secs(9)), Some(0), "another consumer");
        assert_eq!(admit(retry, "a", PERIOD), Some(3));
        assert_eq!(admit(retry, "a", PERIOD), Some(0));
    }
}
