//! The report of `camshaft test` for people.

use super::Tested;
use crate::text::line;

/// One line per case, then the details of failed cases, then the totals.
pub fn text(tested: &Tested) -> String {
    let mut text = String::new();
    let mut file = "";
    for (number, done) in tested.cases.iter().enumerate() {
        if done.file != file {
            file = &done.file;
            text += &format!("{}{file}\n", if number == 0 { "" } else { "\n" });
        }
        let verdict = if done.verdict.passed { "ok    " } else { "FAILED" };
        text += &format!("  {verdict}  {}\n", line(&done.verdict.name));
    }
    for done in tested.cases.iter().filter(|done| !done.verdict.passed) {
        text += &format!("\n{}: {}\n", done.file, done.verdict.name);
        for mismatch in &done.verdict.mismatches {
            let (expected, actual) = (&mismatch.expected, &mismatch.actual);
            let is_short = |value: &serde_json::Value| !value.is_object() && !value.is_array();
            text += &match (is_short(expected), is_short(actual)) {
                (true, true) => format!("  {}: expected {expected}, was {actual}\n", mismatch.what),
                _ => format!(
                    "  {} (- expected, + actual)\n{}",
                    mismatch.what,
                    indented(&mismatch.difference(), "    ")
                ),
            };
        }
        if let Some(error) = &done.verdict.error {
            text += &format!("  the attempt failed:\n{}", indented(error, "    "));
        }
        let logged: Vec<_> = done.verdict.log.iter().map(|logged| line(logged)).collect();
        if !logged.is_empty() {
            text += &format!("  logged:\n{}", indented(&logged.join("\n"), "    "));
        }
    }
    for warning in &tested.warnings {
        text += &format!("\nwarning: {warning}\n");
    }
    let Tested { passed, failed, left_out, .. } = tested;
    text += &format!("\n{passed} passed, {failed} failed");
    if *left_out > 0 {
        text += &format!(", {left_out} left out");
    }
    text + "\n"
}

fn indented(text: &str, by: &str) -> String {
    text.trim_end().lines().map(|line| format!("{by}{line}\n")).collect()
}
