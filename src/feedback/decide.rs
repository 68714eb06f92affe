//! What a result does to its row: a pure function of the two.
//!
//! | result | row | then |
//! | --- | --- | --- |
//! | any | made anonymous: its user was forgotten | nothing: forgotten |
//! | any | unknown, or another user's | dead letter |
//! | any, attempt never made | any | dead letter |
//! | any, of an earlier attempt | any | nothing: late |
//! | any, seen before | any | nothing: repeat |
//! | failed | reached the user already | nothing: late |
//! | failed | `processing` | waits until the claim is settled |
//! | failed, retryable, attempts left, the type still wanted | `sent` | `pending`, due after the retry delay, or when it expires before |
//! | the same | `sent`, and a cancel came since | `cancelled` |
//! | failed otherwise | `sent` | `failed` |
//! | failed | anything else | nothing: repeat |
//! | delivered, opened, clicked, dismissed | `sent`, `processing` | noted |
//! | delivered, opened, clicked, dismissed | `pending` after a reported failure | noted, `sent`: no second attempt |
//! | delivered, opened, clicked, dismissed | anything else | nothing: late |

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::score::{Doings, score};
use crate::contract::{DeliveryResult, Reason, Rejection, ResultStatus, time};
use crate::measures::{FORGOTTEN, LATE, REPEAT};
use crate::schedule::{Leaving, Opening, QuietPolicy, RetryPolicy, spread};
use crate::store::{BY_EVENT, HistoryKind, NOBODY, Preferences, Standing, Status, Verdict};

/// When what has failed is tried again.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// After which delay.
    pub retry: RetryPolicy,
    /// And not in which hours.
    pub quiet: QuietPolicy,
    /// What readers want, as far as it bears on the results.
    pub preferences: Preferences,
    /// After so long what is learned of a reader's habit counts for half; zero: nothing is learned.
    pub half_life: Duration,
}

/// Decides a result, and changes `row` accordingly.
#[must_use]
pub fn decide(row: Option<&mut Standing>, result: &DeliveryResult, rules: &Rules) -> Verdict {
    let Some(row) = row else {
        return rejected(
            Reason::UnknownNotification,
            format!(
                "notification_id: there is no notification {}",
                result.notification_id
            ),
        );
    };
    if row.user_id == NOBODY {
        return Verdict::Ignored(FORGOTTEN);
    }
    if row.user_id != result.user_id {
        return rejected(
            Reason::UnknownNotification,
            format!(
                "user_id: notification {} is not for user {}",
                row.id, result.user_id
            ),
        );
    }
    if result.attempt > row.attempts {
        return rejected(
            Reason::UnknownAttempt,
            format!(
                "attempt: notification {} has had {} attempts, found {}",
                row.id, row.attempts, result.attempt
            ),
        );
    }
    if result.attempt < row.attempts {
        return Verdict::Ignored(LATE);
    }
    match result.status {
        ResultStatus::Failed => failed(row, result, rules),
        ResultStatus::Delivered => reached(row, result, rules, HistoryKind::Delivered, |row| {
            &mut row.delivered_at
        }),
        ResultStatus::Opened => reached(row, result, rules, HistoryKind::Opened, |row| &mut row.opened_at),
        ResultStatus::Clicked => reached(row, result, rules, HistoryKind::Clicked, |row| {
            &mut row.clicked_at
        }),
        ResultStatus::Dismissed => reached(row, result, rules, HistoryKind::Dismissed, |row| {
            &mut row.dismissed_at
        }),
    }
}

fn rejected(reason: Reason, detail: String) -> Verdict {
    Verdict::Rejected(Rejection::new(reason, detail))
}

fn failed(row: &mut Standing, result: &DeliveryResult, rules: &Rules) -> Verdict {
    let seen = [row.delivered_at, row.opened_at, row.clicked_at, row.dismissed_at];
    if seen.iter().any(Option::is_some) {
        return Verdict::Ignored(LATE);
    }
    match row.status {
        Status::Sent => {}
        Status::Processing => return Verdict::NotYet,
        _ => return Verdict::Ignored(REPEAT),
    }
    let mut detail = particulars(row, result);
    row.last_error = Some(reason(result));
    let asked = result.retry_after_s.map(Duration::from_secs);
    let preference = rules.preferences.get(&row.user_id);
    let opted_out = preference.is_some_and(|preference| preference.has_opted_out_of(row.incentive_type));
    let delay = (result.retryable && !opted_out)
        .then(|| {
            rules
                .retry
                .delay(row.attempts, asked, spread(row.id, row.attempts))
        })
        .flatten();
    let kind = if let (Some(_), Some(requested_at)) = (delay, row.cancel_requested_at) {
        row.status = Status::Cancelled;
        detail.insert("by".to_owned(), BY_EVENT.into());
        detail.insert("was".to_owned(), Status::Sent.as_str().into());
        detail.insert("requested_at".to_owned(), time::format(&requested_at).into());
        HistoryKind::Cancelled
    } else if let Some(delay) = delay {
        row.status = Status::Pending;
        row.scheduled_at = row.now + delay;
        let held = rules.quiet.hold(&Leaving {
            incentive_type: row.incentive_type,
            priority: row.priority,
            at: row.scheduled_at,
            timezone: row.timezone.as_deref(),
            preference,
        });
        if let Some(held) = held {
            row.scheduled_at = held.until;
            detail.insert("held".to_owned(), held.detail().into());
        }
        detail.insert("retry_at".to_owned(), time::format(&row.scheduled_at).into());
        if let Some(expires_at) = row.expires_at.filter(|at| *at <= row.scheduled_at) {
            detail.insert("expires_at".to_owned(), time::format(&expires_at).into());
            row.scheduled_at = expires_at;
        }
        HistoryKind::DeliveryFailed
    } else {
        row.status = Status::Failed;
        let why = match (result.retryable, opted_out) {
            (false, _) => "the service says that another attempt is of no use",
            (true, true) => "the user has opted out of such notifications",
            (true, false) => "attempts are used up",
        };
        detail.insert("final_because".to_owned(), why.into());
        HistoryKind::DeliveryFailedFinally
    };
    Verdict::Applied {
        kind,
        priority: row.priority,
        traceparent: row.traceparent.clone(),
        detail,
    }
}

fn reached(
    row: &mut Standing,
    result: &DeliveryResult,
    rules: &Rules,
    kind: HistoryKind,
    moment: impl Fn(&mut Standing) -> &mut Option<DateTime<Utc>>,
) -> Verdict {
    if moment(row).is_some() {
        return Verdict::Ignored(REPEAT);
    }
    let detail = particulars(row, result);
    match row.status {
        Status::Sent | Status::Processing => {}
        // The service had reported a failure of this very attempt, and now knows better: nobody is told twice.
        Status::Pending => row.status = Status::Sent,
        _ => return Verdict::Ignored(LATE),
    }
    let is_new_to_reader = row.opened_at.is_none() && row.clicked_at.is_none();
    *moment(row) = Some(result.occurred_at);
    if is_new_to_reader && matches!(kind, HistoryKind::Opened | HistoryKind::Clicked) {
        row.opening = opening(row, result, rules.half_life);
    }
    measure(row, result);
    Verdict::Applied {
        kind,
        priority: row.priority,
        traceparent: row.traceparent.clone(),
        detail,
    }
}

/// What is learned of the reader's habit. In which zone is a question of what comes with the events, for it is in theirs
/// that a moment is chosen; a clock that is ahead makes nothing new.
fn opening(row: &Standing, result: &DeliveryResult, half_life: Duration) -> Option<Opening> {
    (!half_life.is_zero()).then(|| Opening {
        at: result.occurred_at.min(row.now),
        timezone: row.timezone.clone().or_else(|| result.user_timezone.clone()),
        half_life,
    })
}

/// `metrics_data`: how long the delivery took, what it meant to its reader, and what the service tells of the device.
fn measure(row: &mut Standing, result: &DeliveryResult) {
    if let Some(delivered_at) = row.delivered_at {
        #[allow(clippy::cast_precision_loss)] // milliseconds between two times of this millennium
        let seconds = (delivered_at - row.created_at).num_milliseconds().max(0) as f64 / 1000.0;
        row.metrics.insert("delivery_time".to_owned(), seconds.into());
    }
    let doings = Doings {
        delivered_at: row.delivered_at,
        opened_at: row.opened_at,
        clicked_at: row.clicked_at,
        dismissed_at: row.dismissed_at,
    };
    if let Some(points) = score(&doings) {
        row.metrics.insert("engagement_score".to_owned(), points.into());
    }
    let device = result.device_type.as_ref().or(row.device_type.as_ref());
    let zone = result.user_timezone.as_ref().or(row.timezone.as_ref());
    for (name, value) in [
        ("device_type", device),
        ("user_timezone", zone),
        ("channel", result.channel.as_ref()),
    ] {
        if let Some(value) = value {
            row.metrics.insert(name.to_owned(), value.as_str().into());
        }
    }
}

fn reason(result: &DeliveryResult) -> String {
    match (&result.error_code, &result.error_message) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(only), None) | (None, Some(only)) => only.clone(),
        (None, None) => "the service gave no reason".to_owned(),
    }
}

fn particulars(row: &Standing, result: &DeliveryResult) -> Map<String, Value> {
    /// What the service says in a thousand words is in its own logs.
    const LONGEST: usize = 500;
    let mut detail = Map::new();
    detail.insert("occurred_at".to_owned(), time::format(&result.occurred_at).into());
    if let Some(sent_at) = &row.sent_at {
        detail.insert("published_at".to_owned(), time::format(sent_at).into());
    }
    for (name, value) in [
        ("error_code", &result.error_code),
        ("error_message", &result.error_message),
        ("channel", &result.channel),
    ] {
        if let Some(value) = value {
            let short: String = value.chars().take(LONGEST).collect();
            detail.insert(name.to_owned(), short.into());
        }
    }
    if let Some(seconds) = result.retry_after_s {
        detail.insert("retry_after_s".to_owned(), seconds.into());
    }
    detail
}

#[cfg(test)]
mod tests;
