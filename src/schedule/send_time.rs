//! Rules that are evaluated again when a notification is about to be published.
//!
//! They were evaluated when the row was stored. Since then its user may have opted out, asked for erasure or said other quiet
//! hours, and a backlog may have delayed it into quiet hours. What is true when it is sent counts. The slot that a frequency cap
//! has reserved stays reserved.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::{CapPolicy, Leaving, OPTED_OUT, Place, Places, QUIET_HOURS, QuietPolicy, opted_out};
use crate::contract::time;

/// The name of the cap rule in histories.
pub const CAP: &str = "cap";
/// The name of the erasure rule in histories.
pub const ERASURE: &str = "erasure";
/// Every rule that can keep a due notification from being sent.
pub const SEND_TIME_RULES: [&str; 4] = [QUIET_HOURS, OPTED_OUT, CAP, ERASURE];
/// `stage` in the detail of a decision that was made here.
pub const DISPATCH: &str = "dispatch";

/// The rules that are evaluated right before a notification is published, and how long an evaluation holds.
#[derive(Clone, Debug, PartialEq)]
pub struct SendTimePolicy {
    quiet: QuietPolicy,
    caps: CapPolicy,
    recheck_after: Duration,
}

/// A due notification whose rules are evaluated again.
#[derive(Clone, Copy, Debug)]
pub struct SendCandidate<'a> {
    /// What quiet hours and caps ask for; it leaves now.
    pub leaving: Leaving<'a>,
    /// When it was due.
    pub scheduled_at: DateTime<Utc>,
    /// When its event occurred.
    pub occurred_at: DateTime<Utc>,
    /// When its row was stored.
    pub created_at: DateTime<Utc>,
    /// After it nobody wants it.
    pub expires_at: Option<DateTime<Utc>>,
    /// Until when everything of its user is to be erased, if the user has asked for it.
    pub erased_as_of: Option<DateTime<Utc>>,
}

/// What becomes of a due notification.
#[derive(Clone, Debug, PartialEq)]
pub enum SendDecision {
    /// It is sent.
    Send,
    /// It is due later, for the rule of that name.
    Defer {
        /// When it is due again; no later than it expires, so that it then ends as expired.
        until: DateTime<Utc>,
        /// The name of the rule.
        rule: &'static str,
        /// For the history.
        detail: Map<String, Value>,
    },
    /// It is never sent, for the rule of that name.
    Suppress {
        /// The name of the rule.
        rule: &'static str,
        /// For the history.
        detail: Map<String, Value>,
    },
}

impl SendTimePolicy {
    /// An evaluation holds for `recheck_after`.
    #[must_use]
    pub const fn new(quiet: QuietPolicy, caps: CapPolicy, recheck_after: Duration) -> Self {
        Self {
            quiet,
            caps,
            recheck_after,
        }
    }

    /// How long an evaluation holds.
    #[must_use]
    pub const fn recheck_after(&self) -> Duration {
        self.recheck_after
    }

    /// Whether rules that were evaluated then still hold `now`; `None`: they were never evaluated.
    #[must_use]
    pub fn is_current(&self, evaluated_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
        let holds = TimeDelta::from_std(self.recheck_after).unwrap_or(TimeDelta::MAX);
        evaluated_at.is_some_and(|at| now - at < holds)
    }

    /// What becomes of a due notification, by the rules as they are now.
    #[must_use]
    pub fn decide(&self, candidate: &SendCandidate<'_>) -> SendDecision {
        let leaving = &candidate.leaving;
        if let Some(as_of) = candidate
            .erased_as_of
            .filter(|as_of| candidate.occurred_at <= *as_of || candidate.created_at <= *as_of)
        {
            let detail = [("rule", ERASURE.to_owned()), ("as_of", time::format(&as_of))];
            let detail = detail.map(|(name, value)| (name.to_owned(), value.into()));
            return suppress(ERASURE, detail.into_iter().collect());
        }
        if let Some(detail) = opted_out(leaving.preference, leaving.incentive_type) {
            return suppress(OPTED_OUT, detail);
        }
        // Who wants none a day has opted out of all that caps count: there is no slot that could have been reserved.
        if leaving
            .preference
            .is_some_and(|preference| preference.max_per_day == Some(0))
            && let Place::Nowhere(capped) = self.caps.place(leaving, &Places::default())
        {
            return suppress(CAP, capped.detail());
        }
        let Some(held) = self.quiet.hold(leaving) else {
            return SendDecision::Send;
        };
        let mut detail = held.detail();
        // The cap's slot is still at that time.
        detail.insert(
            "was_due_at".to_owned(),
            time::format(&candidate.scheduled_at).into(),
        );
        SendDecision::Defer {
            until: candidate
                .expires_at
                .map_or(held.until, |expires_at| held.until.min(expires_at)),
            rule: QUIET_HOURS,
            detail: at_dispatch(detail),
        }
    }
}

fn suppress(rule: &'static str, detail: Map<String, Value>) -> SendDecision {
    SendDecision::Suppress {
        rule,
        detail: at_dispatch(detail),
    }
}

fn at_dispatch(mut detail: Map<String, Value>) -> Map<String, Value> {
    detail.insert("stage".to_owned(), DISPATCH.into());
    detail
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use crate::contract::{IncentiveType, Preference, Priority};

    const NIGHT: &str = "quiet.hours = \"22:00-07:00\"\n";

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn policy(toml: &str) -> SendTimePolicy {
        let settings = Settings::from_toml(toml).unwrap();
        SendTimePolicy::new(
            (&settings.quiet).into(),
            CapPolicy::new(&settings.caps, &settings.quiet),
            settings.dispatch.recheck_after,
        )
    }

    fn preference(more: &str) -> Preference {
        let text = format!(r#"{{"user_id":1,"updated_at":"2026-01-01T00:00:00Z"{more}}}"#);
        Preference::decode(Some(text.as_bytes()), 10_000).unwrap()
    }

    /// Stored at noon, due then, and about to leave at 23:00.
    fn candidate(preference: Option<&Preference>) -> SendCandidate<'_> {
        SendCandidate {
            leaving: Leaving {
                incentive_type: IncentiveType::StreakReward,
                priority: Priority::new(1).unwrap(),
                at: at("2026-01-15T23:00:00Z"),
                timezone: None,
                preference,
            },
            scheduled_at: at("2026-01-15T12:00:00Z"),
            occurred_at: at("2026-01-15T11:00:00Z"),
            created_at: at("2026-01-15T12:00:00Z"),
            expires_at: None,
            erased_as_of: None,
        }
    }

    fn rule_of(decision: &SendDecision) -> Option<&'static str> {
        match decision {
            SendDecision::Send => None,
            SendDecision::Defer { rule, .. } | SendDecision::Suppress { rule, .. } => Some(rule),
        }
    }

    #[test]
    fn an_evaluation_holds_for_a_minute_by_default_and_what_sql_wrote_has_none() {
        let now = at("2026-01-15T12:00:00Z");
        let policy = policy("");
        assert!(policy.is_current(Some(now - TimeDelta::seconds(59)), now));
        assert!(policy.is_current(Some(now + TimeDelta::seconds(1)), now));
        assert!(!policy.is_current(Some(now - TimeDelta::seconds(60)), now));
        assert!(!policy.is_current(None, now));
    }

    #[test]
    fn what_no_rule_withholds_is_sent() {
        let own = preference(r#","opted_out_types":["point_earning"],"max_per_day":1"#);
        assert_eq!(policy("").decide(&candidate(Some(&own))), SendDecision::Send);
        assert_eq!(policy("").decide(&candidate(None)), SendDecision::Send);
    }

    #[test]
    fn quiet_hours_defer_it_until_they_end() {
        let SendDecision::Defer { until, rule, detail } = policy(NIGHT).decide(&candidate(None)) else {
            panic!("not deferred");
        };
        assert_eq!((until, rule), (at("2026-01-16T07:00:00Z"), QUIET_HOURS));
        assert_eq!(detail["due_at"], "2026-01-15T23:00:00.000Z");
        assert_eq!(detail["was_due_at"], "2026-01-15T12:00:00.000Z");
        assert_eq!(detail["held_until"], "2026-01-16T07:00:00.000Z");
        assert_eq!(detail["stage"], "dispatch");
    }

    #[test]
    fn quiet_hours_that_the_user_has_said_meanwhile_apply() {
        let own = preference(r#","quiet_hours":{"from":"22:30","to":"23:30"},"timezone":"UTC""#);
        let decision = policy("").decide(&candidate(Some(&own)));
        assert!(
            matches!(decision, SendDecision::Defer { until, .. } if until == at("2026-01-15T23:30:00Z")),
            "{decision:?}"
        );
    }

    #[test]
    fn what_expires_before_quiet_hours_end_is_due_when_it_expires() {
        let expires_at = at("2026-01-16T01:00:00Z");
        let expiring = SendCandidate {
            expires_at: Some(expires_at),
            ..candidate(None)
        };
        let decision = policy(NIGHT).decide(&expiring);
        assert!(
            matches!(decision, SendDecision::Defer { until, .. } if until == expires_at),
            "{decision:?}"
        );
    }

    #[test]
    fn the_urgent_is_sent_in_quiet_hours_but_not_to_those_who_have_opted_out() {
        let mut urgent = candidate(None);
        urgent.leaving.priority = Priority::new(3).unwrap();
        assert_eq!(policy(NIGHT).decide(&urgent), SendDecision::Send);
        let own = preference(r#","opted_out_types":["streak_reward"]"#);
        urgent.leaving.preference = Some(&own);
        assert_eq!(rule_of(&policy(NIGHT).decide(&urgent)), Some(OPTED_OUT));
    }

    #[test]
    fn who_has_opted_out_meanwhile_gets_nothing() {
        let own = preference(r#","opted_out_types":["streak_reward"]"#);
        let SendDecision::Suppress { rule, detail } = policy(NIGHT).decide(&candidate(Some(&own))) else {
            panic!("not suppressed");
        };
        assert_eq!(rule, OPTED_OUT);
        assert_eq!(detail["since"], "2026-01-01T00:00:00.000Z");
        assert_eq!(detail["stage"], "dispatch");
    }

    #[test]
    fn who_wants_none_a_day_gets_none_whatever_becomes_of_what_exceeds_a_cap() {
        let none = preference(r#","max_per_day":0"#);
        for on_exceeded in ["wait", "drop", "digest"] {
            let policy = policy(&format!("caps.over = \"{on_exceeded}\""));
            assert_eq!(
                rule_of(&policy.decide(&candidate(Some(&none)))),
                Some(CAP),
                "{on_exceeded}"
            );
            let mut urgent = candidate(Some(&none));
            urgent.leaving.priority = Priority::new(3).unwrap();
            assert_eq!(policy.decide(&urgent), SendDecision::Send);
        }
    }

    #[test]
    fn what_is_to_be_erased_is_not_sent_and_what_came_later_is() {
        let erased = |as_of: &str| SendCandidate {
            erased_as_of: Some(at(as_of)),
            ..candidate(None)
        };
        let policy = policy("");
        for as_of in ["2026-01-15T11:00:00Z", "2026-01-15T12:30:00Z"] {
            assert_eq!(rule_of(&policy.decide(&erased(as_of))), Some(ERASURE), "{as_of}");
        }
        assert_eq!(policy.decide(&erased("2026-01-15T10:59:59Z")), SendDecision::Send);
    }
}
