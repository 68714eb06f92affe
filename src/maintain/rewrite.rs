//! The archive without the lines of those who were forgotten.
//!
//! A file that has some is written anew beside itself, to disk, and then takes its own name: who dies in between leaves the
//! old file or the new one. One line is in memory at a time.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::Deserialize;

use super::archive::lock;

/// What the archive's files are called, and those that are written beside them.
const NAME: (&str, &str) = ("notifications-", ".ndjson.gz");
const BESIDE: &str = ".rewritten";

/// Who goes, each as of when.
pub(super) type Forgotten = BTreeMap<i64, DateTime<Utc>>;

/// As much of a line as tells whether it goes.
#[derive(Deserialize)]
struct Line {
    user_id: i64,
    occurred_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
}

/// What a file holds.
#[derive(Default)]
struct Found {
    kept: u64,
    gone: u64,
    /// Whether a crash has cut it off: its rows are still in the database, or in another file.
    is_cut_off: bool,
}

/// Takes the lines of these users out of every file, unless told to stop. Returns how many there were; `None`: stopped.
pub(super) fn rewrite(
    directory: &Path,
    forgotten: &Forgotten,
    stop: &Arc<AtomicBool>,
) -> Result<Option<u64>, String> {
    // What is written after this was read after the rows had become anonymous.
    let files = {
        let _held = lock(directory)?;
        files(directory).map_err(|fault| format!("{} cannot be read: {fault}", directory.display()))?
    };
    let mut gone = 0;
    for path in files {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let _held = lock(directory)?;
        gone += rewrite_file(directory, &path, forgotten)
            .map_err(|fault| format!("{} cannot be rewritten: {fault}", path.display()))?;
    }
    Ok(Some(gone))
}

/// The archive's files in the order of their names. What a crash has left beside them goes.
fn files(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if !name.starts_with(NAME.0) {
            continue;
        }
        if name.ends_with(BESIDE) {
            std::fs::remove_file(&path)?;
        } else if name.ends_with(NAME.1) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn rewrite_file(directory: &Path, path: &Path, forgotten: &Forgotten) -> std::io::Result<u64> {
    let found = match read(path, forgotten, |_| Ok(())) {
        // Another instance has found that nothing of it stays.
        Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(0),
        found => found?,
    };
    if found.gone == 0 && !found.is_cut_off {
        return Ok(0);
    }
    if found.kept == 0 {
        std::fs::remove_file(path)?;
    } else {
        let mut beside = path.as_os_str().to_owned();
        beside.push(BESIDE);
        let beside = PathBuf::from(beside);
        let file = File::create(&beside)?;
        file.set_permissions(std::fs::metadata(path)?.permissions())?;
        let mut compressed = GzEncoder::new(BufWriter::new(file), Compression::default());
        read(path, forgotten, |line| compressed.write_all(line))?;
        let file = compressed
            .finish()?
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()?;
        failpoint!("archive::unnamed");
        std::fs::rename(&beside, path)?;
    }
    // A name is durable only with its directory.
    File::open(directory)?.sync_all()?;
    failpoint!("archive::rewritten");
    Ok(found.gone)
}

/// Hands over each line that stays, with its end.
fn read(
    path: &Path,
    forgotten: &Forgotten,
    mut keep: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> std::io::Result<Found> {
    let mut lines = BufReader::new(MultiGzDecoder::new(BufReader::new(File::open(path)?)));
    let mut found = Found::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        match lines.read_until(b'\n', &mut line) {
            Ok(0) => return Ok(found),
            Ok(_) => {}
            // Of a line that is cut off nobody knows whose it is.
            Err(fault) if fault.kind() == ErrorKind::UnexpectedEof => {
                found.is_cut_off = true;
                return Ok(found);
            }
            Err(fault) => return Err(fault),
        }
        let of: Line = serde_json::from_slice(&line).map_err(|fault| {
            let number = found.kept + found.gone + 1;
            std::io::Error::new(
                ErrorKind::InvalidData,
                format!("line {number} is no notification: {fault}"),
            )
        })?;
        let as_of = forgotten.get(&of.user_id);
        if as_of.is_some_and(|as_of| of.occurred_at <= *as_of || of.created_at <= *as_of) {
            found.gone += 1;
        } else {
            found.kept += 1;
            keep(&line)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn line(id: i64, user_id: i64, day: &str) -> String {
        format!(
            "{{\"id\":{id},\"user_id\":{user_id},\"occurred_at\":\"{day}T12:00:00.000Z\",\"created_at\":\"{day}T12:00:01.000Z\"}}\n"
        )
    }

    fn member(lines: &str) -> Vec<u8> {
        let mut compressed = GzEncoder::new(Vec::new(), Compression::default());
        compressed.write_all(lines.as_bytes()).unwrap();
        compressed.finish().unwrap()
    }

    fn text(path: &Path) -> String {
        let mut text = String::new();
        MultiGzDecoder::new(File::open(path).unwrap())
            .read_to_string(&mut text)
            .unwrap();
        text
    }

    fn seven() -> Forgotten {
        Forgotten::from([(7, "2026-02-01T00:00:00Z".parse().unwrap())])
    }

    fn run(directory: &Path) -> Result<Option<u64>, String> {
        rewrite(directory, &seven(), &Arc::default())
    }

    #[test]
    fn only_the_lines_of_who_was_forgotten_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let (before, after) = ("2026-01-31", "2026-02-02");
        let first = member(&(line(1, 7, before) + &line(2, 70, before)));
        let second = member(&(line(3, 7, after) + &line(4, 7, before)));
        std::fs::write(path("notifications-a.ndjson.gz"), [first, second].concat()).unwrap();
        let others = member(&line(5, 8, before));
        std::fs::write(path("notifications-b.ndjson.gz"), &others).unwrap();
        std::fs::write(path("notifications-c.ndjson.gz"), member(&line(6, 7, before))).unwrap();
        std::fs::write(path("notifications-a.ndjson.gz.rewritten"), "left by a crash").unwrap();
        std::fs::write(path("notes.txt"), "of somebody else").unwrap();
        assert_eq!(run(folder.path()), Ok(Some(3)));
        assert_eq!(
            text(&path("notifications-a.ndjson.gz")),
            line(2, 70, before) + &line(3, 7, after)
        );
        assert_eq!(std::fs::read(path("notifications-b.ndjson.gz")).unwrap(), others);
        assert!(!path("notifications-c.ndjson.gz").exists(), "nothing of it stays");
        assert!(!path("notifications-a.ndjson.gz.rewritten").exists());
        assert!(path("notes.txt").exists());
        assert_eq!(run(folder.path()), Ok(Some(0)));
    }

    #[test]
    fn a_file_that_a_crash_has_cut_off_keeps_what_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notifications-a.ndjson.gz");
        let whole = member(&line(1, 8, "2026-01-31"));
        for length in 1..whole.len() {
            std::fs::write(&path, [&whole[..], &whole[..length]].concat()).unwrap();
            assert_eq!(run(folder.path()), Ok(Some(0)), "{length} bytes");
            assert!(
                text(&path).starts_with(&line(1, 8, "2026-01-31")),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn what_is_no_archive_stays_as_it_is_and_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notifications-a.ndjson.gz");
        for (bytes, why) in [
            (member("{\"user_id\":7}\n"), "line 1 is no notification"),
            (
                b"not compressed".to_vec(),
                "notifications-a.ndjson.gz cannot be rewritten",
            ),
        ] {
            std::fs::write(&path, &bytes).unwrap();
            let fault = run(folder.path()).unwrap_err();
            assert!(fault.contains(why), "{fault}");
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
        }
    }

    #[test]
    fn it_stops_when_it_is_told() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("notifications-a.ndjson.gz"), member("")).unwrap();
        let stopped = rewrite(folder.path(), &seven(), &Arc::new(AtomicBool::new(true)));
        assert_eq!(stopped, Ok(None));
    }
}
