//! Tables that fit the terminal, and the short forms of what stands in them.

use camshaft_event::Timestamp;
use camshaft_wire::moment;
use comfy_table::{ContentArrangement, Table, presets};

use super::terminal;
use crate::text;

/// Characters of a digest that tell versions apart.
const DIGEST_CHARACTERS: usize = 12;

/// Lines up `rows` under `header`. On a terminal long cells are wrapped, elsewhere they are left whole.
pub fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    if terminal::width().is_some() {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    table.add_rows(rows.into_iter().map(|row| row.map(|cell| text::line(&cell).into_owned())));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    format!("{}\n", table.trim_fmt())
}

/// Names and values, one pair a line; pairs without a value are left out. Line breaks of a value are indented, so no
/// value begins a pair.
pub fn sheet(pairs: impl IntoIterator<Item = (&'static str, Option<String>)>) -> String {
    let present =
        |(name, value): (&str, Option<String>)| Some((name.to_owned(), text::lines(&value?).into_owned()));
    let pairs: Vec<(String, String)> = pairs.into_iter().filter_map(present).collect();
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let indent = format!("\n{:width$}  ", "");
    let line = |(name, value): (String, String)| format!("{name:width$}  {}\n", value.replace('\n', &indent));
    pairs.into_iter().map(line).collect()
}

/// The start of a digest.
pub fn digest(digest: Option<&str>) -> String {
    digest.map_or_else(dash, |digest| digest.chars().take(DIGEST_CHARACTERS).collect())
}

/// A duration, rounded down to its largest unit.
pub fn duration(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0 => format!("{ms}ms"),
        1..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A moment without its fraction.
pub fn time(at: Timestamp) -> String {
    let text = moment::text(at);
    text.split_once('.').map_or_else(|| text.clone(), |(start, _)| format!("{start}Z"))
}

/// What stands in place of nothing.
pub fn dash() -> String {
    "-".to_owned()
}

/// A list on one line.
pub fn list(items: &[String]) -> Option<String> {
    (!items.is_empty()).then(|| items.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_without_trailing_blanks() {
        let rows = [["stock".to_owned(), "1".to_owned()], ["a".to_owned(), "20".to_owned()]];
        assert_eq!(table(["NAME", "LAG"], rows), "NAME   LAG\nstock  1\na      20\n");
    }

    #[test]
    fn a_sheet_indents_further_lines_and_leaves_out_what_is_absent() {
        let pairs = [("name", Some("stock".into())), ("version", None), ("error", Some("a\nb".into()))];
        assert_eq!(sheet(pairs), "name   stock\nerror  a\n       b\n");
    }

    #[test]
    fn a_cell_makes_no_row_and_no_text_is_reversed() {
        let rows = [["a\nFORGED  0".to_owned(), "x\u{202e}y\u{9b}".to_owned()]];
        let shown = table(["KEY", "TYPE"], rows);
        assert_eq!(shown.lines().count(), 2, "{shown}");
        assert!(shown.contains("a\\nFORGED  0  x\\u{202e}y\\u{9b}\n") && shown.is_ascii(), "{shown}");
        assert_eq!(sheet([("key", Some("a\u{202e}\rb".into()))]), "key  a\\u{202e}\\rb\n");
    }

    #[test]
    fn durations_are_as_long_as_their_largest_unit() {
        let shown = [0, 999, 1_000, 59_999, 60_000, 3_600_000, 86_400_000, 864_000_000].map(duration);
        assert_eq!(shown, ["0ms", "999ms", "1s", "59s", "1m", "1h", "1d", "10d"]);
    }

    #[test]
    fn times_are_shown_to_the_second() {
        assert_eq!(time(Timestamp(1_769_860_800_123)), "2026-01-31T12:00:00Z");
    }
}
