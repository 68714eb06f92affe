//! An alert: what must reach a person or a program at once.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Priority, time};

/// A critical failure, as it is written to the alerts topic.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alert {
    /// When it was raised.
    #[serde(serialize_with = "time::serialize")]
    pub raised_at: DateTime<Utc>,
    /// For people, at most [`Alert::LONGEST_MESSAGE`] characters.
    pub message: String,
    /// What it is about.
    #[serde(flatten)]
    pub trouble: Trouble,
}

/// What an alert is about.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "alert", rename_all = "snake_case")]
pub enum Trouble {
    /// The database does not answer.
    DatabaseAway {
        /// Since when.
        #[serde(serialize_with = "time::serialize")]
        since: DateTime<Utc>,
    },
    /// No Kafka broker answers. Written when one does again.
    BrokerAway {
        /// Since when.
        #[serde(serialize_with = "time::serialize")]
        since: DateTime<Utc>,
    },
    /// Many records are put aside.
    DeadLetters {
        /// How many within a minute.
        count: u64,
    },
    /// Whether claims were published is not known: a person must decide.
    ClaimsInDoubt {
        /// How many, at most 100.
        count: u64,
    },
    /// An urgent notification will not be sent again.
    NotificationFailed {
        /// Its row.
        notification_id: i64,
        /// Whom it was for.
        user_id: i64,
        /// How urgent it is.
        priority: Priority,
        /// Its last attempt.
        attempt: u32,
    },
}

impl Alert {
    /// The longest message, in characters.
    pub const LONGEST_MESSAGE: usize = 1000;

    /// An alert of this moment.
    #[must_use]
    pub fn new(raised_at: DateTime<Utc>, trouble: Trouble, message: &str) -> Self {
        Self {
            raised_at,
            message: message.chars().take(Self::LONGEST_MESSAGE).collect(),
            trouble,
        }
    }
}

impl Trouble {
    /// Its name, which is also the record's key.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::DatabaseAway { .. } => "database_away",
            Self::BrokerAway { .. } => "broker_away",
            Self::DeadLetters { .. } => "dead_letters",
            Self::ClaimsInDoubt { .. } => "claims_in_doubt",
            Self::NotificationFailed { .. } => "notification_failed",
        }
    }
}
