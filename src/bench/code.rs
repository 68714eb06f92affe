//! What is ours alone, without any server: an event is decoded and planned, and its request encoded.

use std::hint::black_box;
use std::time::{Duration, Instant};

use chrono::Utc;
use serde_json::value::RawValue;

use super::ingest::{planned, record};
use super::report::{Bound, Report};
use super::{Bench, BenchError, per_second};
use crate::bus::Record;
use crate::dispatch::encode;
use crate::store::{ClaimedRow, NewNotification};

const PART: &str = "code";
/// Events of the load that take turns.
const EVENTS: u64 = 1000;
/// How long one measurement takes.
const TIME: Duration = Duration::from_secs(2);
/// What one thread should reach.
const ENOUGH: f64 = 150_000.0;

pub(super) fn measure(bench: &Bench<'_>, report: &mut Report) -> Result<(), BenchError> {
    let records: Vec<Record> = (0..EVENTS).map(|number| record("code", number)).collect();
    let rows = planned(bench, "code", EVENTS)?
        .into_iter()
        .map(claimed)
        .collect::<Result<Vec<_>, _>>()?;
    let (mut plans, mut encodes, mut both) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=bench.extent.rounds {
        bench.now(format!("code {round}/{}", bench.extent.rounds));
        let plan = each_second(&records, |record| {
            black_box(bench.planner.plan(black_box(record), Utc::now()).is_ok());
        });
        let encode = each_second(&rows, |row| {
            black_box(encode(black_box(row), Utc::now()).is_ok());
        });
        plans.push(plan);
        encodes.push(encode);
        both.push(1.0 / (1.0 / plan + 1.0 / encode));
    }
    report.figure(PART, "decode and plan, one thread", &plans, "events/s");
    report.figure(PART, "encode, one thread", &encodes, "requests/s");
    report.figure(PART, "decode, plan and encode, one thread", &both, "events/s");
    let enough = vec![ENOUGH; both.len()];
    report.ratio(
        "decode, plan and encode / 150,000 a second",
        &both,
        &enough,
        Bound::AtLeast(1.0),
    );
    Ok(())
}

/// The row of an event, as a claim reads it.
fn claimed(row: NewNotification) -> Result<ClaimedRow, BenchError> {
    let unread = |fault: serde_json::Error| BenchError(format!("incentive_data is unreadable: {fault}"));
    Ok(ClaimedRow {
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
        incentive_data: RawValue::from_string(row.incentive_data).map_err(unread)?,
        scheduled_at: row.scheduled_at.unwrap_or(row.occurred_at),
        expires_at: row.expires_at,
        created_at: row.occurred_at,
        traceparent: row.traceparent,
    })
}

/// How many a second, one after the other.
fn each_second<T>(items: &[T], mut work: impl FnMut(&T)) -> f64 {
    let begun = Instant::now();
    let mut done = 0;
    while begun.elapsed() < TIME {
        items.iter().for_each(&mut work);
        done += items.len() as u64;
    }
    per_second(done, begun.elapsed())
}
