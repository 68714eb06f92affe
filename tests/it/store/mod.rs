//! What every store keeps to, on SQLite, MySQL and MariaDB alike.

mod admitting;
mod broadcasts;
mod cancelling;
mod claiming;
mod digests;
mod ending;
mod explain;
mod forgetting;
mod habits;
mod inserting;
mod operating;
mod preferences;
mod reaching;
mod recovery;
mod results;
mod retention;
mod schema;
mod send_time;
mod statistics;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use inq::contract::{IncentiveType, Priority};
use inq::store::{
    self, Claim, Claimant, HistoryEntry, Inserted, NewNotification, Notification, Status, Store,
};

use crate::servers::Database;

const HOUR: Duration = Duration::from_hours(1);

/// Makes a test of each claim on each database.
macro_rules! on_every_database {
    ($($claim:ident,)+) => {
        on_every_database!(sqlite: $($claim,)+);
        on_every_database!(mysql: $($claim,)+);
        on_every_database!(mariadb: $($claim,)+);
    };
    ($database:ident: $($claim:ident,)+) => {
        mod $database {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $claim() {
                    crate::store::on(stringify!($database), super::$claim).await;
                }
            )+
        }
    };
}
use on_every_database;

/// A store with its tables, in a database of the test's own.
#[derive(Clone)]
struct Bench {
    store: Arc<dyn Store>,
    database: Arc<Database>,
    /// `sqlite`, `mysql` or `mariadb`.
    kind: &'static str,
}

/// Runs a test on a database, and removes the database if it passes.
async fn on<Test, Run>(kind: &'static str, test: Test)
where
    Test: FnOnce(Bench) -> Run,
    Run: Future<Output = ()>,
{
    let Some(database) = Database::migrated(kind).await else {
        return;
    };
    let store = store::open(&database.url, 8).expect("a store");
    let database = Arc::new(database);
    test(Bench {
        store: Arc::clone(&store),
        database: Arc::clone(&database),
        kind,
    })
    .await;
    store.close().await;
    Arc::into_inner(database).expect("the test is over").drop().await;
}

fn priority(number: i64) -> Priority {
    Priority::new(number).expect("a priority")
}

/// Now, by this machine's clock, which the database's is not far from.
fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(3)
}

/// An event's row, due at once.
fn row(event_id: &str) -> NewNotification {
    NewNotification {
        event_id: event_id.to_owned(),
        user_id: 42,
        incentive_type: IncentiveType::StreakReward,
        notification_type: 85,
        priority: priority(1),
        message_title: "Seven days!".to_owned(),
        message_body: "You have earned 50 points.".to_owned(),
        incentive_data: r#"{"points_earned": 50}"#.to_owned(),
        occurred_at: now(),
        scheduled_at: None,
        expires_at: None,
        language: "en".to_owned(),
        variant: None,
        timezone: None,
        device_type: None,
        traceparent: None,
        status: Status::Pending,
        digest_event_id: None,
        stands_alone: false,
        beginning: Vec::new(),
    }
}

/// The same, with a priority and minutes since it was due.
fn due(event_id: &str, urgency: i64, minutes_ago: i64) -> NewNotification {
    NewNotification {
        priority: priority(urgency),
        scheduled_at: Some(now() - chrono::Duration::minutes(minutes_ago)),
        ..row(event_id)
    }
}

/// The same, past its `expires_at`.
fn expired(event_id: &str, urgency: i64) -> NewNotification {
    NewNotification {
        priority: priority(urgency),
        scheduled_at: Some(now() - chrono::Duration::hours(2)),
        expires_at: Some(now() - chrono::Duration::hours(1)),
        ..row(event_id)
    }
}

impl Bench {
    async fn insert(&self, rows: &[NewNotification]) -> Inserted {
        self.store.insert(rows).await.expect("inserted")
    }

    /// Rows of these events, due at once.
    async fn insert_events(&self, event_ids: &[&str]) {
        let rows: Vec<_> = event_ids.iter().map(|id| row(id)).collect();
        self.insert(&rows).await;
    }

    async fn try_claim(&self, limit: u32) -> Option<Claim> {
        let claimed = self
            .store
            .claim(limit, HOUR, &Claimant::Plain)
            .await
            .expect("claimed");
        claimed.claim
    }

    /// When to look again, where nothing is claimed.
    async fn next_due(&self) -> Option<Duration> {
        let claimed = self
            .store
            .claim(1, HOUR, &Claimant::Plain)
            .await
            .expect("an answer");
        assert!(claimed.claim.is_none(), "something is due");
        claimed.next_due
    }

    async fn claim(&self, limit: u32) -> Claim {
        self.try_claim(limit).await.expect("something to claim")
    }

    async fn row(&self, event_id: &str) -> Notification {
        let found = self
            .store
            .notification_of_event(event_id)
            .await
            .expect("an answer");
        found.unwrap_or_else(|| panic!("no row of {event_id}"))
    }

    async fn history(&self, event_id: &str) -> Vec<HistoryEntry> {
        let id = self.row(event_id).await.id;
        self.store.history(id).await.expect("an answer")
    }
}

fn ids(claim: &Claim) -> Vec<i64> {
    claim.rows.iter().map(|row| row.id).collect()
}

fn events(claim: &Claim) -> Vec<&str> {
    claim.rows.iter().map(|row| row.event_id.as_str()).collect()
}
