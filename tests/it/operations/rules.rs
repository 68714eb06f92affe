//! `alerts.yml` is what Prometheus takes, asks for metrics that there are, and leads to the runbook.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::document;
use super::promql::metrics_of;
use super::runbook::sections;
use crate::operations::documents;

/// As `promtool check rules` reads it: what it does not know is an error.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    alert: String,
    expr: String,
    r#for: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

fn rules() -> Vec<Rule> {
    let rules: Rules = serde_saphyr::from_str(&document("alerts.yml")).expect("alert rules");
    let names: BTreeSet<_> = rules.groups.iter().map(|group| &group.name).collect();
    assert_eq!(names.len(), rules.groups.len(), "two groups have one name");
    rules.groups.into_iter().flat_map(|group| group.rules).collect()
}

#[test]
fn every_rule_asks_for_metrics_that_there_are() {
    let rules = rules();
    assert!(rules.len() > 10);
    for rule in &rules {
        let metrics = metrics_of(&rule.expr);
        assert!(!metrics.is_empty(), "{}", rule.alert);
    }
}

#[test]
fn every_rule_says_how_bad_it_is_and_what_to_do() {
    let mut names = BTreeSet::new();
    for rule in rules() {
        let name = &rule.alert;
        assert!(names.insert(name.clone()), "{name} comes twice");
        assert!(
            name.starts_with("Inq") && name.chars().all(char::is_alphanumeric),
            "{name}"
        );
        let unit = rule.r#for.trim_start_matches(|c: char| c.is_ascii_digit());
        assert!(
            ["s", "m", "h"].contains(&unit) && unit.len() < rule.r#for.len(),
            "{name}: {}",
            rule.r#for
        );
        assert!(
            ["warning", "critical"].contains(&rule.labels["severity"].as_str()),
            "{name}"
        );
        assert_eq!(rule.labels.len(), 1, "{name}");
        let annotations: Vec<_> = rule.annotations.keys().map(String::as_str).collect();
        assert_eq!(annotations, ["description", "runbook", "summary"], "{name}");
        assert!(
            rule.annotations.values().all(|text| !text.trim().is_empty()),
            "{name}"
        );
        // A template that names a label which the expression drops would show nothing.
        for label in rule
            .annotations
            .values()
            .flat_map(|text| text.split("$labels.").skip(1))
        {
            let label: String = label.chars().take_while(char::is_ascii_lowercase).collect();
            let kept = rule.expr.split(" by (").skip(1).any(|by| {
                by.split(')')
                    .next()
                    .is_some_and(|by| by.split(", ").any(|kept| kept == label))
            });
            assert!(kept, "{name}: {label} is not in the result of {}", rule.expr);
        }
    }
}

#[test]
fn every_rule_has_its_section_in_the_runbook_and_the_other_way_round() {
    let sections = sections();
    let mut led_to = BTreeSet::new();
    for rule in rules() {
        let (file, anchor) = rule.annotations["runbook"].split_once('#').expect("an anchor");
        assert_eq!(file, "docs/operations/runbook.md");
        assert_eq!(anchor, rule.alert.to_lowercase());
        assert!(
            sections.contains_key(anchor),
            "the runbook has no section {}",
            rule.alert
        );
        led_to.insert(anchor.to_owned());
    }
    let of_alerts = sections.into_keys().filter(|anchor| anchor.starts_with("inq"));
    assert_eq!(of_alerts.collect::<BTreeSet<_>>(), led_to);
    assert!(documents().join("runbook.md").is_file());
}
