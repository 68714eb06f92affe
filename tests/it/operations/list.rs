//! `metrics.md` is the list in the code.

use std::fmt::Write as _;
use std::path::Path;

use inq::measures::{ALL, Label, Values};

use super::document;

const HEAD: &str = "\
# Metrics

`/metrics` (on `http.listen`) tells them in Prometheus' text format. Counters and histograms begin at zero when the process starts.

What all instances share (the stage `maintain` below) is sampled every 15 seconds, held back partitions every 30, by processes that
run both `maintain` and `http`; no scrape asks the database or Kafka. Several such processes tell the same: take the `max`.

[alerts.yml](alerts.yml) has alert rules, [dashboard.json](dashboard.json) a Grafana dashboard, [runbook.md](runbook.md) what to do.
";

fn labels(labels: &[Label]) -> String {
    let told: Vec<String> = labels
        .iter()
        .map(|label| {
            let values = match label.values {
                Values::Of(values) => values()
                    .iter()
                    .map(|value| format!("`{value}`"))
                    .collect::<Vec<_>>()
                    .join(", "),
                Values::Named(words) => words.to_owned(),
            };
            format!("`{}`: {values}", label.name)
        })
        .collect();
    told.join("; ")
}

fn expected() -> String {
    let mut text = HEAD.to_owned();
    for (heading, measures) in ALL {
        let _ = write!(
            text,
            "\n## {heading}\n\n| metric | type | labels | tells |\n| --- | --- | --- | --- |\n"
        );
        for measure in measures {
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | {} |",
                measure.name,
                measure.kind.as_str(),
                labels(measure.labels),
                measure.help
            );
        }
    }
    text
}

#[test]
fn the_document_is_the_list_in_the_code() {
    let expected = expected();
    let beside = Path::new(env!("CARGO_TARGET_TMPDIR")).join("metrics.md");
    std::fs::write(&beside, &expected).expect("written");
    assert!(
        document("metrics.md") == expected,
        "docs/operations/metrics.md is not the list in src/measures.rs; {} is",
        beside.display()
    );
}
