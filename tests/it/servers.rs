//! Where the real servers are. `scripts/test` starts them and names them in the environment.

mod pool;

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::mysql::MySqlConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection};
use tempfile::TempDir;
use uuid::Uuid;

/// The servers that must be there, separated by commas: `kafka`, `mysql`, `mariadb`, and `chromium`.
const REQUIRED: &str = "INQ_TEST_REQUIRE";

fn is_required(server: &str) -> bool {
    std::env::var(REQUIRED).is_ok_and(|list| list.split(',').any(|name| name == server))
}

/// The value of a variable that names a server; without it the test is left out aloud, or fails where it is required.
pub fn named(server: &str, variable: &str) -> Option<String> {
    match std::env::var(variable) {
        Ok(value) if !value.is_empty() => Some(value),
        _ if is_required(server) => panic!("{server} is required and {variable} is not set"),
        _ => {
            eprintln!("LEFT OUT: needs {server}, and {variable} is not set; run scripts/test");
            None
        }
    }
}

#[test]
fn servers_that_are_required_are_named() {
    kafka_brokers();
    server_url("mysql");
    server_url("mariadb");
    chromium();
}

/// The program that drives a Chromium, and axe-core's script.
pub fn chromium() -> Option<(String, String)> {
    let driver = named("chromium", "INQ_TEST_CHROMEDRIVER")?;
    Some((driver, named("chromium", "INQ_TEST_AXE")?))
}

/// Kafka's bootstrap address.
pub fn kafka_brokers() -> Option<String> {
    named("kafka", "KAFKA_BROKERS")
}

/// The URL of a server, without a database: `mysql` or `mariadb`.
pub fn server_url(server: &str) -> Option<String> {
    named(server, &format!("INQ_TEST_{}_URL", server.to_uppercase()))
}

/// How long a test run lasts at most, should its process id be used again.
const LONGEST_RUN: Duration = Duration::from_hours(2);

/// A name that is used once, and tells when and by which process.
pub fn unique_name(prefix: &str) -> String {
    let process = std::process::id();
    format!("{prefix}{}_{process}_{}", now_s(), Uuid::new_v4().simple())
}

/// Whether a name of [`unique_name`] is of a test run that has ended.
pub fn is_left_over(prefix: &str, name: &str) -> bool {
    let made_by = |name: &str| -> Option<(u64, u32)> {
        let mut parts = name.strip_prefix(prefix)?.split('_');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    made_by(name).is_some_and(|(made_s, process)| {
        made_s + LONGEST_RUN.as_secs() < now_s() || !Path::new("/proc").join(process.to_string()).exists()
    })
}

fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("a clock after 1970").as_secs()
}

/// What the names of the tests' databases begin with.
const DATABASE_PREFIX: &str = "inq_test_";

/// A database of a test's own, on `mysql`, `mariadb` or `sqlite`.
pub struct Database {
    pub url: String,
    /// On a server: its URL and the database's name.
    server: Option<(String, String)>,
    /// Whether it belongs to the pool of migrated databases.
    pooled: bool,
    _folder: Option<TempDir>,
}

impl Database {
    /// An empty one, without tables; `None`, said aloud, where the server is not to be had.
    pub async fn fresh(server: &str) -> Option<Self> {
        if server == "sqlite" {
            return Some(Self::file());
        }
        Some(Self::on_server(&server_url(server)?).await)
    }

    /// One with the schema of this program and nothing in it, from the pool of its server; `None`, said aloud, where the
    /// server is not to be had.
    pub async fn migrated(server: &str) -> Option<Self> {
        if server == "sqlite" {
            let database = Self::file();
            pool::copy_file(&database.url).await;
            return Some(database);
        }
        Some(pool::take(server_url(server)?).await)
    }

    /// A path to a SQLite file that does not exist yet.
    fn file() -> Self {
        let folder = TempDir::new().expect("a folder");
        Self {
            url: format!("sqlite://{}", folder.path().join("test.db").display()),
            server: None,
            pooled: false,
            _folder: Some(folder),
        }
    }

    async fn on_server(server_url: &str) -> Self {
        let name = unique_name(DATABASE_PREFIX);
        execute(
            server_url,
            &format!("CREATE DATABASE {name} CHARACTER SET utf8mb4"),
        )
        .await;
        Self::named(server_url, name, false)
    }

    fn named(server_url: &str, name: String, pooled: bool) -> Self {
        Self {
            url: format!("{}/{name}", server_url.trim_end_matches('/')),
            server: Some((server_url.to_owned(), name)),
            pooled,
            _folder: None,
        }
    }

    /// One statement past the store, as an operator or a mishap would do it.
    pub async fn execute(&self, statement: &str) {
        if self.server.is_some() {
            return execute(&self.url, statement).await;
        }
        let mut connection = SqliteConnection::connect(&self.url).await.expect("a connection");
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut connection)
            .await
            .unwrap_or_else(|fault| panic!("{statement}: {fault}"));
        connection.close().await.expect("closed");
    }

    /// What a statement counts.
    pub async fn count(&self, statement: &str) -> i64 {
        let mut connection = MySqlConnection::connect(&self.url).await.expect("a connection");
        let count = sqlx::query_scalar(AssertSqlSafe(statement))
            .fetch_one(&mut connection)
            .await
            .unwrap_or_else(|fault| panic!("{statement}: {fault}"));
        connection.close().await.expect("closed");
        count
    }

    /// Keeps every other connection from a table until it is released.
    pub async fn hold(&self, table: &str) -> Hold {
        let mut connection = MySqlConnection::connect(&self.url).await.expect("a connection");
        sqlx::raw_sql(AssertSqlSafe(format!("LOCK TABLES {table} WRITE")))
            .execute(&mut connection)
            .await
            .expect("locked");
        Hold(connection)
    }

    /// Removes it, or returns it to the pool. A test that fails leaves it, to be looked at.
    pub async fn drop(self) {
        match self.server {
            Some((server, name)) if self.pooled => pool::give_back(server, name),
            Some((server, name)) => execute(&server, &format!("DROP DATABASE {name}")).await,
            None => {}
        }
    }
}

/// A table that nobody else can use.
pub struct Hold(MySqlConnection);

impl Hold {
    pub async fn release(self) {
        self.0.close().await.expect("closed");
    }
}

/// One statement on a MySQL or MariaDB server.
pub async fn execute(url: &str, statement: &str) {
    let mut connection = MySqlConnection::connect(url).await.expect("a connection");
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&mut connection)
        .await
        .unwrap_or_else(|fault| panic!("{statement}: {fault}"));
    connection.close().await.expect("closed");
}
