//! How long statements are that store many rows.
//!
//! sqlx 0.9.0 leaves Nagle's algorithm on: the end of a statement that is not sent at once waits for the server's
//! acknowledgement of its beginning, which the server puts off for up to 40 ms.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::super::{NewNotification, StoreError, ids};
use super::error::{Answer, is_cut, is_too_large, sorted};

/// Bytes that are sent at once, over TLS as well: a little less than one of its records, 16 KiB.
pub(super) const AT_ONCE: usize = 15 * 1024;
/// Rows of a statement that has to wait.
const MANY: usize = 512;
/// With fewer rows in each it is too many statements.
const FEW: usize = 8;

/// The least `max_allowed_packet` that will do: every statement whose length does not follow from the length of one event is
/// shorter, and so is one event of the default `ingest.max_event_bytes` however it is written.
pub(super) const LEAST_PACKET: usize = 4 * 1024 * 1024;
/// What a statement has beside its rows.
const RESERVE: usize = 64 * 1024;
/// A statement that is shorter than this was not too long for anybody.
const SHORT: usize = 64 * 1024;
/// How often the connection has to be cut while the same single row is sent until the row is the cause.
const CUTS: u32 = 5;

/// How many rows one statement stores, and how long it may be.
///
/// The server tells how long it may be (`max_allowed_packet`). What is between may take less, and does not tell: it cuts the
/// connection. So a long statement on which the connection was cut is sent in halves from then on.
#[derive(Debug)]
pub(super) struct Rows {
    is_near: bool,
    /// What the server takes.
    packet: AtomicUsize,
    /// What the way to it seems to take.
    passes: AtomicUsize,
    /// The single row on which the connection was cut last, and how often.
    cut: Mutex<(String, u32)>,
}

impl Rows {
    /// For the server on this host. Within one machine a segment has 64 KiB, so that nearly every long statement waits, and
    /// the way there and back is short; elsewhere it is the other way round.
    pub(super) fn to(host: &str) -> Self {
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let is_loopback = address.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        Self {
            is_near: is_loopback || host.eq_ignore_ascii_case("localhost"),
            packet: AtomicUsize::new(usize::MAX),
            passes: AtomicUsize::new(usize::MAX),
            cut: Mutex::default(),
        }
    }

    /// What the server says of `max_allowed_packet`.
    pub(super) fn set_packet(&self, bytes: usize) {
        self.packet.store(bytes, Ordering::Relaxed);
    }

    /// How long the rows of one statement may be together.
    fn limit(&self) -> usize {
        let packet = self.packet.load(Ordering::Relaxed);
        packet
            .min(self.passes.load(Ordering::Relaxed))
            .saturating_sub(RESERVE)
            .max(SHORT)
    }

    /// The rows in parts, one for each statement.
    pub(super) fn parts<'r, 'n>(&self, rows: &'r [&'n NewNotification]) -> Vec<&'r [&'n NewNotification]> {
        let bytes: usize = rows.iter().map(|row| length(row)).sum();
        let most = self.of_length(bytes / rows.len().max(1));
        self.fitting(rows, most, |row| most_bytes(row))
    }

    /// The list in parts of at most `most`, a power of two, none longer than a statement may be but where one element is.
    pub(super) fn fitting<'r, T>(
        &self,
        list: &'r [T],
        most: usize,
        bytes: impl Fn(&T) -> usize,
    ) -> Vec<&'r [T]> {
        let limit = self.limit();
        let mut todo: Vec<&[T]> = ids::parts_of(list, most).collect();
        todo.reverse();
        let mut parts = Vec::with_capacity(todo.len());
        while let Some(part) = todo.pop() {
            if part.len() > 1 && part.iter().map(&bytes).sum::<usize>() > limit {
                let (first, second) = part.split_at(part.len() / 2);
                todo.extend([second, first]);
            } else {
                parts.push(part);
            }
        }
        parts
    }

    /// How many rows of so many bytes go into a statement: a power of two.
    fn of_length(&self, bytes: usize) -> usize {
        let fit = (AT_ONCE / bytes.max(1)).max(1);
        // The power of two that is no larger.
        let fit = (1 << fit.ilog2()).min(MANY);
        if self.is_near && fit >= FEW { fit } else { MANY }
    }

    /// That the server takes this much at all; `name` says what it is.
    pub(super) fn require_fits(&self, bytes: usize, name: &dyn Fn() -> String) -> Result<(), Answer> {
        let packet = self.packet.load(Ordering::Relaxed);
        if bytes <= packet {
            return Ok(());
        }
        Err(Answer::Final(StoreError::Data(format!(
            "{}: its row has about {bytes} bytes, and the server takes statements of at most {packet} (max_allowed_packet)",
            name()
        ))))
    }

    /// What follows from a statement of so many rows and bytes that was sent. One that was too long is done again in halves; a
    /// single row that is too long is refused. `name` says what the first row is.
    pub(super) fn sent(
        &self,
        rows: usize,
        bytes: usize,
        name: &dyn Fn() -> String,
        outcome: sqlx::Result<()>,
    ) -> Result<(), Answer> {
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        let Err(fault) = outcome else {
            if rows == 1 && cut.1 > 0 && cut.0 == name() {
                *cut = (String::new(), 0);
            }
            return Ok(());
        };
        if bytes < SHORT || !(is_cut(&fault) || is_too_large(&fault)) {
            return Err(sorted(fault));
        }
        if rows > 1 {
            let half = (bytes / 2).max(SHORT);
            self.passes.fetch_min(half + RESERVE, Ordering::Relaxed);
            tracing::warn!(
                rows,
                bytes,
                half,
                "a long statement did not reach the database ({fault}): statements are shorter from now on"
            );
            return Err(Answer::Again(fault.to_string()));
        }
        if is_cut(&fault) {
            let name = name();
            if cut.0 == name {
                cut.1 += 1;
            } else {
                *cut = (name.clone(), 1);
            }
            if cut.1 < CUTS {
                return Err(sorted(fault));
            }
            return Err(Answer::Final(StoreError::Data(format!(
                "{name}: the connection was cut {} times while its row of about {bytes} bytes was sent ({fault}): something \
                 before the server takes shorter statements only",
                cut.1
            ))));
        }
        Err(sorted(fault))
    }
}

/// About how many bytes a row is in a statement.
fn length(row: &NewNotification) -> usize {
    const OF_SHORT_COLUMNS: usize = 200;
    row.message_title.len() + row.message_body.len() + row.incentive_data.len() + OF_SHORT_COLUMNS
}

/// How many bytes it is at most.
pub(super) fn most_bytes(row: &NewNotification) -> usize {
    // The numbers and times, the lengths of all, and the type of each.
    const FIXED: usize = 300;
    let short = [
        &row.variant,
        &row.timezone,
        &row.device_type,
        &row.traceparent,
        &row.digest_event_id,
    ];
    let short: usize = short.into_iter().flatten().map(String::len).sum();
    length(row) + row.event_id.len() + row.language.len() + 2 * short + FIXED
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

    fn row(event_id: &str, bytes: usize) -> NewNotification {
        NewNotification {
            event_id: event_id.to_owned(),
            user_id: 1,
            incentive_type: crate::contract::IncentiveType::StreakReward,
            notification_type: 85,
            priority: crate::contract::Priority::new(1).unwrap(),
            message_title: String::new(),
            message_body: String::new(),
            incentive_data: " ".repeat(bytes),
            occurred_at: chrono::Utc::now(),
            scheduled_at: None,
            expires_at: None,
            language: "en".to_owned(),
            variant: None,
            timezone: None,
            device_type: None,
            traceparent: None,
            status: super::super::super::Status::Pending,
            digest_event_id: None,
            stands_alone: false,
            beginning: Vec::new(),
        }
    }

    fn cut() -> sqlx::Result<()> {
        Err(sqlx::Error::Io(std::io::ErrorKind::BrokenPipe.into()))
    }

    /// 300 events of 200 kB and one that is longer, where the server takes 4 MiB.
    #[test]
    fn no_statement_is_longer_than_the_server_takes() {
        let sizes = Rows::to("db.example.com");
        sizes.set_packet(LEAST_PACKET);
        let mut rows: Vec<_> = (0..300).map(|number| row(&number.to_string(), 200_000)).collect();
        rows.push(row("long", 5_000_000));
        let rows: Vec<_> = rows.iter().collect();
        let parts = sizes.parts(&rows);
        assert_eq!(parts.iter().map(|part| part.len()).sum::<usize>(), 301);
        for part in parts {
            let bytes: usize = part.iter().map(|row| most_bytes(row)).sum();
            assert!(part.len().is_power_of_two());
            assert!(part.len() == 1 || bytes + RESERVE <= LEAST_PACKET, "{bytes}");
            let name = || part[0].event_id.clone();
            assert_eq!(
                sizes.require_fits(bytes, &name).is_err(),
                part[0].event_id == "long"
            );
        }
    }

    #[test]
    fn a_long_statement_that_was_cut_is_sent_in_halves() {
        let sizes = Rows::to("db.example.com");
        let rows: Vec<_> = (0..64).map(|number| row(&number.to_string(), 20_000)).collect();
        let rows: Vec<_> = rows.iter().collect();
        let mut most = 64;
        for _ in 0..10 {
            let parts = sizes.parts(&rows);
            assert!(parts[0].len() <= most);
            most = parts[0].len();
            let bytes = parts[0].iter().map(|row| most_bytes(row)).sum();
            let answer = sizes.sent(most, bytes, &|| "0".to_owned(), cut());
            if bytes > SHORT && most > 1 {
                assert!(matches!(answer, Err(Answer::Again(_))), "{answer:?}");
            }
        }
        assert!(most <= 4, "{most}");
        // A short one is cut because the server is away.
        let answer = sizes.sent(2, 1_000, &|| "0".to_owned(), cut());
        assert!(
            matches!(answer, Err(Answer::Final(StoreError::Away(_)))),
            "{answer:?}"
        );
    }

    #[test]
    fn a_single_row_that_is_cut_again_and_again_is_refused_and_no_other() {
        let sizes = Rows::to("db.example.com");
        let send = |event: &str, outcome| sizes.sent(1, 200_000, &|| event.to_owned(), outcome);
        for _ in 1..CUTS {
            assert!(matches!(
                send("a", cut()),
                Err(Answer::Final(StoreError::Away(_)))
            ));
            send("b", Ok(())).unwrap();
        }
        let Err(Answer::Final(StoreError::Data(why))) = send("a", cut()) else {
            panic!("not refused")
        };
        assert!(why.starts_with("a: "), "{why}");
        assert!(matches!(
            send("b", cut()),
            Err(Answer::Final(StoreError::Away(_)))
        ));
    }
}
