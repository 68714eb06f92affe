//! One notification and what happened to it, as it is stored and as the archive keeps it.

use serde::Serialize;

use super::{HistoryEntry, Notification, Result, Store};

/// A notification and everything that happened to it.
#[derive(Debug, Serialize)]
pub struct Story {
    /// The row.
    #[serde(flatten)]
    pub notification: Notification,
    /// What happened, the oldest first.
    pub history: Vec<HistoryEntry>,
}

impl Story {
    /// Of the notification with this id, if there is one.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn of(store: &dyn Store, id: i64) -> Result<Option<Self>> {
        Self::told(store, store.notification(id).await?).await
    }

    /// Of the notification of an event, if there is one.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn of_event(store: &dyn Store, event_id: &str) -> Result<Option<Self>> {
        Self::told(store, store.notification_of_event(event_id).await?).await
    }

    async fn told(store: &dyn Store, found: Option<Notification>) -> Result<Option<Self>> {
        let Some(notification) = found else {
            return Ok(None);
        };
        let history = store.history(notification.id).await?;
        Ok(Some(Self {
            notification,
            history,
        }))
    }
}
