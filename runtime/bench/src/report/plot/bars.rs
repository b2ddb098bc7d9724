//! Bars on a logarithmic axis, since peers lie orders of magnitude apart; each with its median written beside
//! it.

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::{BLACK, Color, DrawingArea, PathElement, Rectangle, SVGBackend, Text};
use plotters::style::IntoFont;

use super::colour;
use crate::measure::number;
use crate::report::Grid;

const TITLE: u32 = 40;
const CASE: u32 = 24;
const BAR: u32 = 20;

/// Where bars begin and the longest ends; left of them stand names, right of them figures.
const LEFT: f64 = 250.0;
const RIGHT: f64 = 850.0;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

pub(super) fn height(grid: &Grid) -> u32 {
    let bars: usize =
        grid.rows.iter().map(|(_, cells)| cells.iter().filter(|cell| !cell.is_empty()).count()).sum();
    TITLE + CASE * length(grid.rows.len()) + BAR * length(bars)
}

pub(super) fn draw(grid: &Grid, area: &Area) -> Result<()> {
    write(area, format!("{}, {} (logarithmic)", grid.title, grid.unit), 10, 10, 21)?;
    let axis = Axis::over(grid.rows.iter().flat_map(|(_, cells)| cells).flatten().copied());
    let mut top = i32::try_from(TITLE)?;
    for (case, cells) in &grid.rows {
        write(area, case.clone(), 10, top + 4, 18)?;
        top += i32::try_from(CASE)?;
        for (contender, samples) in cells.iter().enumerate() {
            let Some(median) = Grid::median(samples) else { continue };
            let middle = top + 8;
            let (end, least) = (axis.at(median.median), samples.iter().copied().fold(f64::MAX, f64::min));
            let most = samples.iter().copied().fold(f64::MIN, f64::max);
            write(area, grid.contenders[contender].clone(), 20, top + 2, 15)?;
            let bar = Rectangle::new([(LEFT as i32, top), (end, top + 16)], colour(contender).filled());
            area.draw(&bar).map_err(failed)?;
            let spread = vec![(axis.at(least), middle), (axis.at(most), middle)];
            area.draw(&PathElement::new(spread, BLACK.stroke_width(2))).map_err(failed)?;
            write(area, number(median.median), end.max(axis.at(most)) + 6, top + 2, 15)?;
            top += i32::try_from(BAR)?;
        }
    }
    Ok(())
}

/// Decades from below the least value to the largest.
struct Axis {
    least: f64,
    decades: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64>) -> Self {
        let positive: Vec<f64> = values.filter(|value| *value > 0.0).map(f64::log10).collect();
        let least = positive.iter().copied().fold(f64::MAX, f64::min).min(1e9).floor();
        let most = positive.iter().copied().fold(f64::MIN, f64::max).max(least + 1.0);
        Self { least, decades: most - least }
    }

    fn at(&self, value: f64) -> i32 {
        let part = if value > 0.0 { (value.log10() - self.least) / self.decades } else { 0.0 };
        (LEFT + part.clamp(0.0, 1.0) * (RIGHT - LEFT)) as i32
    }
}

fn write(area: &Area, text: String, x: i32, y: i32, size: u32) -> Result<()> {
    let font = ("sans-serif", f64::from(size)).into_font();
    area.draw(&Text::new(text, (x, y), font)).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("the picture could not be drawn: {error}")
}

fn length(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decade_more_is_as_much_further_to_the_right() {
        let axis = Axis::over([10.0, 100.0, 1_000.0].into_iter());
        let [ten, hundred, thousand] = [10.0, 100.0, 1_000.0].map(|value| axis.at(value));
        assert_eq!((ten, hundred, thousand), (250, 550, 850));
        assert_eq!(axis.at(0.0), 250, "nothing is a bar of no length");
    }

    #[test]
    fn an_axis_over_nothing_is_finite() {
        let axis = Axis::over([0.0].into_iter());
        assert!(axis.decades > 0.0, "it has a length");
        assert_eq!(axis.at(0.0), 250);
    }
}
