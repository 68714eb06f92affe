//! What a run of the benchmark has found: figures, and the ratios that count.

use std::fmt::Write as _;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

/// All of a run.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// What it ran on.
    pub servers: String,
    /// In the order of their measurement.
    pub figures: Vec<Figure>,
    /// What the service is judged by.
    pub ratios: Vec<Ratio>,
    /// How a rate goes with what grows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub curves: Vec<Curve>,
}

/// A rate, in rows a second, against something that grows.
#[derive(Debug, Serialize)]
pub struct Curve {
    /// What is measured.
    pub name: String,
    /// What grows.
    pub axis: &'static str,
    /// In the order in which it grows.
    pub points: Vec<Point>,
}

/// A point of a curve.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Point {
    /// What grows.
    pub at: f64,
    /// The median over the rounds.
    pub median: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
}

impl Point {
    /// From what was measured once for each round.
    pub(super) fn of(at: f64, rounds: &[f64]) -> Self {
        Self {
            at,
            median: median(rounds),
            least: rounds.iter().copied().fold(f64::INFINITY, f64::min),
            most: rounds.iter().copied().fold(0.0, f64::max),
        }
    }
}

/// A measured figure: the median over the rounds, and the extremes.
#[derive(Debug, Serialize)]
pub struct Figure {
    /// The part of the benchmark.
    pub part: &'static str,
    /// What was measured.
    pub name: String,
    /// The median.
    pub median: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
    /// Of all three.
    pub unit: &'static str,
}

/// Two figures of the same run, one over the other.
#[derive(Debug, Serialize)]
pub struct Ratio {
    /// What is over what.
    pub name: String,
    /// The median over the rounds.
    pub value: f64,
    /// The bound, where there is one.
    #[serde(flatten)]
    pub bound: Option<Bound>,
}

/// What a ratio should be.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Or more.
    AtLeast(f64),
    /// Or less.
    AtMost(f64),
}

impl Bound {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::AtMost(bound) => value <= bound,
        }
    }
}

impl Report {
    /// Notes a figure that was measured once for each round.
    pub fn figure(
        &mut self,
        part: &'static str,
        name: impl Into<String>,
        rounds: &[f64],
        unit: &'static str,
    ) {
        let mut sorted = rounds.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (Some(least), Some(most)) = (sorted.first(), sorted.last()) else {
            return;
        };
        self.figures.push(Figure {
            part,
            name: name.into(),
            median: median(rounds),
            least: *least,
            most: *most,
            unit,
        });
    }

    /// Notes the ratio of figures that were measured side by side: its median over the rounds.
    pub fn ratio(
        &mut self,
        name: impl Into<String>,
        over: &[f64],
        under: &[f64],
        bound: impl Into<Option<Bound>>,
    ) {
        let ratios: Vec<f64> = over.iter().zip(under).map(|(over, under)| over / under).collect();
        if !ratios.is_empty() {
            self.ratios.push(Ratio {
                name: name.into(),
                value: median(&ratios),
                bound: bound.into(),
            });
        }
    }

    /// The ratios that miss their bounds.
    pub fn missed(&self) -> impl Iterator<Item = &Ratio> {
        self.ratios
            .iter()
            .filter(|ratio| ratio.bound.is_some_and(|bound| !bound.holds(ratio.value)))
    }

    /// As tables, for people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut figures = Table::new();
        figures
            .load_preset(UTF8_HORIZONTAL_ONLY)
            .set_header(["part", "figure", "median", "least", "most", "unit"]);
        for figure in &self.figures {
            figures.add_row([
                figure.part,
                &figure.name,
                &written(figure.median),
                &written(figure.least),
                &written(figure.most),
                figure.unit,
            ]);
        }
        for column in 2..5 {
            if let Some(column) = figures.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let mut ratios = Table::new();
        ratios
            .load_preset(UTF8_HORIZONTAL_ONLY)
            .set_header(["ratio", "value", "should be", ""]);
        for ratio in &self.ratios {
            let (should, verdict) = match ratio.bound {
                Some(bound) => {
                    let verdict = if bound.holds(ratio.value) { "met" } else { "MISSED" };
                    let should = match bound {
                        Bound::AtLeast(bound) => format!("≥ {bound}"),
                        Bound::AtMost(bound) => format!("≤ {bound}"),
                    };
                    (should, verdict)
                }
                None => (String::new(), ""),
            };
            ratios.add_row([&ratio.name, &written(ratio.value), &should, verdict]);
        }
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}\n{figures}\n{ratios}", self.servers);
        text
    }
}

/// The middle of the values; of an even number the mean of the two in the middle.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// With as many digits as say something.
fn written(value: f64) -> String {
    match value.abs() {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // positive, and far from the ends
        large if large >= 1000.0 => number(value.round() as u64),
        middling if middling >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// With commas between the thousands.
pub(super) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_the_median_of_the_rounds_own() {
        let mut report = Report::default();
        report.ratio(
            "a / b",
            &[10.0, 20.0, 90.0],
            &[5.0, 20.0, 30.0],
            Bound::AtLeast(2.0),
        );
        assert!((report.ratios[0].value - 2.0).abs() < 1e-9);
        assert_eq!(report.missed().count(), 0);
        report.ratio("c / d", &[1.0], &[2.0], Bound::AtLeast(0.8));
        report.ratio("e / f", &[7.0], &[1.0], Bound::AtMost(6.0));
        assert_eq!(report.missed().count(), 2);
        assert!(report.text().contains("MISSED"), "{}", report.text());
    }

    #[test]
    fn figures_show_their_extremes() {
        let mut report = Report::default();
        report.figure("dispatch", "rows", &[12_345.6, 1_000.0, 2.0, 3.0], "1/s");
        assert!((report.figures[0].median - 501.5).abs() < 1e-9);
        assert!(report.text().contains("12,346"), "{}", report.text());
        report.figure("dispatch", "nothing", &[], "1/s");
        assert_eq!(report.figures.len(), 1);
    }
}
