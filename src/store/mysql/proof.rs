//! Whether the server locks what it says it locks, and whether it can write.

use std::time::Duration;

use sqlx::{Connection, MySqlConnection};
use uuid::Uuid;

use super::super::{Result, StoreError};
use super::error::{Answer, sorted};

const CONTEND: &str = "SELECT id FROM incentive_notify_lock_probe WHERE id = 1 FOR UPDATE SKIP LOCKED";
/// How often the row is asked for while other instances prove the same.
const TRIES: u32 = 200;

/// Two connections contend for one row.
pub(super) async fn claims_exclude(first: &mut MySqlConnection, second: &mut MySqlConnection) -> Result<()> {
    let servers = (name(first).await?, name(second).await?);
    if servers.0 != servers.1 {
        return Err(StoreError::Refused(format!(
            "database.url leads to more than one server ({} and {}): locks of one do not hold on the other, so that two instances \
             would send the same notification; name one writer, or let the proxy send all connections to it",
            servers.0, servers.1
        )));
    }
    for _ in 0..TRIES {
        let mut holder = first.begin().await.map_err(sorted)?;
        let held = contend(&mut holder).await?;
        let taken = if held {
            let mut contender = second.begin().await.map_err(sorted)?;
            let taken = contend(&mut contender).await?;
            contender.rollback().await.map_err(sorted)?;
            Some(taken)
        } else {
            None
        };
        holder.rollback().await.map_err(sorted)?;
        match taken {
            Some(false) => return Ok(()),
            Some(true) => {
                return Err(StoreError::Refused(
                    "this server accepts FOR UPDATE SKIP LOCKED and does not lock: two instances would send the same \
                     notification; use MySQL 8.0+ or MariaDB 10.6+"
                        .to_owned(),
                ));
            }
            // Another instance proves the same at this moment.
            None => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    Err(StoreError::Schema(
        "the row of incentive_notify_lock_probe is missing, or locked all the time: if SELECT shows none, \
         INSERT INTO incentive_notify_lock_probe (id) VALUES (1)"
            .to_owned(),
    ))
}

/// Which server this is.
async fn name(connection: &mut MySqlConnection) -> Result<String> {
    sqlx::query_scalar("SELECT CAST(CONCAT(@@hostname, ':', @@port, ', server_id ', @@server_id) AS CHAR)")
        .fetch_one(connection)
        .await
        .map_err(|fault| sorted(fault).into())
}

async fn contend(connection: &mut MySqlConnection) -> Result<bool> {
    let row = sqlx::query(CONTEND)
        .fetch_optional(connection)
        .await
        .map_err(sorted)?;
    Ok(row.is_some())
}

/// A connection for [`write`].
pub(super) async fn writer(mut connection: MySqlConnection) -> Result<MySqlConnection> {
    // FLUSH TABLES WITH READ LOCK and DDL hold statements up for `lock_wait_timeout`, by default a year. Nobody waits that
    // long for this one: it must not stay on the server.
    sqlx::raw_sql("SET SESSION lock_wait_timeout = 30")
        .execute(&mut connection)
        .await
        .map_err(sorted)?;
    Ok(connection)
}

/// Writes and commits. A statement that changes nothing would prove nothing: the server leaves it out.
pub(super) async fn write(connection: &mut MySqlConnection) -> Result<()> {
    insert_and_delete(connection)
        .await
        .map_err(|fault| match sorted(fault) {
            Answer::Again(why) => StoreError::Away(format!("no write can be done: {why}")),
            answer => answer.into(),
        })
}

async fn insert_and_delete(connection: &mut MySqlConnection) -> sqlx::Result<()> {
    // Another for each, never 1, which is there: instances that do the same at this moment do not wait for each other.
    let id = (Uuid::new_v4().as_u64_pair().0 >> 34) | 2;
    let mut transaction = connection.begin().await?;
    for statement in [
        "INSERT INTO incentive_notify_lock_probe (id) VALUES (?)",
        "DELETE FROM incentive_notify_lock_probe WHERE id = ?",
    ] {
        sqlx::query(statement).bind(id).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}
