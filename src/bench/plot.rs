//! Curves as a picture.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::BenchError;
use super::report::{Curve, number};

/// Of one chart, in pixels.
const SIZE: (u32, u32) = (420, 300);
const COLOURS: [RGBColor; 3] = [
    RGBColor(31, 90, 160),
    RGBColor(196, 98, 16),
    RGBColor(60, 130, 70),
];

/// One chart for each axis, side by side, as SVG.
///
/// # Errors
/// If there is nothing to draw, or it cannot be drawn.
pub fn svg(title: &str, curves: &[Curve]) -> Result<String, BenchError> {
    let mut axes: Vec<&str> = curves.iter().map(|curve| curve.axis).collect();
    axes.dedup();
    if axes.is_empty() {
        return Err(BenchError(
            "there is no curve to draw: the part `scale` has them".to_owned(),
        ));
    }
    let mut picture = String::new();
    let charts = u32::try_from(axes.len()).unwrap_or(u32::MAX);
    let area = SVGBackend::with_string(&mut picture, (SIZE.0 * charts, SIZE.1 + 40)).into_drawing_area();
    let drawn = area
        .fill(&WHITE)
        .and_then(|()| area.titled(title, ("sans-serif", 16)))
        .and_then(|area| {
            area.split_evenly((1, axes.len()))
                .iter()
                .zip(&axes)
                .try_for_each(|(area, axis)| {
                    let curves: Vec<_> = curves.iter().filter(|curve| curve.axis == *axis).collect();
                    chart(area, axis, &curves)
                })
        })
        .and_then(|()| area.present());
    drawn.map_err(|fault| BenchError(format!("the curves cannot be drawn: {fault}")))?;
    drop(area);
    Ok(picture)
}

type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

fn chart(area: &DrawingArea<SVGBackend<'_>, Shift>, axis: &str, curves: &[&Curve]) -> Drawn {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let (from, to) = points().fold((f64::INFINITY, 0.0_f64), |(from, to), point| {
        (from.min(point.at), to.max(point.at))
    });
    let top = points().fold(0.0, |top: f64, point| top.max(point.most)) * 1.25;
    let mut builder = ChartBuilder::on(area);
    builder.margin(12).x_label_area_size(36).y_label_area_size(60);
    // What grows a hundredfold is shown by its powers of ten.
    if to >= from * 100.0 {
        draw(
            builder.build_cartesian_2d((from * 0.7..to * 1.4).log_scale(), 0.0..top)?,
            axis,
            curves,
        )
    } else {
        let space = (to - from) * 0.1;
        let range: Range<f64> = from - space..to + space;
        draw(builder.build_cartesian_2d(range, 0.0..top)?, axis, curves)
    }
}

fn draw<'a, 'b: 'a, X>(
    mut chart: ChartContext<'a, SVGBackend<'b>, Cartesian2d<X, plotters::coord::types::RangedCoordf64>>,
    axis: &str,
    curves: &[&Curve],
) -> Drawn
where
    X: Ranged<ValueType = f64> + plotters::coord::ranged1d::ValueFormatter<f64>,
{
    // What was counted has no halves.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // axes begin above zero
    let written = |value: &f64| {
        let whole = value.round();
        if (value - whole).abs() < 0.01 {
            number(whole as u64)
        } else {
            String::new()
        }
    };
    chart
        .configure_mesh()
        .x_desc(axis)
        .y_desc("rows/s")
        .x_labels(6)
        .x_label_formatter(&written)
        .y_label_formatter(&written)
        .light_line_style(TRANSPARENT)
        .draw()?;
    for (curve, colour) in curves.iter().zip(COLOURS.iter().cycle()) {
        let line = curve.points.iter().map(|point| (point.at, point.median));
        chart
            .draw_series(LineSeries::new(line, colour.stroke_width(2)).point_size(3))?
            .label(&curve.name)
            .legend(|(x, y)| Circle::new((x + 8, y), 3, colour.filled()));
        let ranges = curve.points.iter();
        chart.draw_series(ranges.map(|point| {
            PathElement::new(
                vec![(point.at, point.least), (point.at, point.most)],
                colour.stroke_width(1),
            )
        }))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .label_font(("sans-serif", 11))
        .border_style(TRANSPARENT)
        .draw()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::report::Point;

    fn curve(axis: &'static str, at: &[f64]) -> Curve {
        Curve {
            name: "a curve".to_owned(),
            axis,
            points: at.iter().map(|at| Point::of(*at, &[900.0, 1100.0])).collect(),
        }
    }

    #[test]
    fn every_axis_has_a_chart() {
        let curves = [
            curve("rows pending", &[1e4, 1e5, 1e6]),
            curve("instances", &[1.0, 2.0, 3.0]),
        ];
        let picture = svg("a title", &curves).expect("a picture");
        for text in ["<svg", "a title", "rows pending", "instances", "1,000,000"] {
            assert!(picture.contains(text), "{text} is not in {picture}");
        }
    }

    #[test]
    fn nothing_is_no_picture() {
        assert!(svg("a title", &[]).is_err());
    }
}
