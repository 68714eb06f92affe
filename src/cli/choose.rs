//! Which notifications a command means, as the command line says it.

use chrono::{DateTime, Utc};

use crate::contract::{IncentiveType, Priority, time};
use crate::store::{Filter, Status};

/// Which notifications: those that everything said applies to.
#[derive(Debug, clap::Args)]
#[group(id = "which", required = true, multiple = true)]
pub struct Chosen {
    /// Their ids.
    #[arg(value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    pub ids: Vec<i64>,

    /// The one of this event.
    #[arg(long, value_name = "EVENT_ID")]
    pub event: Option<String>,

    /// Those of this user.
    #[arg(long, value_name = "USER_ID", value_parser = clap::value_parser!(i64).range(1..))]
    pub user: Option<i64>,

    /// Those of this incentive type.
    #[arg(long = "type", value_name = "TYPE", value_parser = incentive_type)]
    pub incentive_type: Option<IncentiveType>,

    /// Those in this status.
    #[arg(long, value_name = "STATUS", value_parser = status)]
    pub status: Option<Status>,

    /// Those of this priority, 0 to 4.
    #[arg(long, value_name = "PRIORITY", value_parser = priority)]
    pub priority: Option<Priority>,

    /// Those that were stored at this time or later (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<DateTime<Utc>>,

    /// Those that were stored before this time (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub before: Option<DateTime<Utc>>,
}

impl Chosen {
    /// As the store takes it.
    #[must_use]
    pub fn filter(&self) -> Filter {
        Filter {
            ids: self.ids.clone(),
            event_id: self.event.clone(),
            user_id: self.user,
            incentive_type: self.incentive_type,
            status: self.status,
            priority: self.priority,
            created_from: self.since,
            created_to: self.before,
        }
    }

    /// Whether each one is named.
    #[must_use]
    pub fn are_named(&self) -> bool {
        !self.ids.is_empty() || self.event.is_some()
    }
}

fn incentive_type(text: &str) -> Result<IncentiveType, String> {
    IncentiveType::from_name(text).ok_or_else(|| {
        let names: Vec<_> = IncentiveType::ALL.iter().map(ToString::to_string).collect();
        format!("must be one of {}", names.join(", "))
    })
}

fn status(text: &str) -> Result<Status, String> {
    Status::from_name(text).ok_or_else(|| {
        let names: Vec<_> = Status::ALL.iter().map(|status| status.as_str()).collect();
        format!("must be one of {}", names.join(", "))
    })
}

fn priority(text: &str) -> Result<Priority, String> {
    let wrong = || "must be 0 to 4".to_owned();
    let number: i64 = text.parse().map_err(|_| wrong())?;
    Priority::new(number).map_err(|_| wrong())
}

fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    time::parse(text).ok_or_else(|| "must be a time with an offset, like 2026-01-31T12:00:00Z".to_owned())
}
