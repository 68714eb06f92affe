//! What people on call work with: the metrics, the alert rules, the dashboard and the runbook.

mod away;
mod dashboard;
mod exposition;
mod list;
mod promql;
mod rules;
mod runbook;
mod scrape;

use std::path::{Path, PathBuf};

use inq::measures::{self, Measure};

fn documents() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations")
}

fn document(name: &str) -> String {
    let path = documents().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
}

/// The metric of that name.
fn measure(name: &str) -> Option<Measure> {
    measures::ALL
        .into_iter()
        .flat_map(|(_, measures)| measures)
        .find(|measure| measure.name == name)
        .copied()
}
