//! The servers' error numbers, sorted by what can be done.

use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;

use super::super::StoreError;

/// An error of one try of a transaction.
#[derive(Debug)]
pub(super) enum Answer {
    /// The server has ended the transaction for the sake of another: do it again at once.
    Again(String),
    /// What was to be stored is there already.
    Known(String),
    /// The server answers and takes no writes, as after a fail-over: the connection is of no use.
    ReadOnly(String),
    /// Anything else.
    Final(StoreError),
}

impl From<Answer> for StoreError {
    fn from(answer: Answer) -> Self {
        match answer {
            // It was done again as often as makes sense; later it may fare better.
            Answer::Again(why) | Answer::Known(why) => Self::Unexpected(why),
            Answer::ReadOnly(why) => Self::Away(format!("it takes no writes now ({why})")),
            Answer::Final(error) => error,
        }
    }
}

impl From<StoreError> for Answer {
    fn from(error: StoreError) -> Self {
        Self::Final(error)
    }
}

impl From<sqlx::Error> for Answer {
    fn from(error: sqlx::Error) -> Self {
        sorted(error)
    }
}

/// Sorts an error.
pub(super) fn sorted(error: sqlx::Error) -> Answer {
    let text = one_line(&error.to_string());
    match error {
        sqlx::Error::Database(fault) => match number(fault.as_ref()) {
            Some(number) => by_number(number, one_line(fault.message())),
            None => Answer::Final(StoreError::Unexpected(text)),
        },
        // What rustls thinks of a certificate comes as an I/O error.
        sqlx::Error::Io(fault) if fault.kind() == std::io::ErrorKind::InvalidData => no_tls(&text),
        sqlx::Error::PoolTimedOut => Answer::Final(StoreError::NoConnection(super::ACQUIRE.as_secs())),
        sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            Answer::Final(StoreError::Away(text))
        }
        sqlx::Error::Tls(_) => no_tls(&text),
        sqlx::Error::Configuration(_) if text.contains("RSA auth backend") => no_plain_login(),
        sqlx::Error::Configuration(_) => Answer::Final(StoreError::Refused(format!("database.url: {text}"))),
        _ => Answer::Final(StoreError::Unexpected(text)),
    }
}

fn no_tls(text: &str) -> Answer {
    Answer::Final(StoreError::Refused(format!(
        "no TLS with the database: {text}: check ssl-mode and ssl-ca in database.url"
    )))
}

/// The server asks for the password itself, as it does once after each start and for each new user, and the driver sends it
/// over TLS alone.
fn no_plain_login() -> Answer {
    Answer::Final(StoreError::Refused(
        "the database wants the whole password (caching_sha2_password or sha256_password; again after each restart of the server), \
         which is sent over TLS only: set ssl-mode=REQUIRED in database.url, or VERIFY_CA with ssl-ca, and switch TLS on at the \
         server"
            .to_owned(),
    ))
}

/// Whether the connection ended while a statement was sent or its answer was waited for.
pub(super) fn is_cut(fault: &sqlx::Error) -> bool {
    use std::io::ErrorKind;
    matches!(fault, sqlx::Error::Io(fault) if matches!(
        fault.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::UnexpectedEof
    ))
}

/// Whether the server says that a statement or a transaction is too long.
pub(super) fn is_too_large(fault: &sqlx::Error) -> bool {
    matches!(fault, sqlx::Error::Database(fault) if matches!(number(fault.as_ref()), Some(1153 | 1197)))
}

/// The URL ends before the database.
pub(super) fn no_database() -> StoreError {
    StoreError::Refused(
        "database.url names no database: write mysql://USER:PASSWORD@HOST:PORT/DATABASE".to_owned(),
    )
}

fn number(fault: &dyn DatabaseError) -> Option<u16> {
    fault
        .try_downcast_ref::<MySqlDatabaseError>()
        .map(MySqlDatabaseError::number)
}

/// Whether a session variable does not exist on this server.
pub(super) fn is_unknown_variable(fault: &dyn DatabaseError) -> bool {
    number(fault) == Some(1193)
}

/// Whether a right is missing.
pub(super) fn is_access_denied(fault: &dyn DatabaseError) -> bool {
    matches!(number(fault), Some(1044 | 1142 | 1143 | 1227 | 1370))
}

/// Whether a statement would have made a column or an index that is there.
pub(super) fn is_made_already(fault: &dyn DatabaseError) -> bool {
    matches!(number(fault), Some(1060 | 1061))
}

fn by_number(number: u16, text: String) -> Answer {
    Answer::Final(match number {
        // Deadlock; lock wait time-out; a row changed since the snapshot (MariaDB 11.6.2+).
        1213 | 1205 | 1020 => return Answer::Again(text),
        1062 => return Answer::Known(text),
        // Read-only, the transaction or the server; a node of a cluster that is not part of it, or is taken out.
        1290 | 1792 | 1836 | 1047 | 3032 => return Answer::ReadOnly(text),
        // Longer than a packet, or than the binary log's cache: fewer rows may do, and for one row there is no hope.
        1153 | 1197 => StoreError::Data(format!("too much at once: {text}")),
        // Not known to the server: a function, a kind of statement, something in its syntax, a feature of clusters.
        1064 | 1128 | 1235 | 1289 | 1305 => StoreError::Refused(format!(
            "the server lacks what is needed ({text}): use MySQL 8.0.17 or MariaDB 10.6, or newer"
        )),
        1105 if text.contains("pxc_strict_mode") => StoreError::Refused(format!(
            "Percona XtraDB Cluster refuses what is needed ({text}): set pxc_strict_mode to PERMISSIVE, and let all instances \
             use the same node"
        )),
        1044 | 1142 | 1143 | 1227 | 1370 => StoreError::Refused(format!(
            "the database user lacks a right ({text}): docs/operate/rights.md has the GRANT statements for `inq run` and for `inq migrate`"
        )),
        1045 | 1698 => StoreError::Refused(format!(
            "the database refuses the user or the password of database.url ({text}): correct them"
        )),
        1049 => StoreError::Refused(format!(
            "the database that database.url names does not exist ({text}): create it with CREATE DATABASE"
        )),
        1046 => no_database(),
        1146 | 1054 => StoreError::Schema(format!(
            "the database's schema is not the one of this program ({text}): run `inq migrate`"
        )),
        1665 => StoreError::Refused(format!(
            "the server logs statements ({text}): set its binlog_format to ROW or MIXED"
        )),
        // Too long, not storable, out of range, no JSON, null, a violated check.
        1048 | 1264 | 1265 | 1292 | 1366 | 1406 | 1690 | 3140..=3158 | 3819 | 4025 | 4038 => {
            StoreError::Data(text)
        }
        // Too many connections, shutting down, not writable for now (a fail-over, a full disk), killed, too busy.
        1021
        | 1037
        | 1038
        | 1040
        | 1041
        | 1053
        | 1114
        | 1129
        | 1135
        | 1152
        | 1158..=1161
        | 1184
        | 1203
        | 1226
        | 1317
        | 1927
        | 3169
        | 4031 => StoreError::Away(text),
        _ => StoreError::Unexpected(format!("error {number}: {text}")),
    })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
