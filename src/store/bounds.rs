//! What a row may hold, the same on every database: they differ in what they cut, round or refuse by themselves.

use chrono::{DateTime, Datelike, Utc};

use super::{NewNotification, Result, StoreError};
use crate::contract::IncentiveData;

/// Looks at every row, so that a batch is refused before a statement of it is sent.
///
/// # Errors
/// [`StoreError::Data`] for the first row that no database keeps as it is, with the column and the bound.
pub fn check_bounds(batch: &[NewNotification]) -> Result<()> {
    for row in batch {
        check_row(row).map_err(|fault| StoreError::Data(format!("event {:?}: {fault}", row.event_id)))?;
    }
    Ok(())
}

fn check_row(row: &NewNotification) -> std::result::Result<(), String> {
    characters("event_id", Some(&row.event_id), 128)?;
    characters("message_title", Some(&row.message_title), 255)?;
    characters("language", Some(&row.language), 35)?;
    characters("variant", row.variant.as_ref(), 32)?;
    characters("timezone", row.timezone.as_ref(), 64)?;
    characters("device_type", row.device_type.as_ref(), 32)?;
    characters("traceparent", row.traceparent.as_ref(), 64)?;
    let length = row.message_body.len();
    if length > 65_535 {
        return Err(format!("message_body has {length} bytes, at most 65535 are kept"));
    }
    for (column, time) in [
        ("occurred_at", Some(row.occurred_at)),
        ("scheduled_at", row.scheduled_at),
        ("expires_at", row.expires_at),
    ] {
        if let Some(time) = time.filter(|time| !(1000..=9999).contains(&time.year())) {
            return Err(format!(
                "{column} is in the year {}, 1000 to 9999 are kept",
                time.year()
            ));
        }
    }
    // Not as a `Value`: that takes an object with one of serde_json's private keys for something else.
    match serde_json::from_str::<IncentiveData>(&row.incentive_data) {
        Ok(_) => Ok(()),
        Err(fault) => Err(format!("incentive_data is no JSON object: {fault}")),
    }
}

fn characters(column: &str, text: Option<&String>, most: usize) -> std::result::Result<(), String> {
    let length = text.map_or(0, |text| text.chars().count());
    if length > most {
        return Err(format!(
            "{column} has {length} characters, at most {most} are kept"
        ));
    }
    Ok(())
}

/// The time as a column keeps it: cut to the millisecond, for a server that rounds up would leave the year 9999; a leap
/// second is the first of the next minute.
pub(super) fn cut(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(time.timestamp_millis()).unwrap_or(time)
}
