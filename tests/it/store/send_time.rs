//! Rules that are evaluated again when rows are claimed.

use chrono::{DateTime, Duration, DurationRound, Utc};
use inq::config::Settings;
use inq::contract::{IncentiveType, Preference, PreferenceChange};
use inq::schedule::{CapPolicy, SendTimePolicy};
use inq::store::{Claimant, Claimed, HistoryKind, NewNotification, Status};
use serde_json::json;

use super::{Bench, HOUR, due, events, now, on_every_database, row};

on_every_database! {
    what_has_waited_goes_to_nobody_who_has_opted_out,
    what_was_just_stored_is_not_looked_up,
    what_sql_has_written_is_evaluated_at_once,
    a_backlog_does_not_leave_in_quiet_hours,
    what_expires_in_quiet_hours_is_due_when_it_expires,
    what_is_to_be_erased_does_not_leave,
    what_is_withheld_makes_room_for_what_is_behind,
    a_digest_goes_by_the_wishes_of_its_user,
    a_failed_attempt_is_not_counted_when_it_is_deferred,
}

const ELSE: i64 = 7_400_001;

/// Quiet hours that began an hour ago and end in two, at a whole minute.
fn quiet() -> (SendTimePolicy, DateTime<Utc>) {
    let minute = now().duration_trunc(Duration::minutes(1)).expect("a minute");
    let end = minute + Duration::hours(2);
    let clock = |at: DateTime<Utc>| at.format("%H:%M").to_string();
    let hours = format!("{}-{}", clock(minute - Duration::hours(1)), clock(end));
    (rules(&format!("quiet.hours = \"{hours}\"")), end)
}

fn rules(toml: &str) -> SendTimePolicy {
    let settings = Settings::from_toml(toml).expect("settings");
    SendTimePolicy::new(
        (&settings.quiet).into(),
        CapPolicy::new(&settings.caps, &settings.quiet),
        settings.dispatch.recheck_after,
    )
}

fn of(user_id: i64, event: &str) -> NewNotification {
    NewNotification {
        user_id,
        ..row(event)
    }
}

impl Bench {
    async fn claim_by(&self, rules: &SendTimePolicy, limit: u32) -> Claimed {
        let claimed = self.store.claim_by(limit, HOUR, &Claimant::Plain, Some(rules));
        claimed.await.expect("an answer")
    }

    /// As if all rows had waited for two minutes.
    async fn time_passes(&self) {
        let earlier = (now() - Duration::minutes(2)).format("%Y-%m-%d %H:%M:%S%.3f");
        let text = format!("UPDATE incentive_notify_queue SET rules_evaluated_at = '{earlier}'");
        self.database.execute(&text).await;
    }

    async fn opt_out(&self, user_id: i64, more: &serde_json::Value) {
        let mut said = json!({
            "user_id": user_id, "updated_at": "2026-01-31T12:00:00Z", "opted_out_types": ["streak_reward"],
        });
        if let (Some(said), Some(more)) = (said.as_object_mut(), more.as_object()) {
            said.extend(more.clone());
        }
        let said = Preference::decode(Some(said.to_string().as_bytes()), 1000).expect("a preference");
        let change = PreferenceChange::from(said);
        self.store.change_preferences(&[change]).await.expect("changed");
    }
}

async fn what_has_waited_goes_to_nobody_who_has_opted_out(bench: Bench) {
    let other = NewNotification {
        incentive_type: IncentiveType::PointEarning,
        ..of(ELSE, "another type")
    };
    bench
        .insert(&[of(ELSE, "unwanted"), other, row("somebody else's")])
        .await;
    bench.opt_out(ELSE, &json!({})).await;
    bench.time_passes().await;

    let claimed = bench.claim_by(&rules(""), 10).await;
    assert_eq!(claimed.withheld, ["opted_out_types"]);
    let claim = claimed.claim.expect("a claim");
    assert_eq!(events(&claim), ["another type", "somebody else's"]);
    let unwanted = bench.row("unwanted").await;
    assert_eq!(
        (unwanted.status, unwanted.attempts, unwanted.claim_id),
        (Status::Suppressed, 0, None)
    );
    let history = bench.history("unwanted").await;
    assert_eq!((history.len(), history[0].attempt), (1, 0));
    assert_eq!(history[0].kind, HistoryKind::Suppressed);
    assert_eq!(history[0].detail["rule"], "opted_out_types");
    assert_eq!(history[0].detail["stage"], "dispatch");
    assert_eq!(history[0].detail["since"], "2026-01-31T12:00:00.000Z");
}

async fn what_was_just_stored_is_not_looked_up(bench: Bench) {
    bench.insert(&[of(ELSE, "fresh")]).await;
    bench.opt_out(ELSE, &json!({})).await;
    let claimed = bench.claim_by(&rules(""), 10).await;
    assert_eq!(events(&claimed.claim.expect("a claim")), ["fresh"]);

    bench.insert(&[of(ELSE, "always")]).await;
    let always = rules("dispatch.recheck_after = \"0s\"");
    assert_eq!(bench.claim_by(&always, 10).await.withheld, ["opted_out_types"]);
}

async fn what_sql_has_written_is_evaluated_at_once(bench: Bench) {
    bench.opt_out(ELSE, &json!({})).await;
    let text = format!(
        "INSERT INTO incentive_notify_queue (event_id, user_id, incentive_type, notification_type, message_title, \
         message_body, incentive_data, occurred_at, language) \
         VALUES ('by hand', {ELSE}, 'streak_reward', 89, 't', 'b', '{{}}', '2026-01-31 12:00:00.000', 'en')"
    );
    bench.database.execute(&text).await;
    let claimed = bench.claim_by(&rules(""), 10).await;
    assert_eq!(claimed.withheld, ["opted_out_types"]);
    assert!(claimed.claim.is_none());
    assert_eq!(bench.row("by hand").await.status, Status::Suppressed);
}

async fn a_backlog_does_not_leave_in_quiet_hours(bench: Bench) {
    let (rules, end) = quiet();
    bench
        .insert(&[due("late", 1, 30), due("urgent", 3, 30), due("elsewhere", 1, 20)])
        .await;
    // There it is another hour.
    let zone = "UPDATE incentive_notify_queue SET timezone = 'Asia/Tokyo' WHERE event_id = 'elsewhere'";
    bench.database.execute(zone).await;
    bench.time_passes().await;
    let was_due = bench.row("late").await.scheduled_at;

    let claimed = bench.claim_by(&rules, 10).await;
    assert_eq!(claimed.withheld, ["quiet_hours"]);
    assert_eq!(events(&claimed.claim.expect("a claim")), ["urgent", "elsewhere"]);
    let late = bench.row("late").await;
    assert_eq!(
        (late.status, late.scheduled_at, late.attempts),
        (Status::Pending, end, 0)
    );
    let history = bench.history("late").await;
    assert_eq!((history.len(), history[0].kind), (1, HistoryKind::Held));
    let detail = &history[0].detail;
    assert_eq!(
        (&detail["rule"], &detail["stage"]),
        (&json!("quiet_hours"), &json!("dispatch"))
    );
    assert_eq!(detail["was_due_at"], inq::contract::time::format(&was_due));
    assert_eq!(detail["held_until"], inq::contract::time::format(&end));

    // It is due again, in hours that are not quiet any more.
    let due_now = now().format("%Y-%m-%d %H:%M:%S%.3f");
    let text =
        format!("UPDATE incentive_notify_queue SET scheduled_at = '{due_now}' WHERE event_id = 'late'");
    bench.database.execute(&text).await;
    let claimed = bench.claim_by(&self::rules(""), 10).await;
    assert_eq!(events(&claimed.claim.expect("a claim")), ["late"]);
}

async fn what_expires_in_quiet_hours_is_due_when_it_expires(bench: Bench) {
    let (rules, _) = quiet();
    let expires_at = now() + Duration::minutes(30);
    bench
        .insert(&[NewNotification {
            expires_at: Some(expires_at),
            ..row("short-lived")
        }])
        .await;
    bench.time_passes().await;
    assert_eq!(bench.claim_by(&rules, 10).await.withheld, ["quiet_hours"]);
    let row = bench.row("short-lived").await;
    assert_eq!((row.status, row.scheduled_at), (Status::Pending, expires_at));
}

async fn what_is_to_be_erased_does_not_leave(bench: Bench) {
    bench.insert(&[of(ELSE, "before")]).await;
    bench
        .store
        .request_forgetting(ELSE, "a test")
        .await
        .expect("asked");
    bench.time_passes().await;
    let claimed = bench.claim_by(&rules(""), 10).await;
    assert_eq!(claimed.withheld, ["erasure"]);
    assert!(claimed.claim.is_none());
    assert_eq!(bench.row("before").await.status, Status::Suppressed);
    assert_eq!(bench.history("before").await[0].detail["rule"], "erasure");
}

async fn what_is_withheld_makes_room_for_what_is_behind(bench: Bench) {
    let unwanted = (0..5).map(|number| NewNotification {
        user_id: ELSE,
        ..due(&format!("unwanted-{number}"), 1, 60)
    });
    let mut rows: Vec<_> = unwanted.collect();
    rows.push(due("behind", 1, 1));
    bench.insert(&rows).await;
    bench.opt_out(ELSE, &json!({})).await;
    bench.time_passes().await;
    let first = bench.claim_by(&rules(""), 3).await;
    assert_eq!((first.withheld.len(), first.claim.is_none()), (3, true));
    let second = bench.claim_by(&rules(""), 3).await;
    assert_eq!(second.withheld.len(), 2);
    assert_eq!(events(&second.claim.expect("a claim")), ["behind"]);
}

async fn a_digest_goes_by_the_wishes_of_its_user(bench: Bench) {
    let part = NewNotification {
        status: Status::Digested,
        digest_event_id: Some("digest-1".to_owned()),
        ..of(ELSE, "part")
    };
    bench.insert(&[of(ELSE, "digest-1"), part]).await;
    bench.opt_out(ELSE, &json!({})).await;
    bench.time_passes().await;
    assert_eq!(bench.claim_by(&rules(""), 10).await.withheld, ["opted_out_types"]);
    assert_eq!(bench.row("digest-1").await.status, Status::Suppressed);
    assert_eq!(bench.row("part").await.status, Status::Digested);
}

async fn a_failed_attempt_is_not_counted_when_it_is_deferred(bench: Bench) {
    let (rules, end) = quiet();
    bench.insert(&[row("tried")]).await;
    let text = "UPDATE incentive_notify_queue SET attempts = 2 WHERE event_id = 'tried'";
    bench.database.execute(text).await;
    bench.time_passes().await;
    let claimed = bench.claim_by(&rules, 10).await;
    assert!(claimed.claim.is_none());
    let tried = bench.row("tried").await;
    assert_eq!((tried.attempts, tried.scheduled_at), (2, end));
    assert_eq!(bench.history("tried").await[0].attempt, 2);
}
