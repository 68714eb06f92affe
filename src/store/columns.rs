//! From the columns of a row to the types of the room, alike for every database.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{
    Claimant, ClaimedRow, DepthRow, HistoryEntry, HistoryKind, NewNotification, Notification, OpenClaim,
    PendingRow, Standing, Status, StoreError,
};
use crate::contract::{IncentiveType, Priority};

/// A row whose columns can be read by name, each database's types made the same.
pub(super) trait Columns {
    fn int(&self, column: &str) -> Result<i64, StoreError>;
    fn int_or_null(&self, column: &str) -> Result<Option<i64>, StoreError>;
    fn text(&self, column: &str) -> Result<String, StoreError>;
    fn text_or_null(&self, column: &str) -> Result<Option<String>, StoreError>;
    fn time(&self, column: &str) -> Result<DateTime<Utc>, StoreError>;
    fn time_or_null(&self, column: &str) -> Result<Option<DateTime<Utc>>, StoreError>;
}

/// A value that no statement of ours has written.
fn foreign(column: &str, fault: impl std::fmt::Display) -> StoreError {
    StoreError::Unexpected(format!("column {column}: {fault}"))
}

pub(super) fn status(row: &impl Columns) -> Result<Status, StoreError> {
    let name = row.text("status")?;
    Status::from_name(&name).ok_or_else(|| foreign("status", format!("`{name}` is no status")))
}

fn incentive_type(row: &impl Columns) -> Result<IncentiveType, StoreError> {
    let name = row.text("incentive_type")?;
    IncentiveType::from_name(&name)
        .ok_or_else(|| foreign("incentive_type", format!("`{name}` is no incentive type")))
}

pub(super) fn priority(row: &impl Columns) -> Result<Priority, StoreError> {
    Priority::new(row.int("priority")?).map_err(|fault| foreign("priority", fault))
}

pub(super) fn small(row: &impl Columns, column: &str) -> Result<u32, StoreError> {
    u32::try_from(row.int(column)?).map_err(|fault| foreign(column, fault))
}

pub(super) fn count(row: &impl Columns, column: &str) -> Result<u64, StoreError> {
    u64::try_from(row.int(column)?).map_err(|fault| foreign(column, fault))
}

fn notification_type(row: &impl Columns) -> Result<i32, StoreError> {
    i32::try_from(row.int("notification_type")?).map_err(|fault| foreign("notification_type", fault))
}

fn raw(column: &str, text: String) -> Result<Box<RawValue>, StoreError> {
    RawValue::from_string(text).map_err(|fault| foreign(column, fault))
}

fn object(column: &str, text: &str) -> Result<Map<String, Value>, StoreError> {
    serde_json::from_str(text).map_err(|fault| foreign(column, fault))
}

/// The columns of a due row: those of a claim, and those by which rules are evaluated again.
pub(super) const DUE: &str = "id, attempts, event_id, user_id, incentive_type, notification_type, priority, \
     message_title, message_body, language, variant, incentive_data, scheduled_at, expires_at, created_at, \
     traceparent, timezone, occurred_at, rules_evaluated_at";

/// A row on its way into a claim; its attempt is the one that the claim makes.
pub(super) fn claimed_row(row: &impl Columns) -> Result<ClaimedRow, StoreError> {
    Ok(ClaimedRow {
        id: row.int("id")?,
        attempt: small(row, "attempts")? + 1,
        event_id: row.text("event_id")?,
        user_id: row.int("user_id")?,
        incentive_type: incentive_type(row)?,
        notification_type: notification_type(row)?,
        priority: priority(row)?,
        message_title: row.text("message_title")?,
        message_body: row.text("message_body")?,
        language: row.text("language")?,
        variant: row.text_or_null("variant")?,
        incentive_data: raw("incentive_data", row.text("incentive_data")?)?,
        scheduled_at: row.time("scheduled_at")?,
        expires_at: row.time_or_null("expires_at")?,
        created_at: row.time("created_at")?,
        traceparent: row.text_or_null("traceparent")?,
    })
}

/// A whole row.
pub(super) fn notification(row: &impl Columns) -> Result<Notification, StoreError> {
    Ok(Notification {
        id: row.int("id")?,
        event_id: row.text("event_id")?,
        user_id: row.int("user_id")?,
        incentive_type: incentive_type(row)?,
        notification_type: notification_type(row)?,
        priority: priority(row)?,
        status: status(row)?,
        message_title: row.text("message_title")?,
        message_body: row.text("message_body")?,
        language: row.text("language")?,
        variant: row.text_or_null("variant")?,
        timezone: row.text_or_null("timezone")?,
        device_type: row.text_or_null("device_type")?,
        incentive_data: raw("incentive_data", row.text("incentive_data")?)?,
        metrics_data: row
            .text_or_null("metrics_data")?
            .map(|text| raw("metrics_data", text))
            .transpose()?,
        attempts: small(row, "attempts")?,
        claim_id: row.int_or_null("claim_id")?,
        last_error: row.text_or_null("last_error")?,
        occurred_at: row.time("occurred_at")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        scheduled_at: row.time("scheduled_at")?,
        expires_at: row.time_or_null("expires_at")?,
        sent_at: row.time_or_null("sent_at")?,
        delivered_at: row.time_or_null("delivered_at")?,
        opened_at: row.time_or_null("opened_at")?,
        clicked_at: row.time_or_null("clicked_at")?,
        dismissed_at: row.time_or_null("dismissed_at")?,
        digest_event_id: row.text_or_null("digest_event_id")?,
    })
}

/// The columns that [`gathered`] reads.
pub(super) const GATHERED: &str = "id, event_id, user_id, incentive_type, notification_type, priority, message_title, message_body, \
     incentive_data, occurred_at, scheduled_at, expires_at, language, variant, timezone, device_type, traceparent, status, \
     digest_event_id";

/// A row that has not left, with its id; its history is not read.
pub(super) fn gathered(row: &impl Columns) -> Result<(i64, NewNotification), StoreError> {
    let gathered = NewNotification {
        event_id: row.text("event_id")?,
        user_id: row.int("user_id")?,
        incentive_type: incentive_type(row)?,
        notification_type: notification_type(row)?,
        priority: priority(row)?,
        message_title: row.text("message_title")?,
        message_body: row.text("message_body")?,
        incentive_data: row.text("incentive_data")?,
        occurred_at: row.time("occurred_at")?,
        scheduled_at: Some(row.time("scheduled_at")?),
        expires_at: row.time_or_null("expires_at")?,
        language: row.text("language")?,
        variant: row.text_or_null("variant")?,
        timezone: row.text_or_null("timezone")?,
        device_type: row.text_or_null("device_type")?,
        traceparent: row.text_or_null("traceparent")?,
        status: status(row)?,
        digest_event_id: row.text_or_null("digest_event_id")?,
        stands_alone: false,
        beginning: Vec::new(),
    };
    Ok((row.int("id")?, gathered))
}

/// The columns that [`standing`] reads, but for `db_now`, the database's clock.
pub(super) const STANDING: &str = "id, user_id, incentive_type, priority, attempts, created_at, sent_at, device_type, timezone, \
     traceparent, expires_at, cancel_requested_at, status, scheduled_at, delivered_at, opened_at, clicked_at, dismissed_at, last_error, metrics_data";

/// A row as far as results are concerned.
pub(super) fn standing(row: &impl Columns) -> Result<Standing, StoreError> {
    let metrics = row.text_or_null("metrics_data")?;
    Ok(Standing {
        now: row.time("db_now")?,
        id: row.int("id")?,
        user_id: row.int("user_id")?,
        incentive_type: incentive_type(row)?,
        priority: priority(row)?,
        attempts: small(row, "attempts")?,
        created_at: row.time("created_at")?,
        sent_at: row.time_or_null("sent_at")?,
        device_type: row.text_or_null("device_type")?,
        timezone: row.text_or_null("timezone")?,
        traceparent: row.text_or_null("traceparent")?,
        expires_at: row.time_or_null("expires_at")?,
        cancel_requested_at: row.time_or_null("cancel_requested_at")?,
        status: status(row)?,
        scheduled_at: row.time("scheduled_at")?,
        delivered_at: row.time_or_null("delivered_at")?,
        opened_at: row.time_or_null("opened_at")?,
        clicked_at: row.time_or_null("clicked_at")?,
        dismissed_at: row.time_or_null("dismissed_at")?,
        last_error: row.text_or_null("last_error")?,
        metrics: metrics
            .map(|text| object("metrics_data", &text))
            .transpose()?
            .unwrap_or_default(),
        opening: None,
    })
}

/// The columns that [`open_claim`] reads, but for `db_now`, the database's clock.
pub(super) const OPEN_CLAIM: &str =
    "id, transactional_id, cluster_id, notification_ids, claimed_at, lease_until, doubt";

/// A claim row.
pub(super) fn open_claim(row: &impl Columns) -> Result<OpenClaim, StoreError> {
    let claimant = match (
        row.text_or_null("transactional_id")?,
        row.text_or_null("cluster_id")?,
    ) {
        (Some(transactional_id), Some(cluster_id)) => Claimant::Transactional {
            transactional_id,
            cluster_id,
        },
        _ => Claimant::Plain,
    };
    Ok(OpenClaim {
        id: row.int("id")?,
        claimant,
        notification_ids: serde_json::from_str(&row.text("notification_ids")?)
            .map_err(|fault| foreign("notification_ids", fault))?,
        claimed_at: row.time("claimed_at")?,
        lease_until: row.time("lease_until")?,
        doubt: row.text_or_null("doubt")?,
    })
}

/// An entry of the history.
pub(super) fn history_entry(row: &impl Columns) -> Result<HistoryEntry, StoreError> {
    let kind = row.text("kind")?;
    Ok(HistoryEntry {
        at: row.time("at")?,
        kind: HistoryKind::from_name(&kind)
            .ok_or_else(|| foreign("kind", format!("`{kind}` is no kind of history")))?,
        attempt: small(row, "attempt")?,
        detail: object("detail", &row.text("detail")?)?,
    })
}

/// A count by status and priority.
pub(super) fn depth_row(row: &impl Columns) -> Result<DepthRow, StoreError> {
    Ok(DepthRow {
        status: status(row)?,
        priority: priority(row)?,
        rows: count(row, "found")?,
    })
}

/// A count of pending rows by priority and type.
pub(super) fn pending_row(row: &impl Columns) -> Result<PendingRow, StoreError> {
    Ok(PendingRow {
        priority: priority(row)?,
        incentive_type: incentive_type(row)?,
        rows: count(row, "found")?,
    })
}
