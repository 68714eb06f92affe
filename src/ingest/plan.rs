//! What row an event becomes: decided without I/O.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::bus::Record;
use crate::config::DefaultSettings;
use crate::contract::{IncentiveEvent, Preference, Rejection, time, traceparent};
use crate::localize::{Reader, Words};
use crate::schedule::{Leaving, QuietPolicy};
use crate::store::{Beginning, HistoryKind, NewNotification, Status};

/// Plans rows.
#[derive(Clone)]
pub struct Planner {
    /// The words.
    pub words: Arc<Words>,
    /// What an event gets that does not say it itself.
    pub defaults: DefaultSettings,
    /// When readers are left alone.
    pub quiet: QuietPolicy,
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
}

impl Announced {
    /// Whether it occurred then or before, or was written down then or before, whatever it says of when it occurred.
    #[must_use]
    pub fn is_not_after(&self, time: DateTime<Utc>) -> bool {
        self.recorded_at <= time || self.event.occurred_at.is_some_and(|at| at <= time)
    }
}

/// A planned row.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The row.
    pub row: NewNotification,
    /// Whether the language asked for is one that no catalogue knows.
    pub fell_back: bool,
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
        })
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
        } = announced;
        if let Some(preference) = preference {
            event.language = event.language.or_else(|| preference.language.clone());
            event.timezone = event.timezone.or_else(|| preference.timezone.clone());
        }
        let mut plan = self.plan_event(event, recorded_at, trace);
        match preference.filter(|preference| preference.has_opted_out_of(plan.row.incentive_type)) {
            Some(preference) => {
                plan.row.status = Status::Suppressed;
                plan.row.beginning.push(opted_out(preference));
            }
            None => self.keep_quiet(&mut plan.row, preference, now),
        }
        plan
    }

    /// Puts off what would come in its reader's quiet hours.
    fn keep_quiet(&self, row: &mut NewNotification, preference: Option<&Preference>, now: DateTime<Utc>) {
        let held = self.quiet.hold(&Leaving {
            incentive_type: row.incentive_type,
            priority: row.priority,
            at: row.scheduled_at.map_or(now, |at| at.max(now)),
            timezone: row.timezone.as_deref(),
            preference,
        });
        if let Some(held) = held {
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
