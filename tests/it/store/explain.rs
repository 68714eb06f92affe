//! The statements of the hot path use the index that they are meant to, on both servers.

use inq::contract::{Preference, PreferenceChange};
use inq::store::mysql::explained;
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection, Row};

use super::due;
use crate::servers::Database;

/// One line of an explanation: the table, how it is read, by which index.
#[derive(Debug)]
struct Access {
    table: String,
    kind: String,
    key: String,
    rows: u64,
    extra: String,
}

async fn explain(server: &str, connection: &mut MySqlConnection, statement: &str) -> Vec<Access> {
    // MySQL 9 draws a tree by default; MariaDB knows no other name for the table.
    let format = if server == "mysql" {
        "FORMAT = TRADITIONAL"
    } else {
        ""
    };
    let text = format!("EXPLAIN {format} {statement}");
    let rows = sqlx::raw_sql(AssertSqlSafe(text.as_str()))
        .fetch_all(connection)
        .await
        .unwrap_or_else(|fault| panic!("{text}: {fault}"));
    let text_of = |row: &sqlx::mysql::MySqlRow, column: &str| {
        let value: Option<String> = row.try_get_unchecked(column).expect("a column");
        value.unwrap_or_default()
    };
    rows.iter()
        .map(|row| Access {
            table: text_of(row, "table"),
            kind: text_of(row, "type"),
            key: text_of(row, "key"),
            rows: text_of(row, "rows").parse().unwrap_or(0),
            extra: text_of(row, "Extra"),
        })
        .collect()
}

/// As many readers, and everybody's parts.
fn habits(readers: usize) -> Vec<String> {
    let readers = i64::try_from(readers).expect("few");
    (-16..=readers)
        .map(|row| format!("({row}, '2026-01-01', '[]')"))
        .collect()
}

/// Some times as many as are read together.
fn readers(batch: usize) -> Vec<PreferenceChange> {
    (1..)
        .take(batch * 4)
        .map(|user_id: i64| {
            let text = format!(r#"{{"user_id":{user_id},"updated_at":"2026-01-31T12:00:00Z"}}"#);
            Preference::decode(Some(text.as_bytes()), 1000)
                .expect("a preference")
                .into()
        })
        .collect()
}

/// The server counts rows in the background, and plans by old counts until it has.
async fn analyze(connection: &mut MySqlConnection) {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT CAST(table_name AS CHAR) FROM information_schema.tables WHERE table_schema = DATABASE()",
    )
    .fetch_all(&mut *connection)
    .await
    .expect("the tables");
    sqlx::raw_sql(AssertSqlSafe(format!("ANALYZE TABLE {}", tables.join(", "))))
        .execute(connection)
        .await
        .expect("analyzed");
}

async fn statements_use_their_index(server: &'static str) {
    let Some(database) = Database::migrated(server).await else {
        return;
    };
    let store = inq::store::open(&database.url, 2).expect("a store");
    // Few rows, where a scan is most tempting, and more, where it hurts.
    for (more, batch) in [(0..40, 10), (40..3000, 500)] {
        let rows: Vec<_> = more
            .clone()
            .map(|number| due(&format!("event-{number}"), number % 5, number % 90 - 30))
            .collect();
        store.insert(&rows).await.expect("inserted");
        store.change_preferences(&readers(batch)).await.expect("readers");
        store.request_forgetting(7, "a test").await.expect("asked");
        let kept: Vec<_> = more
            .map(|user| format!("({user}, '{{}}', UTC_TIMESTAMP(3))"))
            .collect();
        database
            .execute(&format!(
                "INSERT INTO incentive_notify_readers (user_id, places, kept_until) VALUES {}",
                kept.join(", ")
            ))
            .await;
        let habits = habits(batch).join(", ");
        database
            .execute(&format!(
                "REPLACE INTO user_habits (user_id, as_of, hours) VALUES {habits}"
            ))
            .await;
        let mut connection = MySqlConnection::connect(&database.url)
            .await
            .expect("a connection");
        analyze(&mut connection).await;
        for statement in explained(batch) {
            let accesses = explain(server, &mut connection, &statement.text).await;
            let ours: Vec<_> = accesses
                .iter()
                .filter(|access| {
                    access.table.starts_with("incentive_notify") || access.table.starts_with("user_")
                })
                .collect();
            assert_eq!(ours.len(), statement.accesses, "{}: {accesses:?}", statement.name);
            for access in ours {
                let fine = statement.indexes.contains(&access.key.as_str())
                    && ["range", "ref", "eq_ref", "const"].contains(&access.kind.as_str())
                    && !access.extra.contains("filesort");
                assert!(fine, "{server}, {}: {accesses:?}", statement.name);
                assert!(access.rows <= 3000);
            }
        }
        connection.close().await.expect("closed");
    }
    store.close().await;
    database.drop().await;
}

#[tokio::test]
async fn statements_use_their_index_on_mysql() {
    statements_use_their_index("mysql").await;
}

#[tokio::test]
async fn statements_use_their_index_on_mariadb() {
    statements_use_their_index("mariadb").await;
}
