//! How long statements are that store many rows.
//!
//! sqlx 0.9.0 leaves Nagle's algorithm on: the end of a statement that is not sent at once waits for the server's
//! acknowledgement of its beginning, which the server puts off for up to 40 ms.

use std::net::IpAddr;

use super::super::{NewNotification, ids};

/// Bytes that are sent at once, over TLS as well: a little less than one of its records, 16 KiB.
pub(super) const AT_ONCE: usize = 15 * 1024;
/// Rows of a statement that has to wait.
const MANY: usize = 512;
/// With fewer rows in each it is too many statements.
const FEW: usize = 8;

/// How many rows one statement stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rows {
    is_near: bool,
}

impl Rows {
    /// For the server on this host. Within one machine a segment has 64 KiB, so that nearly every long statement waits, and
    /// the way there and back is short; elsewhere it is the other way round.
    pub(super) fn to(host: &str) -> Self {
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let is_loopback = address.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        Self {
            is_near: is_loopback || host.eq_ignore_ascii_case("localhost"),
        }
    }

    /// The rows in parts, one for each statement.
    pub(super) fn parts<'r, 'n>(
        self,
        rows: &'r [&'n NewNotification],
    ) -> impl Iterator<Item = &'r [&'n NewNotification]> {
        let bytes: usize = rows.iter().map(|row| length(row)).sum();
        ids::parts_of(rows, self.of_length(bytes / rows.len().max(1)))
    }

    /// How many rows of so many bytes go into a statement: a power of two.
    fn of_length(self, bytes: usize) -> usize {
        let fit = (AT_ONCE / bytes.max(1)).max(1);
        // The power of two that is no larger.
        let fit = (1 << fit.ilog2()).min(MANY);
        if self.is_near && fit >= FEW { fit } else { MANY }
    }
}

/// About how many bytes a row is in a statement.
fn length(row: &NewNotification) -> usize {
    const OF_SHORT_COLUMNS: usize = 200;
    row.message_title.len() + row.message_body.len() + row.incentive_data.len() + OF_SHORT_COLUMNS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_the_same_machine_a_statement_has_as_many_rows_as_are_sent_at_once() {
        for near in ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost", "LocalHost"] {
            assert!(Rows::to(near).is_near, "{near}");
        }
        for (bytes, rows) in [
            (400, 32),
            (1000, 8),
            (1900, 8),
            (2000, 512),
            (20_000, 512),
            (1, 512),
            (0, 512),
        ] {
            assert_eq!(Rows::to("localhost").of_length(bytes), rows, "{bytes}");
            assert_eq!(Rows::to("db.example.com").of_length(bytes), 512, "{bytes}");
        }
        for far in ["", "10.0.0.7", "db.example.com", "localhost.example.com", "::2"] {
            assert!(!Rows::to(far).is_near, "{far}");
        }
    }
}
