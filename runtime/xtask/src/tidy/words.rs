//! Words of unclear prose. Each of them hides a subject or a verb, so a sentence with one usually needs a
//! second reading; CONTRIBUTING.md says what to write instead.
//!
//! `words.json` holds how often each word may occur in pages, sources and comments. A count may only become
//! lower: more is a breach, and so is a recorded count that is too high.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};

use super::Tracked;
use crate::command;

/// The words and phrases, in lower case.
const WORDS: [&str; 22] = [
    "who",
    "whoever",
    "whatever",
    "nobody",
    "somebody",
    "everybody",
    "so much",
    "so many",
    "what is not",
    "what was",
    "is told",
    "are told",
    "told of",
    "tells",
    "is given",
    "goes on",
    "judge",
    "is had",
    "to be had",
    "lets go",
    "stands",
    "lies",
];

/// Files with prose or comments.
const EXTENSIONS: [&str; 8] = ["js", "md", "mjs", "py", "rs", "toml", "ts", "wit"];

/// Where the counts are recorded, below the root.
const RECORD: &str = "runtime/xtask/src/tidy/words.json";

type Counts = BTreeMap<String, usize>;

/// Each word that does not occur as often as recorded. With `accept`, lower counts are recorded first.
pub(super) fn breaches(tracked: &Tracked, accept: bool) -> Result<Vec<String>> {
    let path = command::root().join(RECORD);
    let text = fs::read_to_string(&path).with_context(|| RECORD.to_owned())?;
    let mut recorded: Counts = serde_json::from_str(&text).with_context(|| RECORD.to_owned())?;
    let counted = count(tracked.with_extension(&EXTENSIONS).map(|(_, text)| text.as_str()));
    if accept {
        lower(&mut recorded, &counted);
        let text = format!("{}\n", serde_json::to_string_pretty(&recorded)?);
        fs::write(&path, text).with_context(|| RECORD.to_owned())?;
    }
    Ok(differences(&recorded, &counted))
}

fn count<'a>(texts: impl Iterator<Item = &'a str>) -> Counts {
    let mut counts: Counts = WORDS.iter().map(|word| ((*word).to_owned(), 0)).collect();
    for text in texts {
        let text = text.to_lowercase();
        let separates = |c: char| !c.is_alphanumeric() && c != '_';
        let words: Vec<&str> = text.split(separates).filter(|word| !word.is_empty()).collect();
        for (phrase, count) in &mut counts {
            let phrase: Vec<&str> = phrase.split(' ').collect();
            *count += words.windows(phrase.len()).filter(|window| *window == phrase).count();
        }
    }
    counts
}

/// Takes over counts that are lower than recorded, and those of words that are not recorded yet.
fn lower(recorded: &mut Counts, counted: &Counts) {
    recorded.retain(|word, _| counted.contains_key(word));
    for (word, count) in counted {
        let kept = recorded.entry(word.clone()).or_insert(*count);
        *kept = (*kept).min(*count);
    }
}

fn differences(recorded: &Counts, counted: &Counts) -> Vec<String> {
    let mut breaches = Vec::new();
    for (word, count) in counted {
        let allowed = recorded.get(word).copied().unwrap_or_default();
        if *count > allowed {
            breaches.push(format!(
                "\"{word}\" occurs {count} times, the limit is {allowed}: name the subject, or use another verb \
                 (`git grep -niw '{word}'` lists the lines)"
            ));
        } else if *count < allowed {
            breaches.push(format!(
                "\"{word}\" occurs {count} times, {RECORD} allows {allowed}: run `cargo xtask tidy --accept`"
            ));
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str) -> Counts {
        let counts = count([text].into_iter());
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    fn counts(pairs: &[(&str, usize)]) -> Counts {
        pairs.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect()
    }

    #[test]
    fn whole_words_and_phrases_are_counted_in_any_case_and_over_lines() {
        assert_eq!(
            counted("Nobody relies on so_many\n/// So\n/// many"),
            counts(&[("nobody", 1), ("so many", 1)])
        );
        assert_eq!(counted("`lies` and (lies)"), counts(&[("lies", 2)]));
        let over_comments = "/// the file that lies\n/// there";
        assert_eq!(counted(over_comments), counts(&[("lies", 1)]));
    }

    #[test]
    fn a_count_that_rises_is_a_breach_and_one_that_falls_is_to_be_recorded() {
        let recorded = counts(&[("lies", 2), ("who", 2)]);
        let breaches = differences(&recorded, &counts(&[("lies", 3), ("who", 1)]));
        assert!(breaches[0].starts_with("\"lies\" occurs 3 times, the limit is 2"), "{breaches:?}");
        assert!(breaches[1].ends_with("run `cargo xtask tidy --accept`"), "{breaches:?}");
        assert_eq!(differences(&recorded, &recorded), Vec::<String>::new());
    }

    #[test]
    fn accepting_lowers_a_count_and_never_raises_one() {
        let mut recorded = counts(&[("lies", 2), ("who", 2), ("gone", 1)]);
        lower(&mut recorded, &counts(&[("lies", 3), ("who", 1), ("tells", 4)]));
        assert_eq!(recorded, counts(&[("lies", 2), ("tells", 4), ("who", 1)]));
    }
}
