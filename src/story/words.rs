//! An entry of the history, in words: which rule or who has decided what, why, and until when.

use serde_json::{Map, Value};

use super::clock::{Clock, moment, text};
use crate::schedule::{BEST_TIME, DIGEST, DISPATCH, ERASURE};
use crate::store::{HistoryEntry, HistoryKind};

/// What happened.
pub(super) fn told(entry: &HistoryEntry, reader: Clock) -> String {
    let (attempt, detail) = (entry.attempt, &entry.detail);
    let clock = reader.of(detail);
    let said = |name: &str| text(detail, name);
    match entry.kind {
        HistoryKind::Delivered => format!("attempt {attempt} was delivered"),
        HistoryKind::Opened => "the user opened it".to_owned(),
        HistoryKind::Clicked => "the user followed it".to_owned(),
        HistoryKind::Dismissed => "the user dismissed it".to_owned(),
        HistoryKind::DeliveryFailed => format!(
            "attempt {attempt} failed ({}){}{}",
            why(detail),
            next_attempt(detail, clock),
            then_quiet(detail, clock)
        ),
        HistoryKind::DeliveryFailedFinally => format!(
            "attempt {attempt} failed for good ({}): {}",
            why(detail),
            said("final_because")
        ),
        HistoryKind::PublishFailed => format!(
            "attempt {attempt} was refused by the broker ({}){}",
            why(detail),
            next_attempt(detail, clock)
        ),
        HistoryKind::PublishFailedFinally => format!(
            "attempt {attempt} was refused by the broker ({}), and attempts are used up",
            why(detail)
        ),
        HistoryKind::RecoveredAsSent => {
            format!("attempt {attempt} was found to be published after its publisher had died")
        }
        HistoryKind::RecoveredAsPending => {
            format!("attempt {attempt} was not published before its publisher died; it goes out again")
        }
        HistoryKind::Expired => expired(detail, clock),
        HistoryKind::Held => held(detail, clock),
        HistoryKind::Digested => format!(
            "told of by the digest {}{}",
            said("digest"),
            for_a_cap(detail, clock)
        ),
        HistoryKind::PartCancelled => format!(
            "tells of {} no more: cancelled by {}",
            parts(detail),
            if names(detail, "parts").count() == 1 {
                "an event"
            } else {
                "events"
            }
        ),
        HistoryKind::Suppressed => suppressed(detail, clock),
        HistoryKind::Retried => format!("made due again by {}", said("by")),
        HistoryKind::Cancelled => called_off(entry),
        HistoryKind::CancelTooLate => called_off_too_late(entry),
    }
}

/// What is left of an entry when its particulars are gone.
pub(super) fn told_in_short(entry: &HistoryEntry) -> String {
    let kind = entry.kind.as_str().replace('_', " ");
    format!("{kind}, attempt {}", entry.attempt)
}

/// Which quiet hours hold something back, and until when: from the detail of the history that
/// [`Held`](crate::schedule::Held) writes.
#[must_use]
pub fn kept_quiet(held: &Map<String, Value>) -> String {
    quiet(held, Clock::in_zone(None))
}

fn quiet(detail: &Map<String, Value>, reader: Clock) -> String {
    let clock = reader.of(detail);
    let said = |name: &str| text(detail, name);
    let days: Vec<_> = names(detail, "days").collect();
    let days = match days.len() {
        7 => String::new(),
        _ => format!(" of {}", days.join(", ")),
    };
    format!(
        "held from {}: {} to {}{days} are quiet hours {} in {}{}",
        clock.span(detail, "due_at", "until", "held_until"),
        said("from"),
        said("to"),
        match said("of") {
            "user" => "of the user".to_owned(),
            "segment" => format!("of the segment {}", said("segment")),
            _ => "of the settings".to_owned(),
        },
        said("timezone"),
        at_dispatch(detail),
    )
}

/// That a rule was evaluated right before publishing, not when the event was stored.
fn at_dispatch(detail: &Map<String, Value>) -> &'static str {
    if text(detail, "stage") == DISPATCH {
        " (evaluated right before publishing)"
    } else {
        ""
    }
}

/// Quiet hours that came on top of what else was decided.
fn then_quiet(detail: &Map<String, Value>, clock: Clock) -> String {
    let held = detail.get("held").and_then(Value::as_object);
    held.map_or_else(String::new, |held| format!(", {}", quiet(held, clock)))
}

fn held(detail: &Map<String, Value>, clock: Clock) -> String {
    match text(detail, "rule") {
        BEST_TIME => best_time(detail, clock),
        "cap" => format!(
            "held from {}: {}{}",
            clock.span(detail, "due_at", "until", "held_until"),
            over_cap(detail),
            then_quiet(detail, clock)
        ),
        DIGEST => gathered(detail, clock),
        _ => quiet(detail, clock),
    }
}

/// What waits for others, and until when.
fn gathered(detail: &Map<String, Value>, clock: Clock) -> String {
    match text(detail, "first") {
        "" => format!(
            "held from {}: others of its type are gathered with it for {}",
            clock.span(detail, "due_at", "until", "held_until"),
            text(detail, "window")
        ),
        first => format!(
            "begun with the event {first} and a second one{}: more is gathered until {}",
            for_a_cap(detail, clock),
            clock.said(detail, "held_until")
        ),
    }
}

/// Which moment of its window was chosen, and why.
fn best_time(detail: &Map<String, Value>, clock: Clock) -> String {
    let number = |name: &str| detail.get(name).and_then(Value::as_f64).unwrap_or_default();
    let window = format!("its window, {}", clock.span(detail, "from", "to", "to"));
    let due = || clock.said(detail, "held_until");
    let most = |who: &str| {
        format!(
            "due at {}, in the hour from {:02}:00 in {}, for of {window}, it is when {who} most ({:.1} of {:.1} \
             openings within three hours)",
            due(),
            number("hour"),
            text(detail, "timezone"),
            number("openings"),
            number("of_openings"),
        )
    };
    match text(detail, "of") {
        "own" => most("this reader opens"),
        "everybody" => most("readers open"),
        "late" => format!("too late to choose a moment: {window}"),
        "quiet" => format!("no moment to choose: all of {window}, is in quiet hours"),
        _ => format!(
            "due at {}, the first moment that is allowed: no openings tell a better one; {window}",
            due()
        ),
    }
}

/// Which cap something is over.
fn over_cap(detail: &Map<String, Value>) -> String {
    let said = |name: &str| text(detail, name);
    let number = |name: &str| detail.get(name).and_then(Value::as_u64).unwrap_or_default();
    format!(
        "{} of at most {} {} {} were taken, a cap of the {}",
        number("taken"),
        number("limit"),
        match said("scope") {
            "all" => "notifications".to_owned(),
            kind => format!("{kind} notifications"),
        },
        match said("per") {
            "day" => format!("of the day in {}", said("timezone")),
            window => format!("within {window}"),
        },
        match said("of") {
            "user" => "user".to_owned(),
            "segment" => format!("segment {}", said("segment")),
            _ => "settings".to_owned(),
        },
    )
}

/// The cap for which something is gathered, where it is for one.
fn for_a_cap(detail: &Map<String, Value>, clock: Clock) -> String {
    let over = detail.get("over").and_then(Value::as_object);
    over.map_or_else(String::new, |over| {
        format!(
            ", for at {} {}",
            clock.of(over).said(over, "due_at"),
            over_cap(over)
        )
    })
}

fn suppressed(detail: &Map<String, Value>, clock: Clock) -> String {
    match text(detail, "rule") {
        "cap" => format!(
            "not to be sent: at {} {}{}",
            clock.said(detail, "due_at"),
            over_cap(detail),
            at_dispatch(detail)
        ),
        ERASURE => format!(
            "not to be sent: what is known of the user until {} is to be erased{}",
            clock.said(detail, "as_of"),
            at_dispatch(detail)
        ),
        DIGEST => {
            let last = match parts(detail) {
                last if last.is_empty() => last,
                last => format!(", at last {last}"),
            };
            format!("not to be sent: events have cancelled all that it told of{last}")
        }
        _ => format!(
            "not to be sent: the user has opted out of such notifications (preferences of {}){}",
            clock.said(detail, "since"),
            at_dispatch(detail)
        ),
    }
}

/// When the next attempt is due.
fn next_attempt(detail: &Map<String, Value>, clock: Clock) -> String {
    let due = clock.said(detail, "retry_at");
    match text(detail, "expires_at") {
        _ if due.is_empty() => String::new(),
        "" => format!("; the next one is due at {due}"),
        _ => format!(
            "; the next one would come too late, for it expires at {}: it would be due at {due}",
            clock.said(detail, "expires_at")
        ),
    }
}

/// Which of its times ended it.
fn expired(detail: &Map<String, Value>, clock: Clock) -> String {
    let (Some(expires_at), Some(due_at)) = (moment(detail, "expires_at"), moment(detail, "due_at")) else {
        return "expired before it left".to_owned();
    };
    let due = if due_at < expires_at {
        format!("it had been due since {}", clock.time(due_at))
    } else {
        "it was not due before".to_owned()
    };
    format!("expired at {} before it left: {due}", clock.time(expires_at))
}

/// Who has cancelled it, and what it was spared.
fn called_off(entry: &HistoryEntry) -> String {
    let said = |name: &str| text(&entry.detail, name);
    if said("requested_at").is_empty() {
        return format!("cancelled by {}", said("by"));
    }
    let by = format!("cancelled by an event{}", in_parentheses(said("reason")));
    match said("was") {
        "processing" => format!("{by}: the attempt in hand was not published, and none follows"),
        "sent" => format!(
            "{by}: attempt {} failed ({}), and none follows",
            entry.attempt,
            why(&entry.detail)
        ),
        _ => by,
    }
}

fn called_off_too_late(entry: &HistoryEntry) -> String {
    let said = |name: &str| text(&entry.detail, name);
    let attempt = entry.attempt;
    format!(
        "an event cancelled it{}, too late: {}",
        in_parentheses(said("reason")),
        match said("was") {
            "processing" => format!("attempt {attempt} was being published; no other follows it"),
            "sent" => format!("attempt {attempt} had been published; no other follows it"),
            "digested" => "its digest had left, or was over".to_owned(),
            was => format!("it was {was} already"),
        }
    )
}

/// What was said, if anything was.
fn in_parentheses(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(" ({text})")
    }
}

/// What the broker or the service says of a failure.
fn why(detail: &Map<String, Value>) -> String {
    let words = ["error_code", "error_message", "error"];
    let said = words.iter().map(|name| text(detail, name));
    let said: Vec<_> = said.filter(|word| !word.is_empty()).collect();
    if said.is_empty() {
        "no reason given".to_owned()
    } else {
        said.join(": ")
    }
}

/// The events whose parts were taken out.
fn parts(detail: &Map<String, Value>) -> String {
    names(detail, "parts").collect::<Vec<_>>().join(", ")
}

fn names<'d>(detail: &'d Map<String, Value>, name: &str) -> impl Iterator<Item = &'d str> {
    let all = detail.get(name).and_then(Value::as_array);
    all.into_iter().flatten().filter_map(Value::as_str)
}
