//! A claimed row as the record that goes out.

use chrono::{DateTime, Utc};

use crate::bus::Outgoing;
use crate::contract::DeliveryRequest;
use crate::store::ClaimedRow;

/// More than the names and the short values of a request have: it is written without growing, but where much is escaped.
const OTHER_BYTES: usize = 640;

/// The delivery request of a row, written at `published_at`.
///
/// # Errors
/// Never for a row that the store has decoded; the error is kept for the caller to report.
pub fn encode(row: &ClaimedRow, published_at: DateTime<Utc>) -> serde_json::Result<Outgoing> {
    let request = DeliveryRequest {
        notification_id: row.id,
        attempt: row.attempt,
        event_id: &row.event_id,
        user_id: row.user_id,
        incentive_type: row.incentive_type,
        notification_type: row.notification_type,
        priority: row.priority,
        message_title: &row.message_title,
        message_body: &row.message_body,
        language: &row.language,
        variant: row.variant.as_deref(),
        incentive_data: &row.incentive_data,
        scheduled_at: row.scheduled_at,
        expires_at: row.expires_at,
        created_at: row.created_at,
        published_at,
    };
    let texts = row.message_title.len() + row.message_body.len() + row.incentive_data.get().len();
    let mut payload = Vec::with_capacity(texts + OTHER_BYTES);
    serde_json::to_writer(&mut payload, &request)?;
    let headers = request
        .headers(row.traceparent.as_deref())
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Some(value.into_bytes())))
        .collect();
    Ok(Outgoing {
        key: Some(row.user_id.to_string().into_bytes()),
        payload: Some(payload),
        headers,
    })
}
