//! A report as one picture: a panel of bars per grid that compares, a panel of lines per curve.

mod bars;
mod lines;

use anyhow::Result;
use plotters::prelude::{IntoDrawingArea, Palette, Palette99, RGBColor, SVGBackend, WHITE};

use super::{Grid, Report};

/// Width of the picture, in pixels.
const WIDTH: u32 = 960;

/// Height of a curve's panel.
const CURVE_HEIGHT: u32 = 320;

/// The picture as SVG, if there is anything to draw: grids that compare, and curves.
pub(super) fn draw(report: &Report) -> Result<Option<String>> {
    let grids: Vec<&Grid> = report.grids.iter().filter(|grid| grid.base.is_some()).collect();
    let heights = grids.iter().map(|grid| bars::height(grid));
    let heights: Vec<u32> = heights.chain(report.curves.iter().map(|_| CURVE_HEIGHT)).collect();
    if heights.is_empty() {
        return Ok(None);
    }
    let mut picture = String::new();
    {
        let size = (WIDTH, heights.iter().sum());
        let mut rest = SVGBackend::with_string(&mut picture, size).into_drawing_area();
        rest.fill(&WHITE)?;
        for (panel, height) in heights.into_iter().enumerate() {
            let (area, below) = rest.split_vertically(height);
            rest = below;
            match grids.get(panel) {
                Some(grid) => bars::draw(grid, &area)?,
                None => lines::draw(&report.curves[panel - grids.len()], &area)?,
            }
        }
    }
    Ok(Some(picture))
}

/// The colour of a contender, by its number.
fn colour(contender: usize) -> RGBColor {
    let (red, green, blue) = Palette99::COLORS[contender % Palette99::COLORS.len()];
    RGBColor(red, green, blue)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Better, Curve, Line};

    #[test]
    fn what_compares_and_what_changes_is_drawn_and_nothing_else() {
        let mut grid = Grid::new("speed", "events/s", Better::Higher, ["ours", "theirs"]);
        grid.once("alone", [1_000.0, 10.0]);
        let drawn =
            |grid: Grid, curves| draw(&Report { grids: vec![grid], curves, ..Report::new("x", "") }).unwrap();
        assert!(drawn(grid.clone(), Vec::new()).is_none(), "without a base there is nothing to compare");
        let line = Line { name: "all of it".into(), points: vec![(0.0, 30.0), (60.0, 31.0)] };
        let curve = Curve { title: "memory".into(), across: "s".into(), up: "MiB".into(), lines: vec![line] };
        let picture = drawn(grid.base("ours"), vec![curve]).unwrap();
        for text in ["<svg", "speed, events/s", "theirs", "1,000", "memory", "all of it", "MiB"] {
            assert!(picture.contains(text), "{text} is missing");
        }
    }
}
