//! What `inq check` looks at beside what the service must have.

use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

use super::super::{Result, StoreError};
use super::error::{is_access_denied, is_unknown_variable, sorted};
use super::migrate;

/// Tries every right that the service needs on its tables, with statements that change no row.
///
/// # Errors
/// For the first right that is missing, with the statement that grants it.
pub(super) async fn require_rights(connection: &mut MySqlConnection) -> Result<()> {
    let mut transaction = connection.begin().await.map_err(sorted)?;
    for table in migrate::tables() {
        for (right, statement) in [
            ("SELECT", format!("SELECT 1 FROM {table} LIMIT 0")),
            (
                "INSERT",
                format!("INSERT INTO {table} SELECT * FROM {table} WHERE FALSE"),
            ),
            (
                "UPDATE",
                format!(
                    "UPDATE {table} SET {column} = {column} WHERE FALSE",
                    column = column(&table)
                ),
            ),
            ("DELETE", format!("DELETE FROM {table} WHERE FALSE")),
        ] {
            match sqlx::raw_sql(AssertSqlSafe(statement))
                .execute(&mut *transaction)
                .await
            {
                Ok(_) => {}
                Err(sqlx::Error::Database(fault)) if is_access_denied(fault.as_ref()) => {
                    return Err(StoreError::Refused(format!(
                        "the database user lacks the right {right} on {table}: GRANT SELECT, INSERT, UPDATE, DELETE ON the database of \
                         database.url TO the user (docs/operate/rights.md)"
                    )));
                }
                Err(fault) => return Err(sorted(fault).into()),
            }
        }
    }
    transaction.rollback().await.map_err(|fault| sorted(fault).into())
}

/// A column of a table of ours.
fn column(table: &str) -> &'static str {
    if table.starts_with("user_")
        || table.ends_with("_forgotten")
        || table.ends_with("_readers")
        || table.ends_with("_cancellations")
    {
        "user_id"
    } else if table.ends_with("_ended_claims") {
        "claim_id"
    } else {
        "id"
    }
}

/// What of the server's settings weakens what the service promises, each with the remedy.
pub(super) async fn warnings(connection: &mut MySqlConnection) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    for (variable, lost, remedy) in [
        (
            "innodb_flush_log_at_trx_commit",
            "a commit that was answered can be lost when the machine loses power, and what was stored or sent is then forgotten",
            "SET PERSIST innodb_flush_log_at_trx_commit = 1, or set it in the server's configuration",
        ),
        (
            "sync_binlog",
            "a replica or a restore from the binary log can lack the last commits after a power cut, so that a fail-over to it loses them",
            "SET PERSIST sync_binlog = 1, or set it in the server's configuration",
        ),
    ] {
        let value = global(connection, variable).await?;
        if value.as_ref().is_some_and(|value| value != "1") {
            let value = value.unwrap_or_default();
            warnings.push(format!("{variable} = {value}: {lost}; {remedy}"));
        }
    }
    if global(connection, "group_replication_single_primary_mode")
        .await?
        .as_deref()
        == Some("0")
    {
        warnings.push(
            "group replication has more than one primary: all instances must write to the same one, for locks of one do not hold on another"
                .to_owned(),
        );
    }
    if global(connection, "wsrep_on").await?.as_deref() == Some("1") {
        warnings.push(
            "the server is a node of a Galera cluster: all instances must write to the same node, for locks of one do not hold on another"
                .to_owned(),
        );
    }
    let name = global(connection, "version_comment").await?.unwrap_or_default();
    if name.contains("XtraDB Cluster") {
        warnings.push(
            "Percona XtraDB Cluster: a node without the fix of PXC-5099 (merged in March 2026) can crash on the SKIP LOCKED with which claims \
             are made; use a release that has it"
                .to_owned(),
        );
    }
    warnings.extend(login(connection).await?);
    Ok(warnings)
}

/// A login that works only as long as the server has it in its cache.
async fn login(connection: &mut MySqlConnection) -> Result<Option<String>> {
    let cipher = sqlx::raw_sql("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        .fetch_optional(&mut *connection)
        .await
        .map_err(sorted)?;
    let cipher: Option<String> = cipher.and_then(|row| sqlx::Row::try_get_unchecked(&row, 1).ok());
    if cipher.is_some_and(|cipher| !cipher.is_empty()) {
        return Ok(None);
    }
    // Everybody may ask this of themselves; where it is not known there is nothing to say.
    let user = sqlx::raw_sql("SHOW CREATE USER CURRENT_USER()")
        .fetch_optional(connection)
        .await;
    let user: Option<String> = user
        .ok()
        .flatten()
        .and_then(|row| sqlx::Row::try_get_unchecked(&row, 0).ok());
    Ok(user.filter(|user| user.contains("caching_sha2_password")).map(|_| {
        "the connection has no TLS and the user logs in with caching_sha2_password: after a restart of the server the login will fail; \
         set ssl-mode=REQUIRED in database.url"
            .to_owned()
    }))
}

/// A global variable; `None` where the server does not know it.
async fn global(connection: &mut MySqlConnection, variable: &str) -> Result<Option<String>> {
    let text = format!("SELECT CAST(@@GLOBAL.{variable} AS CHAR)");
    match sqlx::query_scalar(AssertSqlSafe(text))
        .fetch_one(connection)
        .await
    {
        Ok(value) => Ok(value),
        Err(sqlx::Error::Database(fault)) if is_unknown_variable(fault.as_ref()) => Ok(None),
        Err(fault) => Err(sorted(fault).into()),
    }
}
