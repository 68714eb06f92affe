//! `dashboard.json` is what Grafana imports, and asks for metrics that there are.

use std::collections::BTreeSet;

use inq::measures::ALL;
use serde_json::Value;

use super::document;
use super::promql::metrics_of;

fn dashboard() -> Value {
    serde_json::from_str(&document("dashboard.json")).expect("JSON")
}

/// An expression as Grafana sends it.
fn filled(expression: &str) -> String {
    expression
        .replace("$__rate_interval", "5m")
        .replace("$instance", ".*")
}

#[test]
fn every_panel_asks_for_metrics_that_there_are() {
    let dashboard = dashboard();
    let mut asked = BTreeSet::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        if panel["type"] == "row" {
            continue;
        }
        let title = panel["title"].as_str().expect("a title");
        assert!(panel["description"].is_string(), "{title}");
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        let targets = panel["targets"].as_array().expect("targets");
        assert!(!targets.is_empty(), "{title}");
        for target in targets {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{title}");
            asked.extend(metrics_of(&filled(
                target["expr"].as_str().expect("an expression"),
            )));
        }
    }
    // It shows all there is.
    let all: BTreeSet<_> = ALL
        .into_iter()
        .flat_map(|(_, measures)| measures)
        .map(|measure| measure.name.to_owned())
        .collect();
    assert_eq!(asked, all);
}

#[test]
fn it_can_be_imported_anywhere() {
    let dashboard = dashboard();
    assert!(dashboard["schemaVersion"].as_i64() >= Some(39));
    // Given by the Grafana that imports it.
    assert!(dashboard.get("id").is_none());
    let variables = dashboard["templating"]["list"].as_array().expect("variables");
    assert_eq!(
        (&variables[0]["name"], &variables[0]["type"]),
        (&"datasource".into(), &"datasource".into())
    );
    assert_eq!(variables[0]["query"], "prometheus");
    assert_eq!(variables[1]["name"], "instance");

    let panels = dashboard["panels"].as_array().expect("panels");
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_i64()).collect();
    assert_eq!(ids.len(), panels.len());
    let place = |panel: &Value, name: &str| panel["gridPos"][name].as_i64().expect("a number");
    for (index, panel) in panels.iter().enumerate() {
        assert!(place(panel, "x") + place(panel, "w") <= 24, "{panel}");
        for other in &panels[..index] {
            let apart = |start: &str, length: &str| {
                place(panel, start) >= place(other, start) + place(other, length)
                    || place(other, start) >= place(panel, start) + place(panel, length)
            };
            assert!(
                apart("x", "w") || apart("y", "h"),
                "{} lies on {}",
                panel["title"],
                other["title"]
            );
        }
    }
    let rows: Vec<_> = panels
        .iter()
        .filter(|panel| panel["type"] == "row")
        .map(|row| row["title"].as_str().expect("a title"))
        .collect();
    assert_eq!(
        rows,
        ["Overview", "Ingest", "Dispatch", "Feedback", "Queue", "Process"]
    );
}
