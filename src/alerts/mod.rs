//! Critical failures, told on a topic of their own: best effort, and never in the way of the work.
//!
//! Whoever has something to tell puts it into a queue of bounded length and goes on; what does not fit is counted and gone.
//! One task writes the queue out. Another watches what shows over time: what is away, and how many records are put aside.

mod watch;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::Utc;
use tokio::sync::mpsc::{self, Receiver, Sender};

pub(crate) use watch::watch;
pub(crate) use writer::write;

use crate::contract::{Alert, Priority, Trouble};
use crate::measures;

/// How many alerts wait while Kafka is away.
const QUEUE: usize = 1000;
/// Notifications of this priority and above are urgent enough to tell of one that fails.
const URGENT: u8 = 3;

/// Raises alerts; clones share the queue.
#[derive(Clone, Debug, Default)]
pub struct Alerts(Option<Arc<Raised>>);

#[derive(Debug)]
struct Raised {
    queue: Sender<Alert>,
    dead_letters: AtomicU64,
    claims_in_doubt: AtomicU64,
}

/// What is told by its number.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// Records that were put aside since the start.
    dead_letters: u64,
    /// Claims that are in doubt now.
    claims_in_doubt: u64,
}

/// A notification that will not be sent again.
#[derive(Clone, Copy, Debug)]
pub struct Failed<'a> {
    /// Its row.
    pub notification_id: i64,
    /// Whom it was for.
    pub user_id: i64,
    /// How urgent it is.
    pub priority: Priority,
    /// Its last attempt.
    pub attempt: u32,
    /// Why.
    pub error: &'a str,
}

impl Alerts {
    /// Where no topic is set: nothing is raised.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Raises into a queue, whose other end is returned.
    #[must_use]
    pub fn queued() -> (Self, Receiver<Alert>) {
        let (queue, alerts) = mpsc::channel(QUEUE);
        let raised = Raised {
            queue,
            dead_letters: AtomicU64::new(0),
            claims_in_doubt: AtomicU64::new(0),
        };
        (Self(Some(Arc::new(raised))), alerts)
    }

    /// A notification has failed for good. Raised where it is urgent.
    pub fn failed(&self, failed: &Failed<'_>) {
        if failed.priority.get() < URGENT {
            return;
        }
        let Failed {
            notification_id,
            user_id,
            priority,
            attempt,
            error,
        } = *failed;
        let message = format!(
            "notification {notification_id} of priority {} has failed for good: {error}",
            priority.get()
        );
        let trouble = Trouble::NotificationFailed {
            notification_id,
            user_id,
            priority,
            attempt,
        };
        self.raise(Alert::new(Utc::now(), trouble, &message));
    }

    /// So many records were put aside.
    pub fn put_aside(&self, records: usize) {
        if let Some(raised) = &self.0 {
            let records = u64::try_from(records).unwrap_or(u64::MAX);
            raised.dead_letters.fetch_add(records, Ordering::Relaxed);
        }
    }

    /// So many claims are in doubt now.
    pub fn claims_in_doubt(&self, claims: usize) {
        if let Some(raised) = &self.0 {
            let claims = u64::try_from(claims).unwrap_or(u64::MAX);
            raised.claims_in_doubt.store(claims, Ordering::Relaxed);
        }
    }

    /// What was told of by its number.
    fn counts(&self) -> Counts {
        let of = |count: fn(&Raised) -> &AtomicU64| {
            self.0
                .as_ref()
                .map_or(0, |raised| count(raised).load(Ordering::Relaxed))
        };
        Counts {
            dead_letters: of(|raised| &raised.dead_letters),
            claims_in_doubt: of(|raised| &raised.claims_in_doubt),
        }
    }

    fn raise(&self, alert: Alert) {
        let Some(raised) = &self.0 else { return };
        if raised.queue.try_send(alert).is_err() {
            dropped(1);
        }
    }
}

fn dropped(alerts: u64) {
    metrics::counter!(measures::ALERTS.name, "outcome" => measures::DROPPED).increment(alerts);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(priority: i64) -> Failed<'static> {
        Failed {
            notification_id: 7,
            user_id: 42,
            priority: Priority::new(priority).unwrap(),
            attempt: 5,
            error: "bounced",
        }
    }

    #[test]
    fn only_urgent_failures_are_raised() {
        let (alerts, mut queue) = Alerts::queued();
        for priority in 0..=4 {
            alerts.failed(&failed(priority));
        }
        for priority in [3, 4] {
            let alert = queue.try_recv().unwrap();
            assert!(
                matches!(alert.trouble, Trouble::NotificationFailed { priority: raised, .. } if i64::from(raised.get()) == priority)
            );
            assert!(alert.message.contains("bounced"), "{}", alert.message);
        }
        assert!(queue.try_recv().is_err());
    }

    #[test]
    fn what_does_not_fit_into_the_queue_is_gone_and_holds_up_nobody() {
        let (alerts, mut queue) = Alerts::queued();
        for _ in 0..QUEUE + 10 {
            alerts.failed(&failed(4));
        }
        let mut kept = 0;
        while queue.try_recv().is_ok() {
            kept += 1;
        }
        assert_eq!(kept, QUEUE);
        // Nor does it matter that nobody listens.
        drop(queue);
        alerts.failed(&failed(4));
        Alerts::none().failed(&failed(4));
    }
}
