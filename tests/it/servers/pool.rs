//! Databases that are migrated once in a process and handed from test to test.
//!
//! The migrations run in one database of each server, the template, which no test uses. A new database of the pool gets copies
//! of its tables; one that a test has given back is emptied when the next test takes it. What a process leaves is removed by a
//! later one.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use sqlx::mysql::MySqlConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection, Row};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::{DATABASE_PREFIX, Database, is_left_over};
use crate::inq::eventually;

/// Two databases must not take each other for themselves.
const NEW_IDENTITY: &str = "UPDATE incentive_notify_identity SET id = UUID()";
const NEW_IDENTITY_SQLITE: &str = "UPDATE incentive_notify_identity SET id = lower(hex(randomblob(16)))";

/// The template of a server: its database and its tables.
struct Template {
    name: String,
    tables: Vec<Table>,
}

struct Table {
    name: String,
    /// Whether the migrations have put rows into it.
    is_filled: bool,
    /// Whether it numbers its rows, so that even an empty one remembers its past.
    is_numbered: bool,
}

/// What is known of a server.
#[derive(Default)]
struct Server {
    template: OnceCell<Template>,
    idle: Mutex<Vec<String>>,
}

static SERVERS: LazyLock<Mutex<HashMap<String, &'static Server>>> = LazyLock::new(Mutex::default);

fn server(url: String) -> &'static Server {
    let mut servers = SERVERS.lock().unwrap_or_else(PoisonError::into_inner);
    servers
        .entry(url)
        .or_insert_with(|| Box::leak(Box::<Server>::default()))
}

/// A database with the schema and nothing in it.
pub(super) async fn take(url: String) -> Database {
    let server = server(url.clone());
    let template = server.template.get_or_init(|| make_template(&url)).await;
    let mut connection = connect(&url).await;
    loop {
        let idle = server.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(name) = idle else { break };
        run(&mut connection, &format!("USE {name}")).await;
        if has_all_tables(&mut connection, template).await {
            empty(&mut connection, template, &name).await;
            connection.close().await.expect("closed");
            return Database::named(&url, name, true);
        }
        // A test has changed the schema.
        run(&mut connection, &format!("DROP DATABASE {name}")).await;
    }
    let database = Database::on_server(&url).await;
    let (_, name) = database.server.expect("a server");
    copy(&mut connection, template, &name).await;
    connection.close().await.expect("closed");
    Database::named(&url, name, true)
}

/// Takes a database back. It is emptied when it is taken again: what a killed process has left running has ended by then.
pub(super) fn give_back(url: String, name: String) {
    let server = server(url);
    server
        .idle
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(name);
}

/// Removes what earlier test runs have left: the databases of the pool, and of tests that failed.
async fn remove_left_overs(url: &str) {
    let mut connection = connect(url).await;
    let names: Vec<String> =
        sqlx::query_scalar("SELECT CAST(schema_name AS CHAR) FROM information_schema.schemata")
            .fetch_all(&mut connection)
            .await
            .expect("the databases");
    for name in names.iter().filter(|name| is_left_over(DATABASE_PREFIX, name)) {
        run(&mut connection, &format!("DROP DATABASE IF EXISTS {name}")).await;
    }
    connection.close().await.expect("closed");
}

async fn make_template(url: &str) -> Template {
    remove_left_overs(url).await;
    let database = Database::on_server(url).await;
    let store = inq::store::open(&database.url, 1).expect("a store");
    store.migrate().await.expect("migrated");
    store.close().await;
    let mut connection = connect(&database.url).await;
    let mut tables = Vec::new();
    for (name, is_numbered) in tables_of(&mut connection).await {
        let is_filled = sqlx::raw_sql(AssertSqlSafe(format!("SELECT 1 FROM {name} LIMIT 1")))
            .fetch_optional(&mut connection)
            .await
            .expect("an answer")
            .is_some();
        tables.push(Table {
            name,
            is_filled,
            is_numbered,
        });
    }
    connection.close().await.expect("closed");
    let (_, name) = database.server.expect("a server");
    Template { name, tables }
}

/// The tables of the connection's database, and whether each numbers its rows.
async fn tables_of(connection: &mut MySqlConnection) -> Vec<(String, bool)> {
    let rows = sqlx::query(
        "SELECT CAST(table_name AS CHAR), MAX(extra = 'auto_increment') FROM information_schema.columns \
         WHERE table_schema = DATABASE() GROUP BY table_name ORDER BY table_name",
    )
    .fetch_all(connection)
    .await
    .expect("the tables");
    rows.iter()
        .map(|row| (row.get(0), row.get::<i64, _>(1) != 0))
        .collect()
}

async fn has_all_tables(connection: &mut MySqlConnection, template: &Template) -> bool {
    let found = tables_of(connection).await;
    let wanted = template.tables.iter().map(|table| &table.name);
    found.iter().map(|(name, _)| name).eq(wanted)
}

async fn copy(connection: &mut MySqlConnection, template: &Template, name: &str) {
    let script: String = template
        .tables
        .iter()
        .map(|table| {
            let (from, table_name) = (&template.name, &table.name);
            let made = format!("CREATE TABLE {name}.{table_name} LIKE {from}.{table_name};");
            made + &template.filled(table, name)
        })
        .collect();
    run(connection, &format!("{script} USE {name}; {NEW_IDENTITY}")).await;
}

impl Template {
    /// The statement that copies the rows of a table, where it has some.
    fn filled(&self, table: &Table, name: &str) -> String {
        let (from, table_name) = (&self.name, &table.name);
        if table.is_filled {
            format!("INSERT INTO {name}.{table_name} SELECT * FROM {from}.{table_name};")
        } else {
            String::new()
        }
    }
}

/// The connections of others to a database.
async fn others_connections(connection: &mut MySqlConnection, name: &str) -> Vec<u64> {
    let mut found = Vec::new();
    eventually("the server shows its connections", async || {
        let look = sqlx::query_scalar(
            "SELECT CAST(id AS UNSIGNED) FROM information_schema.processlist \
             WHERE db = ? AND id <> CONNECTION_ID()",
        );
        match look.bind(name).fetch_all(&mut *connection).await {
            Ok(connections) => {
                found = connections;
                true
            }
            // The list has the statements, too, and MySQL fails at one with bytes that are no text.
            Err(_) => false,
        }
    })
    .await;
    found
}

/// Makes it as [`copy`] has made it.
async fn empty(connection: &mut MySqlConnection, template: &Template, name: &str) {
    for connection_id in others_connections(connection, name).await {
        // It may have ended by itself.
        let _ended = sqlx::raw_sql(AssertSqlSafe(format!("KILL {connection_id}")))
            .execute(&mut *connection)
            .await;
    }
    let looks: Vec<_> = template
        .tables
        .iter()
        .map(|table| format!("SELECT EXISTS (SELECT 1 FROM {}) AS has_rows", table.name))
        .collect();
    let used: Vec<bool> = sqlx::raw_sql(AssertSqlSafe(looks.join(" UNION ALL ")))
        .fetch_all(&mut *connection)
        .await
        .expect("an answer")
        .iter()
        .map(|row| row.get::<i64, _>(0) != 0)
        .collect();
    let emptied: Vec<_> = template
        .tables
        .iter()
        .zip(used)
        .filter(|(table, has_rows)| *has_rows || table.is_numbered || table.is_filled)
        .map(|(table, _)| format!("TRUNCATE TABLE {};{}", table.name, template.filled(table, name)))
        .collect();
    let script = emptied.concat();
    run(connection, &format!("{script} {NEW_IDENTITY}")).await;
}

async fn connect(url: &str) -> MySqlConnection {
    MySqlConnection::connect(url).await.expect("a connection")
}

async fn run(connection: &mut MySqlConnection, script: &str) {
    sqlx::raw_sql(AssertSqlSafe(script.to_owned()))
        .execute(connection)
        .await
        .unwrap_or_else(|fault| panic!("{script}: {fault}"));
}

/// Puts a migrated SQLite file where the URL says.
pub(super) async fn copy_file(url: &str) {
    static FILE: OnceCell<(TempDir, String)> = OnceCell::const_new();
    let (_, template) = FILE
        .get_or_init(async || {
            let folder = TempDir::new().expect("a folder");
            let path = folder.path().join("template.db").display().to_string();
            let store = inq::store::open(&format!("sqlite://{path}"), 1).expect("a store");
            store.migrate().await.expect("migrated");
            store.close().await;
            (folder, path)
        })
        .await;
    let path = url.strip_prefix("sqlite://").expect("a file");
    std::fs::copy(template, path).expect("copied");
    let mut connection = SqliteConnection::connect(url).await.expect("a connection");
    sqlx::raw_sql(NEW_IDENTITY_SQLITE)
        .execute(&mut connection)
        .await
        .expect("a new identity");
    connection.close().await.expect("closed");
}
