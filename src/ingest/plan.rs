//! What row an event becomes: decided without I/O.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::batch::Numbered;
use crate::bus::Record;
use crate::config::DefaultSettings;
use crate::contract::{
    Cancellation, EventMessage, IncentiveEvent, Preference, Rejection, Window, traceparent,
};
use crate::localize::{Reader, Words, arguments};
use crate::schedule::{Basis, BestTime, Habit, Leaving, QuietPolicy, Waiting, opted_out};
use crate::store::{Beginning, Habits, HistoryKind, NewNotification, Status};

/// Plans rows.
#[derive(Clone)]
pub struct Planner {
    /// The words.
    pub words: Arc<Words>,
    /// What an event gets that does not say it itself.
    pub defaults: DefaultSettings,
    /// When readers are left alone.
    pub quiet: QuietPolicy,
    /// After so long an opening counts for half when a moment is chosen within a window; zero: none counts.
    pub half_life: Duration,
    /// The longest event, in bytes.
    pub max_event_bytes: usize,
}

/// An event that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Announced {
    /// What it says.
    pub event: IncentiveEvent,
    recorded_at: DateTime<Utc>,
    trace: Option<String>,
    known: Option<Box<Known>>,
}

/// In which hours the event's reader opens, and all readers; only events with a window ask for it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    own: Habit,
    everybody: Arc<Habit>,
}

impl Announced {
    /// Whether it occurred then or before, or was written down then or before, whatever it says of when it occurred.
    #[must_use]
    pub fn is_not_after(&self, time: DateTime<Utc>) -> bool {
        self.recorded_at <= time || self.event.occurred_at.is_some_and(|at| at <= time)
    }
}

/// What a record asks for.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // nearly all are the large one
pub enum Asked {
    /// A notification.
    Notify(Announced),
    /// That a notification does not leave.
    Cancel(Cancellation),
}

impl Asked {
    /// Of which event, and whom it is for.
    #[must_use]
    pub fn event(&self) -> (&str, i64) {
        match self {
            Self::Notify(announced) => (&announced.event.event_id, announced.event.user_id),
            Self::Cancel(cancel) => (&cancel.event_id, cancel.user_id),
        }
    }
}

/// A planned row.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The row.
    pub row: NewNotification,
    /// Whether the language asked for is one that no catalogue knows.
    pub fell_back: bool,
    /// What the moment within its window rests on; `None`: it has no window, or is not to be sent.
    pub best_time: Option<Basis>,
}

impl Planner {
    /// What a record asks for.
    ///
    /// # Errors
    /// With the reason, where the record is no event of the contract.
    pub fn read(&self, record: &Record, now: DateTime<Utc>) -> Result<Asked, Rejection> {
        // A broker that keeps no times leaves only the database's.
        let recorded_at = record.timestamp.unwrap_or(now);
        match EventMessage::decode(record.payload.as_deref(), self.max_event_bytes)? {
            EventMessage::Notify(event) => Ok(Asked::Notify(Announced {
                event,
                recorded_at,
                trace: record
                    .header("traceparent")
                    .and_then(traceparent)
                    .map(str::to_owned),
                known: None,
            })),
            EventMessage::Cancel(mut cancel) => {
                cancel.occurred_at = cancel.occurred_at.or(Some(recorded_at));
                Ok(Asked::Cancel(cancel))
            }
        }
    }

    /// Gives each event with a window what is known of its reader.
    pub(super) fn tell_habits(
        &self,
        events: &mut [Numbered<Announced>],
        mut habits: Habits,
        now: DateTime<Utc>,
    ) {
        habits.fade(now, self.half_life);
        let everybody = Arc::new(habits.everybody());
        for (_, announced) in events.iter_mut().filter(|(_, announced)| announced.has_window()) {
            announced.known = Some(Box::new(Known {
                own: habits.of(announced.event.user_id).cloned().unwrap_or_default(),
                everybody: Arc::clone(&everybody),
            }));
        }
    }

    /// The row of a record that is stored `now`, for a reader who has said nothing; `None` where it is a cancel.
    ///
    /// # Errors
    /// As [`Planner::read`].
    pub fn plan(&self, record: &Record, now: DateTime<Utc>) -> Result<Option<Plan>, Rejection> {
        Ok(match self.read(record, now)? {
            Asked::Notify(announced) => Some(self.plan_for(announced, None, now)),
            Asked::Cancel(_) => None,
        })
    }

    /// The row of an event that is stored `now`. What it says itself goes before what its reader has said, and that before
    /// the settings.
    #[must_use]
    pub fn plan_for(
        &self,
        announced: Announced,
        preference: Option<&Preference>,
        now: DateTime<Utc>,
    ) -> Plan {
        let Announced {
            mut event,
            recorded_at,
            trace,
            known,
        } = announced;
        if let Some(preference) = preference {
            event.language = event.language.or_else(|| preference.language.clone());
            event.timezone = event.timezone.or_else(|| preference.timezone.clone());
        }
        let window = event.deliver_between;
        let stands_alone = window.is_some()
            || event.expires_at.is_some()
            || event.scheduled_at.is_some_and(|at| at > now)
            || event.message_title.is_some()
            || event.message_body.is_some()
            || arguments::has_code(&event.incentive_data);
        let mut plan = self.plan_event(event, recorded_at, trace);
        plan.row.stands_alone = stands_alone;
        if let Some(detail) = opted_out(preference, plan.row.incentive_type) {
            plan.row.status = Status::Suppressed;
            plan.row.beginning.push(Beginning {
                kind: HistoryKind::Suppressed,
                detail,
            });
            return plan;
        }
        if let Some(window) = window {
            let known = known.unwrap_or_default();
            plan.best_time = Some(self.choose(&mut plan.row, window, &known, preference, now));
        }
        self.keep_quiet(&mut plan.row, preference, now);
        end_with_expiry(&mut plan.row);
        plan
    }

    /// Chooses the moment within the window.
    fn choose(
        &self,
        row: &mut NewNotification,
        window: Window,
        known: &Known,
        preference: Option<&Preference>,
        now: DateTime<Utc>,
    ) -> Basis {
        let waiting = Waiting {
            user_id: row.user_id,
            window,
            not_before: row.scheduled_at,
            expires_at: row.expires_at,
            timezone: row.timezone.as_deref(),
            own: &known.own,
            everybody: &known.everybody,
        };
        let best = BestTime::choose(&waiting, now, |at| {
            let held = self.quiet.hold(&leaving(row, at, preference));
            held.map_or(at, |held| held.until)
        });
        // At once is by the database's clock.
        if best.at > now {
            row.scheduled_at = Some(best.at);
        }
        row.beginning.push(Beginning {
            kind: HistoryKind::Held,
            detail: best.detail(),
        });
        best.basis
    }

    /// Puts off what would come in its reader's quiet hours.
    fn keep_quiet(&self, row: &mut NewNotification, preference: Option<&Preference>, now: DateTime<Utc>) {
        let at = row.scheduled_at.map_or(now, |at| at.max(now));
        if let Some(held) = self.quiet.hold(&leaving(row, at, preference)) {
            row.scheduled_at = Some(held.until);
            row.beginning.push(Beginning {
                kind: HistoryKind::Held,
                detail: held.detail(),
            });
        }
    }

    fn plan_event(&self, event: IncentiveEvent, recorded_at: DateTime<Utc>, trace: Option<String>) -> Plan {
        let defaults = self.defaults.of(event.incentive_type);
        let reader = Reader {
            user_id: event.user_id,
            language: event.language.as_deref(),
        };
        let words = self.words.now().render(
            reader,
            event.incentive_type,
            &event.incentive_data,
            event.message_title.as_deref(),
            event.message_body.as_deref(),
        );
        Plan {
            fell_back: words.fell_back,
            best_time: None,
            row: NewNotification {
                event_id: event.event_id,
                user_id: event.user_id,
                incentive_type: event.incentive_type,
                notification_type: event.notification_type.unwrap_or(defaults.notification_type),
                priority: event.priority.unwrap_or(defaults.priority),
                message_title: words.title,
                message_body: words.body,
                // Its names are texts: nothing of it can fail.
                incentive_data: serde_json::to_string(&event.incentive_data).unwrap_or_default(),
                occurred_at: event.occurred_at.unwrap_or(recorded_at),
                scheduled_at: event.scheduled_at,
                expires_at: event.expires_at,
                language: words.language,
                variant: words.variant,
                timezone: event.timezone,
                device_type: event.device_type,
                traceparent: trace,
                status: Status::Pending,
                digest_event_id: None,
                stands_alone: false,
                beginning: Vec::new(),
            },
        }
    }
}

/// What would be due only once it has expired is looked at when it expires, and so ends then.
pub(super) fn end_with_expiry(row: &mut NewNotification) {
    if let (Some(due), Some(expires_at)) = (row.scheduled_at, row.expires_at) {
        row.scheduled_at = Some(due.min(expires_at));
    }
}

impl Announced {
    /// Whether its moment is to be chosen.
    pub(super) const fn has_window(&self) -> bool {
        self.event.deliver_between.is_some()
    }
}

pub(super) fn leaving<'a>(
    row: &'a NewNotification,
    at: DateTime<Utc>,
    preference: Option<&'a Preference>,
) -> Leaving<'a> {
    Leaving {
        incentive_type: row.incentive_type,
        priority: row.priority,
        at,
        timezone: row.timezone.as_deref(),
        preference,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::rehearsal::WORDS;
    use super::*;
    use crate::config::Settings;
    use crate::contract::time;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(seconds)
    }

    fn planner(quiet: &str) -> Planner {
        let settings = Settings::from_toml(quiet).unwrap();
        Planner {
            words: Arc::clone(&WORDS),
            defaults: settings.defaults,
            quiet: (&settings.quiet).into(),
            half_life: settings.best_time.half_life,
            max_event_bytes: 10_000,
        }
    }

    /// The row of an event with these times, stored at `now`.
    fn row(planner: &Planner, scheduled: Option<i64>, expires: Option<i64>, now: i64) -> NewNotification {
        let time = |seconds: Option<i64>| seconds.map(|seconds| time::format(&at(seconds)));
        let event = serde_json::json!({
            "event_id": "e", "user_id": 1, "incentive_type": "point_earning",
            "scheduled_at": time(scheduled), "expires_at": time(expires),
        });
        let record = Record {
            topic: String::new(),
            partition: 0,
            offset: 0,
            key: None,
            payload: Some(event.to_string().into_bytes()),
            headers: Vec::new(),
            timestamp: None,
        };
        planner.plan(&record, at(now)).unwrap().unwrap().row
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever the event says and the hours hold back: a row is due no later than it expires, and says why it was held.
        #[test]
        fn nothing_is_due_after_it_has_expired(
            scheduled in proptest::option::of(0_i64..200_000), expires in proptest::option::of(0_i64..200_000),
            now in 0_i64..200_000,
        ) {
            let planner = planner("quiet.hours = \"22:00-07:00\"");
            let row = row(&planner, scheduled, expires, now);
            prop_assert_eq!(row.expires_at, expires.map(at));
            if let (Some(due), Some(expires_at)) = (row.scheduled_at, row.expires_at) {
                prop_assert!(due <= expires_at);
            }
            if expires.is_none() && row.beginning.is_empty() {
                prop_assert_eq!(row.scheduled_at, scheduled.map(at));
            }
            prop_assert_eq!(row.status, Status::Pending);
        }
    }

    #[test]
    fn what_is_held_beyond_its_expiry_is_looked_at_when_it_expires() {
        let planner = planner("quiet.hours = \"22:00-07:00\"");
        // Held from midnight to seven.
        let held = row(&planner, None, Some(6 * 3600), 0);
        assert_eq!(held.scheduled_at, Some(at(6 * 3600)));
        assert_eq!(held.beginning[0].kind, HistoryKind::Held);
        assert_eq!(held.beginning[0].detail["held_until"], "1970-01-01T07:00:00.000Z");
        assert_eq!(
            row(&planner, None, Some(8 * 3600), 0).scheduled_at,
            Some(at(7 * 3600))
        );
    }
}
