use std::time::Duration;

use super::*;
use crate::config::Settings;
use crate::contract::{IncentiveType, Preference, Priority};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(seconds)
}

fn sent() -> Standing {
    Standing {
        now: at(1_000),
        id: 7,
        user_id: 42,
        incentive_type: IncentiveType::StreakReward,
        priority: Priority::MAX,
        attempts: 1,
        created_at: at(10),
        sent_at: Some(at(20)),
        device_type: Some("ios".to_owned()),
        timezone: None,
        traceparent: None,
        expires_at: None,
        cancel_requested_at: None,
        status: Status::Sent,
        scheduled_at: at(10),
        delivered_at: None,
        opened_at: None,
        clicked_at: None,
        dismissed_at: None,
        last_error: None,
        metrics: Map::new(),
        opening: None,
    }
}

fn result(status: ResultStatus) -> DeliveryResult {
    DeliveryResult {
        notification_id: 7,
        attempt: 1,
        user_id: 42,
        status,
        occurred_at: at(30),
        retryable: true,
        error_code: None,
        error_message: None,
        retry_after_s: None,
        device_type: None,
        user_timezone: Some("Europe/Berlin".to_owned()),
        channel: Some("push".to_owned()),
    }
}

fn policy() -> Rules {
    with_quiet_hours("")
}

fn with_quiet_hours(toml: &str) -> Rules {
    let retry = RetryPolicy {
        initial: Duration::from_mins(15),
        multiplier: 2.0,
        max_interval: Duration::from_hours(6),
        jitter: 0.0,
        max_attempts: 2,
    };
    let quiet = (&Settings::from_toml(toml).unwrap().quiet).into();
    Rules {
        retry,
        quiet,
        preferences: Preferences::new(),
        half_life: Duration::from_hours(720),
    }
}

fn kind(verdict: &Verdict) -> HistoryKind {
    match verdict {
        Verdict::Applied { kind, .. } => *kind,
        other => panic!("not applied: {other:?}"),
    }
}

fn reason_of(verdict: Verdict) -> Reason {
    match verdict {
        Verdict::Rejected(rejection) => rejection.reason,
        other => panic!("not rejected: {other:?}"),
    }
}

#[test]
fn a_retryable_failure_brings_the_row_back_after_the_retry_delay() {
    let mut row = sent();
    let verdict = decide(Some(&mut row), &result(ResultStatus::Failed), &policy());
    assert_eq!(kind(&verdict), HistoryKind::DeliveryFailed);
    assert_eq!((row.status, row.scheduled_at), (Status::Pending, at(1_900)));
}

#[test]
fn the_service_may_ask_for_a_longer_delay() {
    let mut row = sent();
    let asked = DeliveryResult {
        retry_after_s: Some(5_000),
        ..result(ResultStatus::Failed)
    };
    let _ = decide(Some(&mut row), &asked, &policy());
    assert_eq!(row.scheduled_at, at(6_000));
}

#[test]
fn the_last_attempt_and_a_final_failure_fail_the_row() {
    let mut last = Standing {
        attempts: 2,
        ..sent()
    };
    let second = DeliveryResult {
        attempt: 2,
        ..result(ResultStatus::Failed)
    };
    let verdict = decide(Some(&mut last), &second, &policy());
    assert_eq!(kind(&verdict), HistoryKind::DeliveryFailedFinally);
    assert_eq!(last.status, Status::Failed);

    let mut row = sent();
    let bounced = DeliveryResult {
        retryable: false,
        error_code: Some("bounced".to_owned()),
        error_message: Some("no such mailbox".to_owned()),
        ..result(ResultStatus::Failed)
    };
    let verdict = decide(Some(&mut row), &bounced, &policy());
    assert_eq!(kind(&verdict), HistoryKind::DeliveryFailedFinally);
    assert_eq!(row.last_error.as_deref(), Some("bounced: no such mailbox"));
}

#[test]
fn a_repeat_changes_nothing() {
    for status in [
        ResultStatus::Delivered,
        ResultStatus::Failed,
        ResultStatus::Opened,
        ResultStatus::Clicked,
        ResultStatus::Dismissed,
    ] {
        let mut row = sent();
        let first = decide(Some(&mut row), &result(status), &policy());
        assert!(matches!(first, Verdict::Applied { .. }), "{status:?}");
        let before = row.clone();
        let again = decide(Some(&mut row), &result(status), &policy());
        assert_eq!(again, Verdict::Ignored(REPEAT), "{status:?}");
        assert_eq!(row, before);
    }
}

#[test]
fn a_result_of_an_earlier_attempt_changes_nothing() {
    let mut row = Standing {
        attempts: 2,
        ..sent()
    };
    let before = row.clone();
    for status in [
        ResultStatus::Delivered,
        ResultStatus::Failed,
        ResultStatus::Opened,
    ] {
        assert_eq!(
            decide(Some(&mut row), &result(status), &policy()),
            Verdict::Ignored(LATE)
        );
        assert_eq!(row, before);
    }
}

#[test]
fn a_failure_after_the_user_was_reached_changes_nothing() {
    for status in [
        ResultStatus::Delivered,
        ResultStatus::Opened,
        ResultStatus::Dismissed,
    ] {
        let mut row = sent();
        let _ = decide(Some(&mut row), &result(status), &policy());
        let before = row.clone();
        let late = decide(Some(&mut row), &result(ResultStatus::Failed), &policy());
        assert_eq!(late, Verdict::Ignored(LATE));
        assert_eq!(row, before);
    }
}

#[test]
fn a_failure_that_overtakes_the_settling_waits_and_a_delivery_does_not() {
    let mut row = Standing {
        status: Status::Processing,
        sent_at: None,
        ..sent()
    };
    let before = row.clone();
    assert_eq!(
        decide(Some(&mut row), &result(ResultStatus::Failed), &policy()),
        Verdict::NotYet
    );
    assert_eq!(row, before);
    let _ = decide(Some(&mut row), &result(ResultStatus::Delivered), &policy());
    assert_eq!((row.status, row.delivered_at), (Status::Processing, Some(at(30))));
}

#[test]
fn a_delivery_reported_after_a_failure_of_the_same_attempt_calls_the_retry_off() {
    let mut row = sent();
    let _ = decide(Some(&mut row), &result(ResultStatus::Failed), &policy());
    let verdict = decide(Some(&mut row), &result(ResultStatus::Delivered), &policy());
    assert_eq!(kind(&verdict), HistoryKind::Delivered);
    assert_eq!(row.status, Status::Sent);
}

#[test]
fn a_failed_row_stays_failed() {
    let mut row = Standing {
        status: Status::Failed,
        ..sent()
    };
    let before = row.clone();
    for status in [
        ResultStatus::Delivered,
        ResultStatus::Failed,
        ResultStatus::Clicked,
    ] {
        assert!(matches!(
            decide(Some(&mut row), &result(status), &policy()),
            Verdict::Ignored(_)
        ));
        assert_eq!(row, before);
    }
}

#[test]
fn delivery_is_measured_from_creation() {
    let mut row = sent();
    let _ = decide(Some(&mut row), &result(ResultStatus::Delivered), &policy());
    assert_eq!(
        Value::Object(row.metrics),
        serde_json::json!({
            "delivery_time": 20.0,
            "engagement_score": 20,
            "device_type": "ios",
            "user_timezone": "Europe/Berlin",
            "channel": "push",
        })
    );
}

#[test]
fn what_was_never_sent_is_a_dead_letter() {
    let delivered = result(ResultStatus::Delivered);
    assert_eq!(
        reason_of(decide(None, &delivered, &policy())),
        Reason::UnknownNotification
    );
    let mut others = Standing {
        user_id: 43,
        ..sent()
    };
    assert_eq!(
        reason_of(decide(Some(&mut others), &delivered, &policy())),
        Reason::UnknownNotification
    );
    let future = DeliveryResult {
        attempt: 2,
        ..delivered
    };
    assert_eq!(
        reason_of(decide(Some(&mut sent()), &future, &policy())),
        Reason::UnknownAttempt
    );
}

#[test]
fn another_attempt_does_not_come_in_quiet_hours() {
    // Due at 00:31:40 UTC, which is 01:31:40 in Berlin.
    let rules = with_quiet_hours("quiet.hours = \"22:00-07:00\"");
    let mut row = Standing {
        priority: Priority::new(1).unwrap(),
        timezone: Some("Europe/Berlin".to_owned()),
        ..sent()
    };
    let Verdict::Applied { detail, .. } = decide(Some(&mut row), &result(ResultStatus::Failed), &rules)
    else {
        panic!("not applied");
    };
    assert_eq!(row.scheduled_at, at(6 * 3600));
    assert_eq!(detail["retry_at"], "1970-01-01T06:00:00.000Z");
    assert_eq!(detail["held"]["due_at"], "1970-01-01T00:31:40.000Z");

    let mut urgent = sent();
    let _ = decide(Some(&mut urgent), &result(ResultStatus::Failed), &rules);
    assert_eq!(urgent.scheduled_at, at(1_000 + 900), "the urgent is not held");
}

#[test]
fn who_has_opted_out_meanwhile_gets_no_other_attempt() {
    let mut rules = policy();
    let said = r#"{"user_id":42,"opted_out_types":["point_earning"],"updated_at":"2026-01-01T00:00:00Z"}"#;
    let preference = Preference::decode(Some(said.as_bytes()), 10_000).unwrap();
    rules.preferences.insert(42, preference);
    for (incentive_type, status, expected) in [
        (
            IncentiveType::PointEarning,
            Status::Failed,
            HistoryKind::DeliveryFailedFinally,
        ),
        (
            IncentiveType::StreakReward,
            Status::Pending,
            HistoryKind::DeliveryFailed,
        ),
    ] {
        let mut row = Standing {
            incentive_type,
            ..sent()
        };
        let verdict = decide(Some(&mut row), &result(ResultStatus::Failed), &rules);
        assert_eq!((row.status, kind(&verdict)), (status, expected));
    }
}

#[test]
fn a_failure_brings_nothing_back_that_was_called_off_meanwhile() {
    let mut row = Standing {
        cancel_requested_at: Some(at(25)),
        ..sent()
    };
    let bounced = DeliveryResult {
        error_code: Some("bounced".to_owned()),
        ..result(ResultStatus::Failed)
    };
    let verdict = decide(Some(&mut row), &bounced, &policy());
    assert_eq!(kind(&verdict), HistoryKind::Cancelled);
    assert_eq!((row.status, row.scheduled_at), (Status::Cancelled, at(10)));
    assert_eq!(row.last_error.as_deref(), Some("bounced"));
    let Verdict::Applied { detail, .. } = verdict else {
        panic!("not applied");
    };
    assert_eq!(
        (&detail["by"], &detail["requested_at"], &detail["error_code"]),
        (
            &"event".into(),
            &"1970-01-01T00:00:25.000Z".into(),
            &"bounced".into()
        )
    );
    // The same again finds it ended.
    assert_eq!(
        decide(Some(&mut row), &bounced, &policy()),
        Verdict::Ignored(REPEAT)
    );
    // One that was delivered after all is as delivered as any other.
    let mut row = Standing {
        cancel_requested_at: Some(at(25)),
        ..sent()
    };
    let verdict = decide(Some(&mut row), &result(ResultStatus::Delivered), &policy());
    assert_eq!(
        (kind(&verdict), row.status),
        (HistoryKind::Delivered, Status::Sent)
    );
}

#[test]
fn what_expires_before_its_next_attempt_ends_when_it_expires() {
    let mut row = Standing {
        expires_at: Some(at(1_500)),
        ..sent()
    };
    let verdict = decide(Some(&mut row), &result(ResultStatus::Failed), &policy());
    assert_eq!(kind(&verdict), HistoryKind::DeliveryFailed);
    assert_eq!((row.status, row.scheduled_at), (Status::Pending, at(1_500)));
    let Verdict::Applied { detail, .. } = verdict else {
        panic!("not applied");
    };
    assert_eq!(
        (&detail["retry_at"], &detail["expires_at"]),
        (
            &"1970-01-01T00:31:40.000Z".into(),
            &"1970-01-01T00:25:00.000Z".into()
        )
    );
}

proptest::proptest! {
    /// No attempt is due once its notification has expired, and the retry schedule decides alone where it does not.
    #[test]
    fn an_attempt_is_never_due_after_the_expiry(after in 1_000_i64..10_000, delay in 0_u64..10_000) {
        let mut row = Standing { expires_at: Some(at(after)), ..sent() };
        let asked = DeliveryResult { retry_after_s: Some(delay), ..result(ResultStatus::Failed) };
        let _ = decide(Some(&mut row), &asked, &policy());
        let due = 1_000 + i64::try_from(delay).unwrap().max(900);
        proptest::prop_assert_eq!(row.scheduled_at, at(due.min(after)));
        proptest::prop_assert_eq!(row.status, Status::Pending);
    }
}

#[test]
fn a_result_for_what_was_made_anonymous_changes_nothing_and_is_no_dead_letter() {
    let anonymous = Standing {
        user_id: NOBODY,
        ..sent()
    };
    for status in ResultStatus::ALL {
        let mut row = anonymous.clone();
        let of_another_attempt = DeliveryResult {
            attempt: 9,
            ..result(status)
        };
        for result in [result(status), of_another_attempt] {
            let verdict = decide(Some(&mut row), &result, &policy());
            assert_eq!(verdict, Verdict::Ignored(FORGOTTEN));
            assert_eq!(row, anonymous);
        }
    }
}

#[test]
fn the_first_opening_of_a_notification_is_learned_and_no_other() {
    let mut row = sent();
    for (status, learned) in [
        (ResultStatus::Delivered, false),
        (ResultStatus::Clicked, true),
        (ResultStatus::Opened, false),
        (ResultStatus::Clicked, false),
        (ResultStatus::Dismissed, false),
    ] {
        row.opening = None;
        let _verdict = decide(Some(&mut row), &result(status), &policy());
        assert_eq!(row.opening.is_some(), learned, "{status:?}");
    }
    let mut row = sent();
    let nothing = Rules {
        half_life: Duration::ZERO,
        ..policy()
    };
    let verdict = decide(Some(&mut row), &result(ResultStatus::Opened), &nothing);
    assert_eq!((kind(&verdict), row.opening), (HistoryKind::Opened, None));
}

#[test]
fn an_opening_is_of_the_zone_that_came_with_the_event_and_never_of_the_future() {
    for (of_event, learned) in [
        (Some("Asia/Tokyo"), Some("Asia/Tokyo")),
        (None, Some("Europe/Berlin")),
    ] {
        let mut row = Standing {
            timezone: of_event.map(str::to_owned),
            ..sent()
        };
        let ahead = DeliveryResult {
            occurred_at: at(5_000),
            ..result(ResultStatus::Opened)
        };
        let _verdict = decide(Some(&mut row), &ahead, &policy());
        let opening = row.opening.expect("an opening");
        assert_eq!((opening.at, opening.timezone.as_deref()), (row.now, learned));
    }
}
