//! Results: a verdict about any row that there can be, or a dead letter.

use chrono::{DateTime, Datelike, Utc};
use inq::config::Settings;
use inq::contract::{DeliveryResult, IncentiveType, Priority, time};
use inq::feedback::decide::{Rules, decide};
use inq::schedule::RetryPolicy;
use inq::store::{Preferences, Standing, Status, Verdict};
use serde_json::{Map, Value, json};

use super::{MAX_BYTES, is_put_aside, noon, record};

/// Any value of a record on the results topic.
pub fn check(payload: &[u8]) {
    let result = match DeliveryResult::decode(Some(payload), MAX_BYTES) {
        Ok(result) => result,
        Err(rejection) => return is_put_aside(&record(Some(payload.to_vec()), Vec::new()), &rejection),
    };
    reads_back(&result);
    let settings = Settings::from_toml("quiet.hours = \"12:00-11:00\"\nquiet.ignore_from_priority = 5")
        .expect("settings");
    let rules = Rules {
        retry: RetryPolicy::from(&settings.retry),
        quiet: (&settings.quiet).into(),
        preferences: Preferences::new(),
        half_life: settings.best_time.half_life,
    };
    judged(decide(None, &result, &rules), &result, payload);
    for mut row in rows(&result) {
        let before = row.clone();
        let verdict = decide(Some(&mut row), &result, &rules);
        if matches!(verdict, Verdict::Applied { .. }) {
            is_kept(&before, &row);
        } else {
            assert_eq!(row, before, "changed without saying so");
        }
        judged(verdict, &result, payload);
    }
}

/// What was read can be written, and is read as the same.
fn reads_back(result: &DeliveryResult) {
    let written = json!({
        "notification_id": result.notification_id,
        "attempt": result.attempt,
        "user_id": result.user_id,
        "status": result.status.as_str(),
        "occurred_at": time::format(&result.occurred_at),
        "retryable": result.retryable,
        "error_code": result.error_code,
        "error_message": result.error_message,
        "retry_after_s": result.retry_after_s,
        "device_type": result.device_type,
        "user_timezone": result.user_timezone,
        "channel": result.channel,
    });
    let again = DeliveryResult::decode(Some(written.to_string().as_bytes()), usize::MAX);
    assert_eq!(again.as_ref(), Ok(result));
}

/// Rows in every state, the result's own and others.
fn rows(result: &DeliveryResult) -> Vec<Standing> {
    let earliest = DateTime::from_timestamp_millis(0).expect("a time");
    let mut rows = Vec::new();
    for status in Status::ALL {
        for attempts in [
            0,
            result.attempt.saturating_sub(1),
            result.attempt,
            result.attempt.saturating_add(1),
        ] {
            for (user_id, seen) in [
                (result.user_id, None),
                (result.user_id, Some(noon())),
                (7, Some(earliest)),
            ] {
                rows.push(Standing {
                    now: noon(),
                    id: result.notification_id,
                    user_id,
                    incentive_type: IncentiveType::StreakReward,
                    priority: Priority::MAX,
                    attempts,
                    created_at: noon(),
                    sent_at: seen,
                    device_type: Some("ios".to_owned()),
                    timezone: None,
                    traceparent: None,
                    expires_at: None,
                    cancel_requested_at: seen,
                    status,
                    scheduled_at: noon(),
                    delivered_at: seen,
                    opened_at: None,
                    clicked_at: None,
                    dismissed_at: None,
                    last_error: None,
                    metrics: Map::new(),
                    opening: None,
                });
            }
        }
    }
    rows
}

/// Every column can hold what the row came to be.
fn is_kept(before: &Standing, row: &Standing) {
    assert_eq!(
        (row.id, row.user_id, row.attempts, row.now),
        (before.id, before.user_id, before.attempts, before.now)
    );
    let moments: [Option<DateTime<Utc>>; 5] = [
        Some(row.scheduled_at),
        row.delivered_at,
        row.opened_at,
        row.clicked_at,
        row.dismissed_at,
    ];
    for time in moments.into_iter().flatten() {
        assert!((1970..=9999).contains(&time.year()), "{time}");
    }
    if row.status == Status::Pending {
        assert!(row.scheduled_at > row.now, "tried again at once");
    }
    assert!(Value::Object(row.metrics.clone()).to_string().len() < 4096);
}

fn judged(verdict: Verdict, result: &DeliveryResult, payload: &[u8]) {
    match verdict {
        Verdict::Applied { detail, .. } => {
            // Each character is six bytes at most: an escape, or four of UTF-8.
            assert!(Value::Object(detail).to_string().len() < 16 * 1024);
        }
        Verdict::Ignored(why) => assert!(!why.is_empty()),
        Verdict::NotYet => assert_eq!(result.status.as_str(), "failed"),
        Verdict::Rejected(rejection) => is_put_aside(&record(Some(payload.to_vec()), Vec::new()), &rejection),
    }
}
