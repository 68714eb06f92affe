//! The pool: what each new connection is asked, and which ones are not used any more.

use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::ConnectOptions;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlPool, MySqlPoolOptions};

use super::super::{Result, StoreError};
use super::{ACQUIRE, error, session, sizes};

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

/// The driver would take a file that cannot be read for a server that is away.
fn require_tls_files(url: &str) -> Result<()> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    for (name, file) in url::form_urlencoded::parse(query.as_bytes()) {
        let is_file = matches!(
            &*name,
            "ssl-ca" | "sslca" | "ssl-cert" | "sslcert" | "ssl-key" | "sslkey"
        );
        if let Some(fault) = is_file.then(|| std::fs::File::open(&*file).err()).flatten() {
            return Err(StoreError::Refused(format!(
                "database.url: {name} {file:?} cannot be read: {fault}"
            )));
        }
    }
    Ok(())
}

/// How connections to this URL are made.
pub(super) fn options(url: &str) -> Result<MySqlConnectOptions> {
    require_tls_files(url)?;
    let options = MySqlConnectOptions::from_str(url)
        .map_err(|fault| StoreError::Refused(format!("database.url: {fault}")))?
        .charset("utf8mb4")
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone("+00:00".to_owned())
        // It would log whole statements, readers' texts in them.
        .disable_statement_logging();
    if options.get_database().is_none() {
        return Err(error::no_database());
    }
    Ok(options)
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
pub(super) async fn max_allowed_packet(connection: &mut MySqlConnection) -> sqlx::Result<usize> {
    let row = sqlx::raw_sql("SELECT CAST(@@max_allowed_packet AS UNSIGNED) AS bytes")
        .fetch_one(connection)
        .await?;
    let bytes: u64 = sqlx::Row::try_get(&row, "bytes")?;
    Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
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
