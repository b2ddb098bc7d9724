//! Lines over a linear axis, from zero up, so that growth looks like what it is.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::{
    BLACK, ChartBuilder, Color, DrawingArea, LineSeries, PathElement, SVGBackend, SeriesLabelPosition, WHITE,
};

use super::colour;
use crate::report::Curve;

pub(super) fn draw(curve: &Curve, area: &DrawingArea<SVGBackend, Shift>) -> Result<()> {
    let points = || curve.lines.iter().flat_map(|line| &line.points);
    let across = points().map(|point| point.0);
    let (first, last) = across.fold((f64::MAX, f64::MIN), |(least, most), x| (least.min(x), most.max(x)));
    let first = first.min(last);
    let most = points().map(|point| point.1).fold(f64::MIN_POSITIVE, f64::max);
    let mut chart = ChartBuilder::on(area)
        .margin(10)
        .caption(&curve.title, ("sans-serif", 21))
        .x_label_area_size(36)
        .y_label_area_size(70)
        .build_cartesian_2d(first..last.max(first + 1.0), 0.0..most * 1.1)?;
    chart.configure_mesh().x_desc(&curve.across).y_desc(&curve.up).draw()?;
    for (number, line) in curve.lines.iter().enumerate() {
        let style = colour(number).stroke_width(2);
        chart
            .draw_series(LineSeries::new(line.points.iter().copied(), style))?
            .label(&line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    Ok(())
}
