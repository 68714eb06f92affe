//! The server's version, and the schema.

use sqlx::mysql::MySqlConnection;

use super::super::migrations::{self, Applied};
use super::super::{Result, SchemaState, StoreError};
use super::error::sorted;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/mysql");

/// How long an instance waits while another migrates.
const LOCK_WAIT_S: i64 = 600;

/// Its name, checked against what the claims need.
pub(super) async fn server(connection: &mut MySqlConnection) -> Result<String> {
    let version: String = sqlx::query_scalar("SELECT CAST(VERSION() AS CHAR)")
        .fetch_one(connection)
        .await
        .map_err(sorted)?;
    let mariadb = version.to_ascii_lowercase().contains("mariadb");
    let number = version.split(['-', '+']).next().unwrap_or_default();
    let (name, least) = if mariadb {
        ("MariaDB", (10, 6, 0))
    } else {
        // The first with a collation that compares byte by byte and does not pad.
        ("MySQL", (8, 0, 17))
    };
    let mut parts = number.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    if (part(), part(), part()) < least {
        return Err(StoreError::Refused(format!(
            "{name} {number} is too old, {name} {}.{}.{} is needed (FOR UPDATE SKIP LOCKED)",
            least.0, least.1, least.2
        )));
    }
    Ok(format!("{name} {number}"))
}

/// Runs what is missing; instances that start together wait for each other.
pub(super) async fn run(connection: &mut MySqlConnection) -> Result<Vec<i64>> {
    lock(connection).await?;
    let before = applied(connection).await?;
    if !migrations::is_missing_some(&MIGRATIONS, &before)? {
        return Ok(Vec::new());
    }
    MIGRATIONS
        .run_direct(None, connection, false)
        .await
        .map_err(|fault| match fault {
            sqlx::migrate::MigrateError::Execute(fault) => sorted(fault).into(),
            other => migrations::failed(&other),
        })?;
    let after = applied(connection).await?;
    Ok(migrations::news(&before, &after))
}

/// Until the connection ends. The library's own lock waits forever on MySQL and not at all on MariaDB, which takes no
/// negative time-out.
async fn lock(connection: &mut MySqlConnection) -> Result<()> {
    let locked: Option<i64> =
        sqlx::query_scalar("SELECT CAST(GET_LOCK(CONCAT('inq migrates ', CRC32(DATABASE())), ?) AS SIGNED)")
            .bind(LOCK_WAIT_S)
            .fetch_one(connection)
            .await
            .map_err(sorted)?;
    match locked {
        Some(1) => Ok(()),
        _ => Err(StoreError::Away(format!(
            "another instance has been migrating the database for more than {LOCK_WAIT_S} s"
        ))),
    }
}

/// See [`super::super::Store::schema`].
pub(super) async fn schema(connection: &mut MySqlConnection) -> Result<SchemaState> {
    let applied = applied(connection).await?;
    migrations::check(&MIGRATIONS, &applied)?;
    Ok(migrations::state(&MIGRATIONS, &applied))
}

async fn applied(connection: &mut MySqlConnection) -> Result<Vec<Applied>> {
    let rows: sqlx::Result<Vec<(i64, Vec<u8>, bool)>> =
        sqlx::query_as("SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version")
            .fetch_all(connection)
            .await;
    match rows {
        Ok(rows) => Ok(rows.into_iter().map(Applied::from).collect()),
        Err(fault) => match StoreError::from(sorted(fault)) {
            // There is no such table yet.
            StoreError::Schema(_) => Ok(Vec::new()),
            other => Err(other),
        },
    }
}
