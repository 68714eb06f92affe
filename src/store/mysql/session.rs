//! What makes a session ours: strict, in UTC, READ COMMITTED, and gives a lock up after ten seconds.
//!
//! A session begins with the server's global variables. Those that would change what a statement means are set here, so
//! that it does the same on every server: how many rows a SELECT gives, whether a statement commits, whether a unique index
//! is looked at. Limits of time are the server's to set.

use sqlx::mysql::MySqlConnection;

use super::error;

macro_rules! session {
    ($isolation:literal) => {
        concat!(
            "SET SESSION ",
            $isolation,
            " = 'READ-COMMITTED', SESSION sql_mode = \
             'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE', \
             SESSION innodb_lock_wait_timeout = 10, SESSION autocommit = 1, SESSION completion_type = 0, \
             SESSION sql_select_limit = 18446744073709551615, SESSION sql_big_selects = 1, SESSION sql_safe_updates = 0, \
             SESSION unique_checks = 1"
        )
    };
}

const SESSION: &str = session!("transaction_isolation");
/// Where the variable still has its old name (MariaDB before 11.1).
const SESSION_OLD: &str = session!("tx_isolation");

pub(super) async fn set(connection: &mut MySqlConnection) -> sqlx::Result<()> {
    match sqlx::raw_sql(SESSION).execute(&mut *connection).await {
        Err(sqlx::Error::Database(fault)) if error::is_unknown_variable(fault.as_ref()) => {
            sqlx::raw_sql(SESSION_OLD).execute(connection).await.map(drop)
        }
        other => other.map(drop),
    }
}
