//! Tables that fit the terminal, and short forms of cell values.

use camshaft_event::Timestamp;
use camshaft_wire::moment;
use clap::builder::styling::AnsiColor;
use comfy_table::{Table, presets};

use super::terminal;
use crate::text;

/// Number of characters of a digest to show; enough to distinguish versions.
const DIGEST_CHARACTERS: usize = 12;

/// Maximum cell length in characters if there is no terminal to limit the line.
const MAX_CELL: usize = 200;

/// Minimum length that a cell is cut to.
const MIN_CELL: usize = 12;

/// Spaces between two columns.
const GAP: usize = 2;

/// Columns that are never cut: users copy their values, or the values are short.
const WHOLE: [&str; 5] = ["ID", "NAME", "CONSUMER", "SINCE", "STARTED"];

/// The column with coloured values.
const STATUS: &str = "STATUS";

/// Statuses that need an operator to proceed.
const STUCK: [&str; 4] = ["refused", "damaged", "full", "dead"];

/// Statuses that an operator caused, or may want to know.
const UNUSUAL: [&str; 9] =
    ["paused", "detached", "held", "discarded", "dropped", "skipped", "unknown", "cancelled", "loading"];

/// Formats `rows` under `header`, one line per row. Cells that do not fit the terminal are cut; `--json`
/// prints them whole.
pub fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    fitted(header, rows, terminal::width())
}

fn fitted<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    width: Option<usize>,
) -> String {
    let rows: Vec<[String; N]> =
        rows.into_iter().map(|row| row.map(|cell| text::line(&cell).into_owned())).collect();
    let widths = widths(header, &rows, width);
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    table.add_rows(rows.iter().map(|row| {
        let cells = row.iter().zip(widths);
        cells.map(|(cell, width)| cut(cell, width)).collect::<Vec<_>>()
    }));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    format!("{}\n", table.trim_fmt())
}

/// The width of each column in characters: that of its longest cell, or less if the columns do not fit the
/// line.
fn widths<const N: usize>(header: [&str; N], rows: &[[String; N]], width: Option<usize>) -> [usize; N] {
    let longest = |column: usize| {
        let cells = rows.iter().map(|row| row.get(column).map_or(0, |cell| cell.chars().count()));
        cells.chain([header.get(column).map_or(0, |name| name.len())]).max().unwrap_or_default()
    };
    let mut widths: [usize; N] = std::array::from_fn(|column| longest(column).min(MAX_CELL));
    let Some(width) = width else { return widths };
    let room = width.saturating_sub(GAP * N.saturating_sub(1));
    while widths.iter().sum::<usize>() > room {
        let columns = widths.iter_mut().zip(header).filter(|(_, name)| !WHOLE.contains(name));
        let Some((widest, _)) =
            columns.max_by_key(|(width, _)| **width).filter(|(width, _)| **width > MIN_CELL)
        else {
            break;
        };
        *widest -= 1;
    }
    widths
}

fn cut(cell: &str, width: usize) -> String {
    if cell.chars().count() <= width {
        return cell.to_owned();
    }
    cell.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// Colours the words below STATUS that need attention. The table must not contain control characters yet.
pub fn coloured(table: &str) -> String {
    let header = table.lines().next().unwrap_or_default();
    let column = header.find(STATUS).map(|at| header.get(..at).map_or(0, |before| before.chars().count()));
    let Some(column) = column else { return table.to_owned() };
    let line = |line: &str| {
        let at = line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
        let (before, rest) = line.split_at(at);
        let word = rest.split(' ').next().unwrap_or_default();
        let color = match word {
            _ if STUCK.contains(&word) => AnsiColor::Red,
            _ if UNUSUAL.contains(&word) => AnsiColor::Yellow,
            _ => return format!("{line}\n"),
        };
        let (style, after) = (color.on_default(), rest.strip_prefix(word).unwrap_or_default());
        format!("{before}{style}{word}{style:#}{after}\n")
    };
    table.lines().map(line).collect()
}

/// Formats names and values, one pair per line. Pairs without a value are left out. Continuation lines of a
/// value are indented, so a value cannot start a new pair.
pub fn sheet(pairs: impl IntoIterator<Item = (&'static str, Option<String>)>) -> String {
    let present =
        |(name, value): (&str, Option<String>)| Some((name.to_owned(), text::lines(&value?).into_owned()));
    let pairs: Vec<(String, String)> = pairs.into_iter().filter_map(present).collect();
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let indent = format!("\n{:width$}  ", "");
    let line = |(name, value): (String, String)| format!("{name:width$}  {}\n", value.replace('\n', &indent));
    pairs.into_iter().map(line).collect()
}

/// The first characters of a digest.
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

/// A time without fractions of a second.
pub fn time(at: Timestamp) -> String {
    let text = moment::text(at);
    text.split_once('.').map_or_else(|| text.clone(), |(start, _)| format!("{start}Z"))
}

/// A past time in a table: an age at a terminal, the full time elsewhere.
pub fn since(at: Timestamp) -> String {
    if terminal::width().is_none() {
        return time(at);
    }
    let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default();
    ago(at, Timestamp(now))
}

/// The age of `at`, or the time itself if it is in the future of this machine's clock.
fn ago(at: Timestamp, now: Timestamp) -> String {
    match now.0.checked_sub(at.0) {
        Some(age) => format!("{} ago", duration(age)),
        None => time(at),
    }
}

/// The placeholder for a missing value.
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
    fn a_row_is_one_line_whatever_stands_in_it() {
        let rows = || {
            let long = ["stock:1234567".to_owned(), "a.".repeat(200_000), "reject: ".repeat(20)];
            [long, ["b:2".to_owned(), "a.b".to_owned(), "é".repeat(100)]]
        };
        let header = ["ID", "TYPE", "ERROR"];
        let shown = fitted(header, rows(), Some(80));
        assert_eq!(shown.lines().count(), 3, "{shown}");
        assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
        assert!(shown.contains("stock:1234567  a.a.") && shown.contains('…'), "{shown}");
        // Without a terminal, cells are limited too.
        assert!(fitted(header, rows(), None).len() < 2_000);
        // A terminal that is too narrow still shows the columns that are never cut.
        assert!(fitted(header, rows(), Some(10)).contains("stock:1234567"));
    }

    #[test]
    fn a_status_that_asks_for_a_look_is_coloured_and_nothing_else() {
        let rows = [["größe", "dead", "dead"], ["b", "active", "-"], ["c", "paused", "full"]];
        let shown = table(["NAME", "STATUS", "LAST ERROR"], rows.map(|row| row.map(str::to_owned)));
        let expected = "NAME   STATUS  LAST ERROR\n\
                        größe  \u{1b}[31mdead\u{1b}[0m    dead\n\
                        b      active  -\n\
                        c      \u{1b}[33mpaused\u{1b}[0m  full\n";
        assert_eq!(coloured(&shown), expected);
        assert_eq!(coloured("NAME\ndead\n"), "NAME\ndead\n");
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
    fn a_moment_that_the_clock_has_not_come_to_yet_is_shown_whole() {
        let at = Timestamp(1_769_860_800_123);
        assert_eq!(ago(at, Timestamp(at.0 + 59_999)), "59s ago");
        assert_eq!(ago(at, Timestamp(at.0 - 1)), "2026-01-31T12:00:00Z");
    }

    #[test]
    fn times_are_shown_to_the_second() {
        assert_eq!(time(Timestamp(1_769_860_800_123)), "2026-01-31T12:00:00Z");
    }
}
