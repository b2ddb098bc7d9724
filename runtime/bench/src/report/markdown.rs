//! A report as Markdown tables that also read well on a terminal.

use std::fmt::Write;

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;

use super::{Grid, Report};
use crate::measure::number;

pub(super) fn report(report: &Report) -> String {
    let mut text = format!("## {}\n\n{}\n", report.name, report.about);
    if !report.settings.is_empty() {
        text.push('\n');
        for (what, value) in &report.settings {
            let _ = writeln!(text, "- {what}: {value}");
        }
    }
    for found in &report.grids {
        let _ = write!(text, "\n**{}**, {}\n\n{}\n", found.title, found.unit, grid(found));
    }
    text
}

fn grid(grid: &Grid) -> String {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header([String::new()].into_iter().chain(grid.contenders.iter().cloned()));
    for (row, (case, samples)) in grid.rows.iter().enumerate() {
        let cells =
            samples.iter().enumerate().map(|(contender, samples)| cell(grid, row, contender, samples));
        table.add_row([case.clone()].into_iter().chain(cells));
    }
    let mut text = table.to_string();
    if let Some(base) = grid.base.and_then(|base| grid.contenders.get(base)) {
        let _ =
            write!(text, "\n\nMedian ± half the spread; in brackets, how many times better \"{base}\" is.");
    }
    text
}

fn cell(grid: &Grid, row: usize, contender: usize, samples: &[f64]) -> String {
    let Some(median) = Grid::median(samples) else { return "–".to_owned() };
    let mut text = number(median.median);
    if samples.len() > 1 {
        let _ = write!(text, " ±{:.0} %", median.spread * 50.0);
    }
    if let Some(ahead) = grid.base_ahead(row, contender) {
        let _ = write!(text, " ({} x)", number(ahead.median));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Better;

    #[test]
    fn a_grid_is_a_markdown_table_with_spread_and_ratio() {
        let mut grid = Grid::new("speed", "events/s", Better::Higher, ["ours", "theirs"]).base("ours");
        grid.row("256 B", vec![vec![90_000.0, 110_000.0, 100_000.0], vec![900.0, 1_100.0, 1_000.0]]);
        grid.row("4 KB", vec![vec![2.0], vec![]]);
        let report =
            Report { grids: vec![grid], ..Report::new("pipeline", "The main job.").setting("rounds", "3") };
        assert_eq!(
            report.markdown(),
            "## pipeline\n\nThe main job.\n\n- rounds: 3\n\n**speed**, events/s\n\n\
             |       | ours          | theirs              |\n\
             |-------|---------------|---------------------|\n\
             | 256 B | 100,000 ±10 % | 1,000 ±10 % (100 x) |\n\
             | 4 KB  | 2.00          | –                   |\n\n\
             Median ± half the spread; in brackets, how many times better \"ours\" is.\n"
        );
    }
}
