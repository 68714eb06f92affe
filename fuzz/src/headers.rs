//! Headers: a trace is carried on or lost, and a dead letter has the record's own headers and our reasons, whatever they say.

use inq::contract::{Reason, Rejection, traceparent};

use super::{is_put_aside, record};

/// Headers with any names and values: names and values in turn, each ended by a line feed. A value that is `-` is absent.
/// The last piece is also the detail of a dead letter.
pub fn check(bytes: &[u8]) {
    let pieces: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
    let mut headers: Vec<(String, Option<Vec<u8>>)> = Vec::new();
    for pair in pieces.chunks(2) {
        // A name is text when it gets here, and ends at its first NUL.
        let name = String::from_utf8_lossy(pair[0]).replace('\0', "");
        let value = pair.get(1).filter(|value| **value != b"-");
        headers.push((name, value.map(|value| value.to_vec())));
    }
    for piece in &pieces {
        is_carried(piece);
    }
    let record = record(None, headers);
    let last = record
        .headers
        .iter()
        .rev()
        .find(|(name, _)| name == "traceparent");
    assert_eq!(
        record.header("traceparent"),
        last.and_then(|(_, value)| value.as_deref())
    );
    let said = String::from_utf8_lossy(pieces.last().copied().unwrap_or_default());
    for reason in Reason::ALL {
        is_put_aside(&record, &Rejection::new(reason, format!("{reason}: {said}")));
    }
}

fn is_carried(value: &[u8]) {
    if let Some(trace) = traceparent(value) {
        assert_eq!(trace.as_bytes(), value);
        assert!(
            (55..=64).contains(&trace.len()) && trace.bytes().all(|byte| byte.is_ascii_graphic()),
            "{trace:?}"
        );
    }
}
