//! Compares the attempt that ran here with the recorded one.

use camshaft_engine::Rehearsed;
use camshaft_wire::{AttemptView, DeadLetterView, Encoding};
use http::Request;
use serde_json::{Value, json};

use super::super::{
    effects,
    table::{sheet, time},
};
use crate::text;

/// Both attempts.
pub struct Debugged<'e> {
    pub letter: &'e DeadLetterView,
    pub original: &'e AttemptView,
    /// Digest of the plugin that ran here.
    pub digest: String,
    pub done: Rehearsed,
    /// Requests that it would have sent.
    pub not_sent: Vec<Request<Vec<u8>>>,
    /// State keys that the attempt read but that were not recorded.
    pub missed: Vec<Vec<u8>>,
}

/// How the two attempts compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Same,
    /// The same failure with other details, such as a backtrace.
    Similar,
    Other,
    Succeeded,
}

impl Debugged<'_> {
    fn comparison(&self) -> Comparison {
        let Some(failure) = &self.done.failure else { return Comparison::Succeeded };
        if failure.cause.code() != self.original.cause {
            return Comparison::Other;
        }
        let (recorded, here) = (&self.original.error, &failure.error);
        // A recorded error is cut if there was little space for it.
        let is_cut = !recorded.is_empty() && here.starts_with(recorded.as_str());
        match recorded == here || is_cut {
            true => Comparison::Same,
            false if recorded.lines().next() == here.lines().next() => Comparison::Similar,
            false => Comparison::Other,
        }
    }

    fn is_original(&self) -> bool {
        self.digest == self.letter.digest
    }

    fn missed(&self) -> Vec<String> {
        self.missed.iter().map(|key| Encoding::of(key).0).collect()
    }

    fn not_sent(&self) -> Vec<String> {
        self.not_sent.iter().map(|request| format!("{} {}", request.method(), request.uri())).collect()
    }

    fn outcome(&self) -> &'static str {
        self.done.cause().map_or("ok", |cause| cause.code())
    }

    pub fn json(&self) -> Value {
        let Self { letter, original, digest, done, .. } = self;
        json!({
            "id": letter.summary.id,
            "attempt": original.attempt,
            "at": time(original.at),
            "recorded": { "digest": letter.digest, "cause": original.cause, "error": original.error },
            "here": {
                "digest": digest,
                "outcome": self.outcome(),
                "error": done.failure.as_ref().map(|failure| &failure.error),
                "retry_after_ms": done.retry_after_ms,
                "effects": effects::json(&done.effects),
                "log": done.log.iter().map(effects::log_line).collect::<Vec<_>>(),
            },
            "comparison": match self.comparison() {
                Comparison::Same => "same",
                Comparison::Similar => "similar",
                Comparison::Other => "other",
                Comparison::Succeeded => "succeeded",
            },
            "not_sent": self.not_sent(),
            "inputs_truncated": letter.inputs.truncated,
            "not_recorded": self.missed(),
        })
    }

    pub fn text(&self) -> String {
        let Self { letter, original, digest, done, .. } = self;
        let comparison = self.comparison();
        let ran = match self.is_original() {
            true => format!("{} {digest}, the one that failed", letter.version),
            false => format!("{digest}, not the one that failed: {} {}", letter.version, letter.digest),
        };
        let here = match &done.failure {
            None => "ok".to_owned(),
            Some(failure) => format!("{}: {}", failure.cause.code(), failure.error.trim_end()),
        };
        let verdict = match (comparison, self.is_original()) {
            (Comparison::Same, _) => "it fails here in the same way",
            (Comparison::Similar, _) => "it fails here with the same message; the details differ",
            (Comparison::Other, true) => {
                "it fails here in another way: something it depends on is not recorded"
            }
            (Comparison::Other, false) => "it fails here in another way",
            (Comparison::Succeeded, true) => "it succeeds here: something it depends on is not recorded",
            (Comparison::Succeeded, false) => "it succeeds here",
        };
        let effects = effects::lines(&done.effects);
        // Effects of a failed attempt are not applied.
        let label = if done.failure.is_some() { "not applied" } else { "effects" };
        let lines = |lines: Vec<String>| {
            let lines: Vec<_> = lines.iter().map(|line| text::line(line)).collect();
            (!lines.is_empty()).then(|| lines.join("\n"))
        };
        let read = letter.inputs.state.iter().map(|input| match &input.value_base64 {
            Some(_) => format!("{} = {}", input.key, input.value),
            None => format!("{} is absent", input.key),
        });
        let truncated = letter.inputs.truncated.then(|| "reads beyond 64 KiB are not recorded".to_owned());
        let missed =
            self.missed().into_iter().map(|key| format!("{key} is not recorded; it was absent here"));
        let recorded = format!("{}: {}", original.cause, original.error.trim_end());
        sheet([
            ("dead letter", Some(letter.summary.id.clone())),
            ("event", Some(letter.event.get().to_owned())),
            ("attempt", Some(format!("{} at {}", original.attempt, time(original.at)))),
            ("plugin", Some(ran)),
            ("state read", lines(read.chain(truncated).collect())),
            ("missing", lines(missed.collect())),
            ("recorded", Some(recorded)),
            ("here", (comparison != Comparison::Same).then_some(here)),
            ("result", Some(verdict.to_owned())),
            (label, lines(effects)),
            ("not sent", lines(self.not_sent())),
            ("log", lines(done.log.iter().map(effects::log_line).collect())),
        ])
    }
}
