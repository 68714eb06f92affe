//! The server's version, and the schema.

use sqlx::mysql::{MySqlConnection, MySqlPool};

use super::super::migrations::{self, Applied};
use super::super::{Result, SchemaState, StoreError};
use super::error::sorted;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/mysql");

/// Its name, checked against what the claims need.
pub(super) async fn server(connection: &mut MySqlConnection) -> Result<String> {
    let version: String = sqlx::query_scalar("SELECT CAST(VERSION() AS CHAR)")
        .fetch_one(connection)
        .await
        .map_err(sorted)?;
    let mariadb = version.to_ascii_lowercase().contains("mariadb");
    let number = version.split(['-', '+']).next().unwrap_or_default();
    let (name, least) = if mariadb {
        ("MariaDB", (10, 6))
    } else {
        ("MySQL", (8, 0))
    };
    let mut parts = number.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if found < least {
        return Err(StoreError::Refused(format!(
            "{name} {number} is too old, {name} {}.{} is needed (FOR UPDATE SKIP LOCKED)",
            least.0, least.1
        )));
    }
    Ok(format!("{name} {number}"))
}

/// Runs what is missing; instances that start together wait for each other.
pub(super) async fn run(pool: &MySqlPool) -> Result<Vec<i64>> {
    let before = applied(pool).await?;
    migrations::check(&MIGRATIONS, &before)?;
    if migrations::state(&MIGRATIONS, &before) == migrations::state(&MIGRATIONS, &all_of_ours()) {
        return Ok(Vec::new());
    }
    MIGRATIONS.run(pool).await.map_err(|fault| match fault {
        sqlx::migrate::MigrateError::Execute(fault) => sorted(fault).into(),
        other => StoreError::Schema(format!("the migrations failed: {other}")),
    })?;
    let after = applied(pool).await?;
    Ok(migrations::news(&before, &after))
}

/// See [`super::super::Store::schema`].
pub(super) async fn schema(pool: &MySqlPool) -> Result<SchemaState> {
    let applied = applied(pool).await?;
    migrations::check(&MIGRATIONS, &applied)?;
    Ok(migrations::state(&MIGRATIONS, &applied))
}

fn all_of_ours() -> Vec<Applied> {
    migrations::known(&MIGRATIONS)
}

async fn applied(pool: &MySqlPool) -> Result<Vec<Applied>> {
    let rows: sqlx::Result<Vec<(i64, Vec<u8>, bool)>> =
        sqlx::query_as("SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version")
            .fetch_all(pool)
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
