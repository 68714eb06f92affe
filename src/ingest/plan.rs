//! What row an event becomes: decided without I/O.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::bus::Record;
use crate::config::DefaultSettings;
use crate::contract::{IncentiveEvent, Rejection, traceparent};
use crate::localize::{Reader, Words};
use crate::store::NewNotification;

/// Plans rows.
#[derive(Clone)]
pub struct Planner {
    /// The words.
    pub words: Arc<Words>,
    /// What an event gets that does not say it itself.
    pub defaults: DefaultSettings,
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
    /// The row of a record.
    ///
    /// # Errors
    /// With the reason, where the record is no event of the contract.
    pub fn plan(&self, record: &Record) -> Result<Plan, Rejection> {
        let event = IncentiveEvent::decode(record.payload.as_deref(), self.max_event_bytes)?;
        // A broker that keeps no times leaves only ours.
        let recorded_at = record.timestamp.unwrap_or_else(Utc::now);
        let trace = record.header("traceparent").and_then(traceparent);
        Ok(self.plan_event(event, recorded_at, trace))
    }

    fn plan_event(&self, event: IncentiveEvent, recorded_at: DateTime<Utc>, trace: Option<&str>) -> Plan {
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
                traceparent: trace.map(str::to_owned),
            },
        }
    }
}
