//! What row an event becomes: decided without I/O.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::bus::Record;
use crate::config::DefaultSettings;
use crate::contract::{IncentiveEvent, Preference, Rejection, Window, time, traceparent};
use crate::localize::{Reader, Words};
use crate::schedule::{Basis, BestTime, Habit, Leaving, QuietPolicy, Waiting};
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
    known: Known,
}

/// In which hours the event's reader opens, and all readers; only events with a window ask for it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    own: Habit,
    everybody: Arc<Habit>,
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
    /// The event in a record.
    ///
    /// # Errors
    /// With the reason, where the record is no event of the contract.
    pub fn read(&self, record: &Record, now: DateTime<Utc>) -> Result<Announced, Rejection> {
        let event = IncentiveEvent::decode(record.payload.as_deref(), self.max_event_bytes)?;
        let trace = record.header("traceparent").and_then(traceparent);
        Ok(Announced {
            event,
            // A broker that keeps no times leaves only ours.
            recorded_at: record.timestamp.unwrap_or(now),
            trace: trace.map(str::to_owned),
            known: Known::default(),
        })
    }

    /// Gives each event with a window what is known of its reader.
    pub fn tell_habits(&self, events: &mut [Announced], mut habits: Habits, now: DateTime<Utc>) {
        habits.fade(now, self.half_life);
        let everybody = Arc::new(habits.everybody());
        for announced in events.iter_mut().filter(|announced| announced.has_window()) {
            announced.known = Known {
                own: habits.of(announced.event.user_id).cloned().unwrap_or_default(),
                everybody: Arc::clone(&everybody),
            };
        }
    }

    /// The row of a record that is stored `now`, for a reader who has said nothing.
    ///
    /// # Errors
    /// As [`Planner::read`].
    pub fn plan(&self, record: &Record, now: DateTime<Utc>) -> Result<Plan, Rejection> {
        Ok(self.plan_for(self.read(record, now)?, None, now))
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
        let mut plan = self.plan_event(event, recorded_at, trace);
        let opposed = preference.filter(|preference| preference.has_opted_out_of(plan.row.incentive_type));
        if let Some(preference) = opposed {
            plan.row.status = Status::Suppressed;
            plan.row.beginning.push(opted_out(preference));
            return plan;
        }
        if let Some(window) = window {
            plan.best_time = Some(self.choose(&mut plan.row, window, &known, preference, now));
        }
        self.keep_quiet(&mut plan.row, preference, now);
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
                incentive_data: serde_json::Value::Object(event.incentive_data).to_string(),
                occurred_at: event.occurred_at.unwrap_or(recorded_at),
                scheduled_at: event.scheduled_at,
                expires_at: event.expires_at,
                language: words.language,
                variant: words.variant,
                timezone: event.timezone,
                device_type: event.device_type,
                traceparent: trace,
                status: Status::Pending,
                beginning: Vec::new(),
            },
        }
    }
}

impl Announced {
    /// Whether its moment is to be chosen.
    pub(super) const fn has_window(&self) -> bool {
        self.event.deliver_between.is_some()
    }
}

fn leaving<'a>(
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

/// For the history: the rule, and when the reader gave it.
fn opted_out(preference: &Preference) -> Beginning {
    let detail: [(_, Value); 3] = [
        ("rule", "opted_out_types".into()),
        ("of", "user".into()),
        ("since", time::format(&preference.updated_at).into()),
    ];
    Beginning {
        kind: HistoryKind::Suppressed,
        detail: detail
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    }
}
