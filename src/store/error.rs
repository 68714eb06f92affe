//! What can go wrong with the database, by what the caller can do about it.

use thiserror::Error;

/// An error of the store.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The server cannot be reached, or is restarting: wait and try again.
    #[error("the database is away: {0}")]
    Away(String),
    /// No connection of the pool was free in time, and none could be made: all are in use, or the server is away.
    #[error(
        "no connection to the database was free or could be made within {0} s: all are in use (raise \
             database.max_connections), or the database is away"
    )]
    NoConnection(u64),
    /// The server refuses us (password, unknown database, missing right, unfit server): a person must act.
    /// The message names the remedy.
    #[error("{0}")]
    Refused(String),
    /// The server refuses the content of a row. Nothing was stored.
    #[error("the database refuses the content of a row: {0}")]
    Data(String),
    /// The schema is not the one that this program needs. The message names the remedy.
    #[error("{0}")]
    Schema(String),
    /// A statement failed in a way that is not provided for. Tried again later, and reported.
    #[error("the database answered unexpectedly: {0}")]
    Unexpected(String),
}

impl StoreError {
    /// Whether the same call may succeed later without anybody acting.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Away(_) | Self::NoConnection(_) | Self::Unexpected(_))
    }
}
