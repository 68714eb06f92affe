//! What is ours and done for each notification, one step at a time: `cargo bench`.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use inq::bus::Record;
use inq::config::Settings;
use inq::contract::IncentiveEvent;
use inq::dispatch::encode;
use inq::ingest::Planner;
use inq::localize::Words;
use inq::store::ClaimedRow;
use serde_json::value::RawValue;

/// Events of `schemas/examples`: the smallest, a usual one, one that brings its own words.
const EVENTS: [&str; 3] = ["minimal", "point_earning", "literal_text"];
const MAX_BYTES: usize = 262_144;

fn payload(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/examples/event/valid");
    std::fs::read(folder.join(name).with_extension("json")).expect("an example")
}

fn planner() -> Planner {
    let settings = Settings::from_toml("").expect("the defaults");
    Planner {
        words: Arc::new(Words::open(None, "en").expect("the built-in catalogues")),
        defaults: settings.defaults,
        quiet: (&settings.quiet).into(),
        half_life: settings.best_time.half_life,
        max_event_bytes: MAX_BYTES,
    }
}

fn record(payload: Vec<u8>) -> Record {
    Record {
        topic: "incentive.events".to_owned(),
        partition: 0,
        offset: 0,
        key: None,
        payload: Some(payload),
        headers: Vec::new(),
        timestamp: DateTime::from_timestamp(1_750_000_000, 0),
    }
}

fn claimed(planner: &Planner, record: &Record) -> ClaimedRow {
    let row = planner
        .plan(record, Utc::now())
        .expect("an event")
        .expect("no cancel")
        .row;
    ClaimedRow {
        id: 1,
        attempt: 1,
        event_id: row.event_id,
        user_id: row.user_id,
        incentive_type: row.incentive_type,
        notification_type: row.notification_type,
        priority: row.priority,
        message_title: row.message_title,
        message_body: row.message_body,
        language: row.language,
        variant: row.variant,
        incentive_data: RawValue::from_string(row.incentive_data).expect("an object"),
        scheduled_at: row.occurred_at,
        expires_at: row.expires_at,
        created_at: row.occurred_at,
        traceparent: row.traceparent,
    }
}

fn hot_path(criterion: &mut Criterion) {
    let planner = planner();
    for name in EVENTS {
        let payload = payload(name);
        let record = record(payload.clone());
        let row = claimed(&planner, &record);
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::from_parameter("decode"), |bencher| {
            bencher.iter(|| IncentiveEvent::decode(Some(black_box(&payload)), MAX_BYTES));
        });
        group.bench_function(BenchmarkId::from_parameter("decode and plan"), |bencher| {
            bencher.iter(|| planner.plan(black_box(&record), Utc::now()));
        });
        group.bench_function(BenchmarkId::from_parameter("encode"), |bencher| {
            bencher.iter(|| encode(black_box(&row), Utc::now()));
        });
        group.finish();
    }
}

criterion_group!(benches, hot_path);
criterion_main!(benches);
