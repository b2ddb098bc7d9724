//! Reads a settings file into settings with their lines. It does not know which settings exist.

use std::{fs, path::Path};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    error::ConfigError,
    given::{Given, Place},
};

/// All settings of the file, sub-tables as dotted keys.
pub(super) fn read(path: &Path) -> Result<Vec<Given>, ConfigError> {
    let text = fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
        path: path.to_owned(),
        reason: crate::io_reason(&error),
    })?;
    let file = File { path, text: &text };
    let table = DeTable::parse(&text).map_err(|error| ConfigError::Syntax {
        path: path.to_owned(),
        line: file.line(error.span().map_or(0, |span| span.start)),
        reason: error.message().to_owned(),
    })?;
    let mut settings = Vec::new();
    file.collect("", table.get_ref(), &mut settings)?;
    Ok(settings)
}

struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    fn collect(
        &self,
        prefix: &str,
        table: &DeTable<'_>,
        settings: &mut Vec<Given>,
    ) -> Result<(), ConfigError> {
        for (name, value) in table {
            let key = format!("{prefix}{}", name.get_ref());
            let place = Place::File { path: self.path.to_owned(), line: self.line(name.span().start) };
            let values = match value.get_ref() {
                DeValue::Table(inner) => {
                    self.collect(&format!("{key}."), inner, settings)?;
                    continue;
                }
                DeValue::Array(items) => items.iter().map(Spanned::get_ref).map(scalar).collect(),
                single => scalar(single).map(|text| vec![text]),
            };
            match values {
                Some(values) => settings.push(Given { key, values, place }),
                None => {
                    let problem = "it must be a string, a number, a boolean, or a list of them".to_owned();
                    return Err(ConfigError::Value { key, problem, place: Some(place) });
                }
            }
        }
        Ok(())
    }

    fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
    }
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(value) => Some(value.to_string()),
        _ => None,
    }
}
