//! `inq migrate`, killed in the middle and run again.

use std::collections::BTreeMap;

use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection, Row};

use crate::inq::inq;
use crate::servers::Database;

/// Passed before each step of a migration.
pub const DEADLY: &str = "store::migrate";
/// More steps than a migration has.
const MANY: usize = 200;

/// The tables as the server tells them, and how many rows each has.
async fn schema(database: &Database) -> BTreeMap<String, (String, i64)> {
    let mut connection = MySqlConnection::connect(&database.url)
        .await
        .expect("a connection");
    let tables = sqlx::query_scalar(
        "SELECT CAST(table_name AS CHAR) FROM information_schema.tables WHERE table_schema = DATABASE()",
    );
    let tables: Vec<String> = tables.fetch_all(&mut connection).await.expect("the tables");
    let mut schema = BTreeMap::new();
    for table in tables {
        let text = AssertSqlSafe(format!("SHOW CREATE TABLE {table}"));
        let row = sqlx::raw_sql(text)
            .fetch_one(&mut connection)
            .await
            .expect("a table");
        let rows = sqlx::query_scalar(AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}")));
        let rows = rows.fetch_one(&mut connection).await.expect("a count");
        schema.insert(table, (row.get_unchecked(1), rows));
    }
    connection.close().await.expect("closed");
    schema
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_killed_at_any_statement_is_finished_by_the_next() {
    for server in ["mysql", "mariadb"] {
        let (Some(whole), Some(killed)) = (Database::fresh(server).await, Database::fresh(server).await)
        else {
            return;
        };
        assert!(
            inq(&[("DATABASE_URL", &whole.url)], &["migrate"])
                .status
                .success()
        );
        // Each dies one step later than the last one, and finds what that one has left.
        let mut deaths = 0;
        let last = loop {
            let dies = format!("{DEADLY}={deaths}*off->1*return");
            let run = inq(
                &[("DATABASE_URL", &killed.url), ("FAILPOINTS", &dies)],
                &["migrate"],
            );
            if run.status.code().is_some() {
                break run;
            }
            deaths += 1;
            assert!(deaths < MANY, "it never ends");
        };
        assert!(last.status.success(), "{}", String::from_utf8_lossy(&last.stderr));
        let tables = schema(&whole).await;
        assert!(deaths > tables.len(), "{deaths} deaths");
        assert_eq!(schema(&killed).await, tables);
        for (table, rows) in [
            ("identity", 1),
            ("maintenance", 1),
            ("lock_probe", 1),
            ("queue", 0),
        ] {
            assert_eq!(tables[&format!("incentive_notify_{table}")].1, rows, "{table}");
        }
        whole.drop().await;
        killed.drop().await;
    }
}

#[tokio::test]
async fn the_schema_of_a_newer_program_fails_migrate_as_it_fails_check() {
    let database = Database::fresh("sqlite").await.expect("a file");
    let environment = [("DATABASE_URL", database.url.as_str())];
    assert!(inq(&environment, &["migrate"]).status.success());
    assert!(inq(&environment, &["migrate"]).status.success());
    database
        .execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (20991231, 'of the future', true, 'x', 0)",
        )
        .await;
    let output = inq(&environment, &["migrate"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("newer than this program") && told.contains("run a newer inq"),
        "{told}"
    );
}
