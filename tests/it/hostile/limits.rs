//! Memory: a bomb costs a bounded multiple of its own length. `inq preview` decodes and plans as the service does.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use super::kinds;

/// What a bomb of ten megabytes may cost beside itself, in KiB.
const FOR_TEN_MEGABYTES: u32 = 128 * 1024;
/// What an event within the default of `ingest.max_event_bytes` may cost, in KiB.
const FOR_AN_EVENT: u32 = 64 * 1024;

/// `inq preview` of an event, with so many KiB of memory for its data.
fn preview(payload: &[u8], kilobytes: u32, max_event_bytes: u32) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let mut inq = Command::new("sh")
        .arg("-c")
        .arg(format!("ulimit -d {kilobytes} && exec \"$0\" preview"))
        .arg(env!("CARGO_BIN_EXE_inq"))
        .current_dir(&folder)
        .env("INQ_INGEST__MAX_EVENT_BYTES", max_event_bytes.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("inq starts");
    let mut stdin = inq.stdin.take().expect("a pipe");
    let payload = payload.to_vec();
    // It may have seen enough before all is written.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&payload)));
    let output = inq.wait_with_output().expect("inq ends");
    writer.join().expect("written");
    output
}

fn assert_refused(name: &str, output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        output.status.code(),
        Some(1),
        "{name}: {:?} {said}",
        output.status
    );
    assert!(said.contains("would become a dead letter"), "{name}: {said}");
    assert!(said.len() < 4096, "{name}: {} bytes", said.len());
}

#[test]
fn a_bomb_of_ten_megabytes_is_refused_in_little_memory() {
    const LENGTH: usize = 10_000_000;
    let digits = format!("{{\"user_id\":{}}}", "9".repeat(LENGTH));
    let decimals = format!("{{\"incentive_data\":{{\"a\":1e{}}}}}", "9".repeat(LENGTH));
    let escapes = format!("{{\"event_id\":\"{}\"}}", "\\u0000".repeat(LENGTH / 6));
    let name = format!("{{\"{}\":1,\"event_id\":7}}", "k".repeat(LENGTH));
    for (bomb, payload) in [
        ("whitespace", " ".repeat(LENGTH)),
        ("line ends", "\n".repeat(LENGTH)),
        ("brackets", "[".repeat(LENGTH)),
        ("braces", "{\"a\":".repeat(LENGTH / 5)),
        (
            "closed brackets",
            format!("{}{}", "[".repeat(LENGTH / 2), "]".repeat(LENGTH / 2)),
        ),
        ("digits", digits),
        ("decimals", decimals),
        ("escapes", escapes),
        ("a long name", name),
        ("quotes", "\"".repeat(LENGTH)),
        ("invalid UTF-8", "\u{fffd}".repeat(LENGTH / 3)),
    ] {
        let mut payload = payload.into_bytes();
        if bomb == "invalid UTF-8" {
            payload.fill(0xff);
        }
        assert_refused(bomb, &preview(&payload, FOR_TEN_MEGABYTES, 16 * 1024 * 1024));
        // By default it is refused by its length.
        assert_refused(bomb, &preview(&payload, FOR_AN_EVENT, 262_144));
    }
}

/// Small objects cost most: a tree of many is a hundred times as large as its text.
#[test]
fn no_event_of_the_default_length_costs_much() {
    for kind in kinds::events()
        .into_iter()
        .filter(|kind| kind.payload.len() > 50_000)
    {
        let output = preview(&kind.payload, FOR_AN_EVENT, 262_144);
        if kind.fate == kinds::Fate::Row {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success(),
                "{}: {:?} {said}",
                kind.name,
                output.status
            );
        } else {
            assert_refused(&kind.name, &output);
        }
    }
}
