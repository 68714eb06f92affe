//! Which metrics an expression of `PromQL` asks for: enough of the language for names, labels and brackets.

use std::collections::BTreeSet;

use inq::measures::{Kind, Values};

use super::measure;

/// What stands in an expression and is no metric.
const WORDS: [&str; 20] = [
    "absent",
    "and",
    "by",
    "count",
    "deriv",
    "histogram_quantile",
    "ignoring",
    "increase",
    "max",
    "min",
    "on",
    "or",
    "rate",
    "sum",
    "time",
    "unless",
    "vector",
    "without",
    "bool",
    "offset",
];

/// The metrics that the expression names; panics where it asks for one, for a label or for a value that there is not.
pub fn metrics_of(expression: &str) -> BTreeSet<String> {
    assert_brackets_close(expression);
    let mut found = BTreeSet::new();
    let mut rest = expression;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic()) {
        rest = &rest[start..];
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        if let Some(labels) = rest.strip_prefix('{') {
            let (labels, after) = labels.split_once('}').expect("brackets close");
            found.insert(known(expression, word, labels));
            // A range, with its unit.
            rest = after
                .strip_prefix('[')
                .map_or(after, |range| range.split_once(']').expect("closed").1);
        } else if let Some(range) = rest.strip_prefix('[') {
            found.insert(known(expression, word, ""));
            rest = range.split_once(']').expect("brackets close").1;
        } else if ["by", "on", "without", "ignoring"].contains(&word) {
            // Labels: their names are looked at with the metrics'.
            let (_, labels) = rest
                .split_once('(')
                .unwrap_or_else(|| panic!("{expression}: {word} what?"));
            rest = labels.split_once(')').expect("brackets close").1;
        } else if !WORDS.contains(&word) {
            found.insert(known(expression, word, ""));
        }
    }
    found
}

fn assert_brackets_close(expression: &str) {
    let mut open = Vec::new();
    let mut quoted = false;
    for c in expression.chars() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            ')' | ']' | '}' => assert_eq!(open.pop(), Some(c), "{expression}: {c} closes nothing"),
            _ => {}
        }
    }
    assert!(open.is_empty() && !quoted, "{expression}: something stays open");
}

fn known(expression: &str, name: &str, matchers: &str) -> String {
    let (base, suffix) = ["_bucket", "_sum", "_count"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix).map(|base| (base, *suffix)))
        .unwrap_or((name, ""));
    let measure = measure(base).unwrap_or_else(|| panic!("{expression}: there is no {name}"));
    assert_eq!(
        measure.kind == Kind::Histogram,
        !suffix.is_empty(),
        "{expression}: {name}"
    );
    for matcher in matchers
        .split(',')
        .map(str::trim)
        .filter(|matcher| !matcher.is_empty())
    {
        let (label, value) = matcher
            .split_once('=')
            .unwrap_or_else(|| panic!("{expression}: {matcher}"));
        let label = label.trim_end_matches('!');
        let value = value.trim_start_matches('~').trim_matches('"');
        // Prometheus adds it.
        if label == "instance" {
            continue;
        }
        let label = measure.labels.iter().find(|known| known.name == label);
        let label = label.unwrap_or_else(|| panic!("{expression}: {name} has no label for {matcher}"));
        if let Values::Of(values) = label.values {
            for value in value.split('|') {
                assert!(
                    values().contains(&value),
                    "{expression}: {name} has no {}={value}",
                    label.name
                );
            }
        }
    }
    base.to_owned()
}

#[test]
fn names_and_labels_are_looked_up() {
    let found = metrics_of(
        "sum(rate(inq_claim_seconds_bucket{instance=\"a\"}[5m])) / on () max by (part) (inq_ready)",
    );
    assert_eq!(
        found,
        BTreeSet::from(["inq_claim_seconds".to_owned(), "inq_ready".to_owned()])
    );
    for wrong in [
        "inq_claimed_total",
        "inq_claim_seconds",
        "summe(inq_expired_total)",
        "rate(inq_expired[5m])",
        "inq_dispatched_total{urgency=\"4\"}",
        "inq_dispatched_total{priority=~\"3|5\"}",
        "sum(inq_ready",
        "sum(inq_ready]",
    ] {
        assert!(std::panic::catch_unwind(|| metrics_of(wrong)).is_err(), "{wrong}");
    }
}
