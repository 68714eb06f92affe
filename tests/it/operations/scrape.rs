//! A scrape of a service that has done every kind of work, on real Kafka and MySQL.

use std::collections::BTreeSet;
use std::path::Path;

use inq::measures::{ALL, Values};
use serde_json::{Value, json};

use super::exposition::{Families, lint, read, total};
use super::measure;
use crate::household::{House, simple_event};
use crate::inq::{Service, eventually};

async fn scraped(service: &Service) -> Families {
    let (status, text) = service.get("/metrics").await.expect("an answer");
    assert_eq!(status, 200);
    read(&text).unwrap_or_else(|fault| panic!("{fault}\n{text}"))
}

/// A metric, the labels of those of its series that are added up, and their sum.
type Count<'a> = (&'a str, &'a [(&'a str, &'a str)], f64);

fn assert_counts(families: &Families, counts: &[Count<'_>]) {
    for (name, labels, expected) in counts {
        assert_eq!(
            total(families, name, labels),
            Some(*expected),
            "{name} {labels:?}"
        );
    }
}

/// What the list says, and nothing else.
fn assert_as_described(families: &Families) {
    let described: BTreeSet<_> = ALL
        .into_iter()
        .flat_map(|(_, measures)| measures)
        .map(|measure| measure.name)
        .collect();
    let found: BTreeSet<_> = families.keys().map(String::as_str).collect();
    assert_eq!(found, described);
    for (name, family) in families {
        let measure = measure(name).expect("described");
        assert_eq!(
            (family.kind.as_str(), family.help.as_str()),
            (measure.kind.as_str(), measure.help),
            "{name}"
        );
        for sample in &family.samples {
            let labels: BTreeSet<_> = sample
                .labels
                .keys()
                .map(String::as_str)
                .filter(|label| *label != "le")
                .collect();
            let expected: BTreeSet<_> = measure.labels.iter().map(|label| label.name).collect();
            assert_eq!(labels, expected, "{sample:?}");
            for label in measure.labels {
                if let Values::Of(values) = label.values {
                    assert!(
                        values().contains(&sample.labels[label.name].as_str()),
                        "{sample:?}"
                    );
                }
            }
        }
    }
}

/// Every kind of work: four events with two rows, a broken one, a retry, a final failure, a late result, one of nobody.
async fn every_kind_of_work(house: &House) {
    let event = |id: &str, more: Value| {
        let mut event = json!({ "event_id": id, "user_id": 42, "incentive_type": "streak_reward" });
        for (name, value) in more.as_object().expect("an object") {
            event[name] = value.clone();
        }
        event.to_string()
    };
    house.send_event(&event("urgent", json!({ "priority": 4 }))).await;
    let request = house.request(1).await;
    let one = event("one", json!({}));
    let klingon = event("klingon", json!({ "language": "tlh" }));
    for event in [&one, &one, &klingon, "broken"] {
        house.send_event(event).await;
    }
    house.request(3).await;
    let all_sent = async || house.status()["by_status"]["sent"] == 3;
    eventually("all is settled", all_sent).await;
    house
        .send_result(&request, "failed", json!({ "retryable": true }))
        .await;
    let again = house.request(4).await;
    eventually("it is settled", all_sent).await;
    house
        .send_result(&again, "failed", json!({ "retryable": false }))
        .await;
    house.send_result(&request, "delivered", json!({})).await;
    let nobody = json!({ "notification_id": 999_999, "attempt": 1, "user_id": 42 });
    house.send_result(&nobody, "delivered", json!({})).await;
    eventually("all is consumed", async || house.behind() == 0).await;
}

#[tokio::test]
async fn a_scrape_tells_what_has_happened() {
    let Some(house) = House::fresh().await else { return };
    let alerts = house.kafka.topic("alerts", 1).await;
    let house = house
        .with("INQ_RETRY__INITIAL", "300ms")
        .with("INQ_RETRY__JITTER", "0")
        .with("INQ_TOPICS__ALERTS", &alerts);
    let service = house.run(&[]).await;
    let begin = scraped(&service).await;
    assert_eq!(lint(&begin), Vec::<String>::new());
    assert_counts(
        &begin,
        &[
            ("inq_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0),
            ("inq_ready", &[("part", "database")], 1.0),
            ("inq_outages_total", &[], 0.0),
            ("inq_ingested_total", &[], 0.0),
            ("inq_dead_letters_total", &[("reason", "invalid_json")], 0.0),
            (
                "inq_final_failures_total",
                &[("priority", "4"), ("by", "service")],
                0.0,
            ),
        ],
    );
    every_kind_of_work(&house).await;
    eventually("the samplers have looked", async || {
        let families = scraped(&service).await;
        let failed = [("status", "failed"), ("priority", "4")];
        total(&families, "inq_queue_rows", &failed) == Some(1.0)
            && total(&families, "inq_alerts_total", &[("outcome", "written")]) == Some(1.0)
            && families.contains_key("inq_held_back_partitions")
    })
    .await;
    let (_, text) = service.get("/metrics").await.expect("an answer");
    // For whoever has Prometheus' own eyes: `promtool check metrics < target/tmp/metrics.prom`.
    let beside = Path::new(env!("CARGO_TARGET_TMPDIR")).join("metrics.prom");
    std::fs::write(beside, &text).expect("written");
    let families = read(&text).unwrap_or_else(|fault| panic!("{fault}\n{text}"));
    assert_eq!(lint(&families), Vec::<String>::new());
    assert_as_described(&families);
    assert_told(&families, &house);
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

/// After [`every_kind_of_work`].
fn assert_told(families: &Families, house: &House) {
    assert_counts(
        families,
        &[
            ("inq_ingested_total", &[], 3.0),
            ("inq_duplicates_total", &[], 1.0),
            ("inq_language_fallbacks_total", &[], 1.0),
            ("inq_dead_letters_total", &[("reason", "invalid_json")], 1.0),
            (
                "inq_dead_letters_total",
                &[("reason", "unknown_notification")],
                1.0,
            ),
            ("inq_dispatched_total", &[("priority", "4")], 2.0),
            ("inq_dispatched_total", &[("priority", "1")], 2.0),
            ("inq_results_total", &[("status", "failed")], 2.0),
            ("inq_results_ignored_total", &[("why", "late")], 1.0),
            ("inq_retries_total", &[("by", "service")], 1.0),
            (
                "inq_final_failures_total",
                &[("priority", "4"), ("by", "service")],
                1.0,
            ),
            ("inq_event_to_request_seconds_count", &[("priority", "4")], 2.0),
            ("inq_publishes_total", &[("outcome", "unknown")], 0.0),
            ("inq_claims_recovered_total", &[], 0.0),
            ("inq_queue_rows", &[("status", "sent")], 2.0),
            ("inq_queue_rows", &[], 3.0),
            ("inq_oldest_due_seconds", &[], 0.0),
            ("inq_consumer_lag_records", &[("topic", &house.events)], 0.0),
            ("inq_consumer_lag_records", &[("topic", &house.results)], 0.0),
            ("inq_claims_in_doubt", &[], 0.0),
            ("inq_held_back_partitions", &[], 0.0),
            ("inq_database_connections_max", &[], 13.0),
            ("inq_claim_rows_sum", &[], 4.0),
        ],
    );
    for name in [
        "inq_ingest_batch_seconds",
        "inq_claim_seconds",
        "inq_publish_seconds",
        "inq_settle_seconds",
        "inq_feedback_batch_seconds",
        "inq_event_to_request_seconds",
    ] {
        let sum = total(families, &format!("{name}_sum"), &[]).expect("a sum");
        assert!(sum > 0.0 && sum < 60.0, "{name}: {sum}");
    }
    let claims = total(families, "inq_claim_rows_count", &[]);
    let published = [("outcome", "published")];
    assert_eq!(claims, total(families, "inq_publishes_total", &published));
}

#[tokio::test]
async fn a_maintenance_that_comes_to_no_end_shows() {
    const FINISHED: &str = "inq_maintenance_last_run_timestamp_seconds";
    let Some(house) = House::fresh().await else { return };
    let service = house.run(&[]).await;
    house.send_event(&simple_event("old")).await;
    eventually("it is sent", async || house.status()["by_status"]["sent"] == 1).await;
    let by_itself = scraped(&service).await;
    assert_eq!(
        total(&by_itself, "inq_maintenance_interval_seconds", &[]),
        Some(3600.0)
    );
    assert!(service.terminate().await.success());

    for statement in [
        "UPDATE incentive_notify_queue SET scheduled_at = '2020-01-01', updated_at = '2020-01-01'",
        "RENAME TABLE incentive_notify_history TO away",
    ] {
        house.database.execute(statement).await;
    }
    // It may fail before anybody has seen it ready.
    let service = Service::start(&house.environment(), &["run", "--only", "maintain,http"]);
    eventually("it answers", async || service.get("/healthz").await.is_some()).await;
    eventually("it has failed", async || {
        total(&scraped(&service).await, "inq_ready", &[("part", "retention")]) == Some(0.0)
    })
    .await;
    let begun = total(&scraped(&service).await, FINISHED, &[]).expect("since when");
    house
        .database
        .execute("RENAME TABLE away TO incentive_notify_history")
        .await;
    eventually("it has come to its end", async || {
        let families = scraped(&service).await;
        total(&families, FINISHED, &[]).is_some_and(|finished| finished > begun)
            && total(&families, "inq_removed_total", &[("status", "sent")]) == Some(1.0)
    })
    .await;
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn a_process_tells_of_the_stages_that_it_runs() {
    let Some(house) = House::fresh().await else { return };
    let service = house.run(&["--only", "ingest,http"]).await;
    let families = scraped(&service).await;
    for (name, told) in [
        ("inq_ingested_total", true),
        ("inq_build_info", true),
        ("inq_dispatched_total", false),
        ("inq_results_total", false),
        ("inq_queue_rows", false),
    ] {
        assert_eq!(families.contains_key(name), told, "{name}");
    }
    assert!(service.terminate().await.success());
    house.database.drop().await;
}
