//! What a publisher tells of its work: a few metrics a claim, none a row; and of each row what its trace asks for.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::alerts::{Alerts, Failed};
use crate::bus::Outcome;
use crate::measures;
use crate::schedule::SEND_TIME_RULES;
use crate::store::{Claimed, ClaimedRow, PublishFailure, StoreError};
use crate::telemetry::{Doing, Done, Traces};

/// What the database answered to a claim that was begun then.
pub(super) fn claimed(answer: &Result<Claimed, StoreError>, begun: Instant) {
    let Ok(claimed) = answer else { return };
    metrics::counter!(measures::EXPIRED.name).increment(claimed.expired);
    for rule in SEND_TIME_RULES {
        let count = claimed.withheld.iter().filter(|by| **by == rule).count();
        if count > 0 {
            metrics::counter!(measures::WITHHELD.name, "rule" => rule).increment(count as u64);
        }
    }
    if let Some(claim) = &claimed.claim {
        metrics::histogram!(measures::CLAIM_SECONDS.name).record(begun.elapsed());
        #[allow(clippy::cast_precision_loss)] // at most 3000
        metrics::histogram!(measures::CLAIM_ROWS.name).record(claim.rows.len() as f64);
    }
}

/// What became of publishing that was begun then.
pub(super) fn published(outcome: &Outcome, begun: Instant) {
    metrics::histogram!(measures::PUBLISH_SECONDS.name).record(begun.elapsed());
    let outcome = match outcome {
        Outcome::Published => measures::PUBLISHED,
        Outcome::NotPublished { .. } => measures::NOT_PUBLISHED,
        Outcome::Unknown(_) => measures::UNKNOWN,
        Outcome::Partly { .. } => measures::PARTLY,
    };
    metrics::counter!(measures::PUBLISHES.name, "outcome" => outcome).increment(1);
}

/// These rows, in the order of their claim, were published at `now`, by the database's clock.
pub(super) fn sent<'a>(rows: impl IntoIterator<Item = &'a ClaimedRow>, now: DateTime<Utc>) {
    // By priority: how many, the shortest and the longest wait.
    let mut waits: [Option<(u64, Duration, Duration)>; 5] = [None; 5];
    for row in rows {
        let wait = (now - row.scheduled_at.max(row.created_at))
            .to_std()
            .unwrap_or_default();
        let of_priority = &mut waits[usize::from(row.priority.get())];
        let (count, shortest, longest) = of_priority.unwrap_or((0, wait, wait));
        *of_priority = Some((count + 1, shortest.min(wait), longest.max(wait)));
    }
    for (priority, waits) in ["0", "1", "2", "3", "4"].into_iter().zip(waits) {
        let Some((count, shortest, longest)) = waits else {
            continue;
        };
        metrics::counter!(measures::DISPATCHED.name, "priority" => priority).increment(count);
        let seconds = metrics::histogram!(measures::EVENT_TO_REQUEST_SECONDS.name, "priority" => priority);
        seconds.record(longest);
        if count > 1 {
            seconds.record(shortest);
        }
    }
}

/// These rows were published, since `begun`.
pub(super) fn traced<'a>(rows: impl IntoIterator<Item = &'a ClaimedRow>, begun: Instant, traces: &Traces) {
    let published = rows.into_iter().map(|row| done(row, "published"));
    traces.tell(Doing::Dispatch, begun, published);
}

fn done<'a>(row: &'a ClaimedRow, outcome: &'static str) -> Done<'a> {
    Done {
        traceparent: row.traceparent.as_deref(),
        event_id: Some(&row.event_id),
        notification_id: Some(row.id),
        attempt: Some(row.attempt),
        outcome,
        fault: None,
    }
}

/// The broker has refused this row's request.
pub(super) fn refused(
    row: &ClaimedRow,
    failure: &PublishFailure,
    begun: Instant,
    alerts: &Alerts,
    traces: &Traces,
) {
    let refused = Done {
        fault: Some(&failure.error),
        ..done(row, "refused")
    };
    traces.tell(Doing::Dispatch, begun, [refused]);
    metrics::counter!(measures::PUBLISH_FAILURES.name).increment(1);
    if failure.retry_in.is_some() {
        metrics::counter!(measures::RETRIES.name, "by" => measures::BY_BROKER).increment(1);
    } else {
        let priority = row.priority.as_str();
        metrics::counter!(measures::FINAL_FAILURES.name, "priority" => priority, "by" => measures::BY_BROKER)
            .increment(1);
        alerts.failed(&Failed {
            notification_id: row.id,
            user_id: row.user_id,
            priority: row.priority,
            attempt: row.attempt,
            error: &failure.error,
        });
    }
}

/// A claim that was to be ended since then is ended.
pub(super) fn ended(begun: Instant) {
    metrics::histogram!(measures::SETTLE_SECONDS.name).record(begun.elapsed());
}
