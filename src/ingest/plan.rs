//! What row an event becomes: decided without I/O.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::bus::Record;
use crate::config::DefaultSettings;
use crate::contract::{IncentiveEvent, Rejection, traceparent};
use crate::localize::Catalogues;
use crate::schedule::{Leaving, QuietPolicy};
use crate::store::NewNotification;

/// Plans rows.
#[derive(Clone)]
pub struct Planner {
    /// The words.
    pub catalogues: Arc<Catalogues>,
    /// What an event gets that does not say it itself.
    pub defaults: DefaultSettings,
    /// When readers are left alone.
    pub quiet: QuietPolicy,
    /// The longest event, in bytes.
    pub max_event_bytes: usize,
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
    /// The row of a record that is stored `now`.
    ///
    /// # Errors
    /// With the reason, where the record is no event of the contract.
    pub fn plan(&self, record: &Record, now: DateTime<Utc>) -> Result<Plan, Rejection> {
        let event = IncentiveEvent::decode(record.payload.as_deref(), self.max_event_bytes)?;
        // A broker that keeps no times leaves only ours.
        let recorded_at = record.timestamp.unwrap_or(now);
        let trace = record.header("traceparent").and_then(traceparent);
        let mut plan = self.plan_event(event, recorded_at, trace);
        self.keep_quiet(&mut plan.row, now);
        Ok(plan)
    }

    /// Puts off what would come in its reader's quiet hours.
    fn keep_quiet(&self, row: &mut NewNotification, now: DateTime<Utc>) {
        let held = self.quiet.hold(&Leaving {
            incentive_type: row.incentive_type,
            priority: row.priority,
            at: row.scheduled_at.map_or(now, |at| at.max(now)),
            timezone: row.timezone.as_deref(),
        });
        if let Some(held) = held {
            row.scheduled_at = Some(held.until);
            row.held = Some(held.detail());
        }
    }

    fn plan_event(&self, event: IncentiveEvent, recorded_at: DateTime<Utc>, trace: Option<&str>) -> Plan {
        let defaults = self.defaults.of(event.incentive_type);
        let words = self.catalogues.render(
            event.language.as_deref(),
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
                timezone: event.timezone,
                device_type: event.device_type,
                traceparent: trace.map(str::to_owned),
                held: None,
            },
        }
    }
}
