//! The server's version, and the schema.

use sqlx::AssertSqlSafe;
use sqlx::migrate::{Migrate as _, Migration};
use sqlx::mysql::MySqlConnection;

use super::super::migrations::{self, Applied};
use super::super::{Result, SchemaState, StoreError};
use super::error::{self, sorted};
use super::pool::max_allowed_packet;
use super::sizes::LEAST_PACKET;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/mysql");

/// How long an instance waits while another migrates.
const LOCK_WAIT_S: i64 = 600;

/// Its name, checked against what the claims need.
pub(super) async fn server(connection: &mut MySqlConnection) -> Result<String> {
    let version: String = sqlx::query_scalar("SELECT CAST(VERSION() AS CHAR)")
        .fetch_one(&mut *connection)
        .await
        .map_err(sorted)?;
    if let Some(refused) = unfit(&version) {
        return Err(StoreError::Refused(refused));
    }
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
    let packet = max_allowed_packet(connection).await.map_err(sorted)?;
    if packet < LEAST_PACKET {
        return Err(StoreError::Refused(format!(
            "the server takes statements of {packet} bytes only: set max_allowed_packet to {LEAST_PACKET} or more (64M is MySQL's default)"
        )));
    }
    Ok(format!("{name} {number}"))
}

/// Why a server that speaks MySQL's protocol can never work, by the version that it tells.
fn unfit(version: &str) -> Option<String> {
    let lower = version.to_ascii_lowercase();
    if lower.contains("tidb") {
        return Some(format!(
            "TiDB ({version}) takes no lock where SKIP LOCKED is asked for (tidb#69720), so that two instances would send the same \
             notification: use MySQL or MariaDB"
        ));
    }
    if ["vitess", "planetscale"].iter().any(|name| lower.contains(name)) {
        return Some(format!(
            "Vitess ({version}), which PlanetScale is too, has no JSON_TABLE, which is needed: use MySQL or MariaDB"
        ));
    }
    None
}

/// Runs what is missing; instances that start together wait for each other.
pub(super) async fn run(connection: &mut MySqlConnection) -> Result<Vec<i64>> {
    lock(connection).await?;
    let before = applied(connection).await?;
    let missing = migrations::missing(&MIGRATIONS, &before)?;
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    refuse_what_is_taken(connection, &migrations::makes(&missing, &before)).await?;
    failpoint!("store::migrate");
    connection
        .ensure_migrations_table(&MIGRATIONS.table_name)
        .await
        .map_err(|fault| migrations::failed(&fault))?;
    for migration in &missing {
        apply(connection, migration).await.map_err(sorted)?;
    }
    Ok(missing.iter().map(|migration| migration.version).collect())
}

/// Our tables.
pub(super) fn tables() -> Vec<String> {
    migrations::makes(&MIGRATIONS.iter().collect::<Vec<_>>(), &[])
}

/// Tables of other programs that have names of ours.
async fn refuse_what_is_taken(connection: &mut MySqlConnection, names: &[String]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let taken: Option<String> = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT CAST(table_name AS CHAR) FROM information_schema.tables \
         WHERE table_schema = DATABASE() AND table_name IN ({}) ORDER BY table_name LIMIT 1",
        migrations::listed(names)
    )))
    .fetch_optional(connection)
    .await
    .map_err(sorted)?;
    taken.map_or(Ok(()), |name| Err(migrations::taken(&format!("table {name}"))))
}

/// Runs one migration, statement by statement. The server commits each by itself, so that whoever dies in between leaves it
/// half done: a row without success says so, and the next one does every statement again.
async fn apply(connection: &mut MySqlConnection, migration: &Migration) -> sqlx::Result<()> {
    failpoint!("store::migrate");
    sqlx::query(
        "INSERT IGNORE INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (?, ?, FALSE, ?, 0)",
    )
    .bind(migration.version)
    .bind(&*migration.description)
    .bind(&*migration.checksum)
    .execute(&mut *connection)
    .await?;
    for statement in migrations::statements(migration.sql.as_str()) {
        failpoint!("store::migrate");
        match sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut *connection)
            .await
        {
            Err(sqlx::Error::Database(fault)) if error::is_made_already(fault.as_ref()) => {}
            other => {
                other?;
            }
        }
    }
    failpoint!("store::migrate");
    sqlx::query("UPDATE _sqlx_migrations SET success = TRUE WHERE version = ?")
        .bind(migration.version)
        .execute(connection)
        .await
        .map(drop)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_can_never_work_are_refused_by_name() {
        for (version, name, reason) in [
            ("8.0.11-TiDB-v8.5.1", "TiDB", "SKIP LOCKED"),
            ("8.0.30-Vitess", "Vitess", "JSON_TABLE"),
            ("8.0.23-PlanetScale", "PlanetScale", "JSON_TABLE"),
        ] {
            let why = unfit(version).expect("a reason");
            assert!(why.contains(name) && why.contains(reason), "{why}");
        }
        for version in ["8.0.36", "9.7.0", "10.11.6-MariaDB-0+deb12u1-log", "8.0.36-28.1"] {
            assert_eq!(unfit(version), None);
        }
    }
}
