//! The texts that one manifest is made of: the records of the section and the operator's file.
//!
//! Each is parsed once into a TOML table. A place in any of them is one number, as if they stood one behind
//! the other, so that a mistake found in the merged table is told with the file and the line that it was
//! written in.

use std::ops::Range;

use serde::Deserialize;
use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue, Deserializer, Error},
};

use super::{
    bounds,
    document::Document,
    mistake::{self, toml_mistake},
};
use crate::{Refusal, RefusalCode};

/// The texts that were parsed.
#[derive(Default)]
pub struct Sources<'t>(Vec<Source<'t>>);

struct Source<'t> {
    /// As messages name it.
    origin: &'t str,
    text: &'t str,
    /// Where the text begins among all.
    start: usize,
}

impl<'t> Sources<'t> {
    /// Parses `text`, which came from `origin`.
    ///
    /// # Errors
    /// `invalid-manifest` for a text that is too long, is not TOML or holds too much.
    pub fn parse(&mut self, origin: &'t str, text: &'t str) -> Result<DeTable<'t>, Refusal> {
        bounds::check_length(text.len(), origin)?;
        let table = DeTable::parse(text).map_err(|error| invalid(toml_mistake(origin, text, &error)))?;
        bounds::check_entries(table.get_ref(), origin)?;
        // One byte apart, so that the end of a text is not the start of the next.
        let start = self.0.last().map_or(0, |last| last.start + last.text.len() + 1);
        self.0.push(Source { origin, text, start });
        Ok(shifted_table(table.into_inner(), start))
    }

    /// Where the text that was parsed last begins among all.
    pub fn last_start(&self) -> usize {
        self.0.last().map_or(0, |last| last.start)
    }

    /// Decodes a table that was merged from those that [`Sources::parse`] gave.
    ///
    /// # Errors
    /// `invalid-manifest` for an unknown key or a value that is not possible.
    pub fn decode(&self, merged: DeTable<'t>) -> Result<Document, Refusal> {
        let root = Deserializer::from(Spanned::new(0..0, merged));
        Document::deserialize(root).map_err(|error| invalid(self.mistake(&error)))
    }

    fn mistake(&self, error: &Error) -> String {
        let at = error.span().map_or(0, |span| span.start);
        match self.0.iter().rev().find(|source| source.start <= at) {
            Some(Source { origin, text, start }) => mistake::at(origin, text, Some(at - start), error),
            None => error.message().to_owned(),
        }
    }
}

fn invalid(message: String) -> Refusal {
    Refusal::new(
        RefusalCode::InvalidManifest,
        message,
        "Correct the key; the tables in `wit/README.md` list the keys of authors and operators.",
    )
}

fn shifted_table(table: DeTable<'_>, by: usize) -> DeTable<'_> {
    let entries = table.into_iter();
    { entries }
        .map(|(key, value)| (Spanned::new(shifted(&key, by), key.into_inner()), shifted_value(value, by)))
        .collect()
}

fn shifted_value(value: Spanned<DeValue<'_>>, by: usize) -> Spanned<DeValue<'_>> {
    let span = shifted(&value, by);
    let value = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(shifted_table(table, by)),
        DeValue::Array(entries) => {
            let mut array = DeArray::new();
            entries.into_iter().for_each(|entry| array.push(shifted_value(entry, by)));
            DeValue::Array(array)
        }
        other => other,
    };
    Spanned::new(span, value)
}

fn shifted<T>(spanned: &Spanned<T>, by: usize) -> Range<usize> {
    let Range { start, end } = spanned.span();
    start + by..end + by
}
