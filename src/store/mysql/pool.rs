//! The pool: what each new connection is asked, and which ones are not used any more.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlPool, MySqlPoolOptions};

use super::{ACQUIRE, session, sizes};

/// Since when connections are not used any more that were made before.
///
/// After a fail-over the old primary still answers, and refuses every write. A connection to it is in order for the pool, so that
/// it would be handed out for as long as it lives.
#[derive(Default)]
pub(super) struct Retired(Mutex<Option<Instant>>);

impl Retired {
    /// Retires every connection that there is.
    pub(super) fn all(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether a connection of this age is retired.
    fn holds(&self, age: Duration) -> bool {
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| age >= since.elapsed())
    }
}

/// Nothing is connected yet.
pub(super) fn open(
    options: MySqlConnectOptions,
    max_connections: u32,
    sizes: Arc<sizes::Rows>,
    retired: Arc<Retired>,
) -> MySqlPool {
    MySqlPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE)
        .after_connect(move |connection, _| {
            let sizes = Arc::clone(&sizes);
            Box::pin(async move {
                session::set(connection).await?;
                // Of each: it may have been changed, and behind one name there may be another server now.
                sizes.set_packet(max_allowed_packet(connection).await?);
                Ok(())
            })
        })
        .before_acquire(move |_, meta| {
            let keep = !retired.holds(meta.age);
            Box::pin(async move { Ok(keep) })
        })
        .connect_lazy_with(options)
}

/// How long a statement the server takes.
pub(super) async fn max_allowed_packet(connection: &mut MySqlConnection) -> sqlx::Result<u64> {
    let row = sqlx::raw_sql("SELECT CAST(@@max_allowed_packet AS UNSIGNED) AS bytes")
        .fetch_one(connection)
        .await?;
    sqlx::Row::try_get(&row, "bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_from_before_are_retired_and_new_ones_are_not() {
        let retired = Retired::default();
        assert!(!retired.holds(Duration::from_hours(1)));
        retired.all();
        assert!(retired.holds(Duration::from_hours(1)));
        assert!(!retired.holds(Duration::ZERO));
    }
}
