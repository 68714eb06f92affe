//! The archive: files of compressed NDJSON, a notification with its history in each line.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::Utc;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::store::Story;

/// The file whose lock keeps those who write and those who rewrite the archive apart.
const LOCK: &str = ".lock";

/// Where one instance writes. Each process has files of its own, one a day: a file that a crash has cut off is never
/// gone on with, so that everything in it before the cut can be read.
pub(super) struct Archive {
    directory: PathBuf,
    writer: String,
}

impl Archive {
    pub(super) fn new(directory: PathBuf, writer: &str) -> Self {
        Self {
            directory,
            writer: writer.to_owned(),
        }
    }

    /// Until the guard goes, nobody else writes or rewrites: from reading the stories to writing them, so that who is
    /// forgotten in between is not written after all.
    pub(super) async fn lock(&self) -> Result<File, String> {
        let directory = self.directory.clone();
        tokio::task::spawn_blocking(move || lock(&directory))
            .await
            .unwrap_or_else(|fault| Err(format!("the locking broke off: {fault}")))
    }

    /// Writes the stories as one member of the gzip file. They are on disk at the return.
    pub(super) async fn write(&self, stories: Vec<Story>) -> Result<(), String> {
        let day = Utc::now().format("%Y-%m-%d");
        let name = format!("notifications-{day}-{}.ndjson.gz", self.writer);
        let (directory, path) = (self.directory.clone(), self.directory.join(name));
        tokio::task::spawn_blocking(move || {
            append(&directory, &path, &stories)
                .map_err(|fault| format!("{} cannot be written: {fault}", path.display()))
        })
        .await
        .unwrap_or_else(|fault| Err(format!("the writing broke off: {fault}")))
    }
}

/// Waits for the lock of this directory. Where the file system has no locks, the lease on the maintenance must do.
pub(super) fn lock(directory: &Path) -> Result<File, String> {
    let path = directory.join(LOCK);
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(|fault| format!("{} cannot be opened: {fault}", path.display()))?;
    if let Err(fault) = file.lock() {
        tracing::warn!(%fault, "the file system of retention.archive has no locks");
    }
    Ok(file)
}

fn append(directory: &Path, path: &Path, stories: &[Story]) -> std::io::Result<()> {
    let is_new = !path.exists();
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let mut compressed = GzEncoder::new(Vec::new(), Compression::default());
    for story in stories {
        serde_json::to_writer(&mut compressed, story)?;
        compressed.write_all(b"\n")?;
    }
    let member = compressed.finish()?;
    let before = file.metadata()?.len();
    if let Err(fault) = (&file).write_all(&member).and_then(|()| file.sync_all()) {
        // A member that is cut off would hide those that are written behind it.
        file.set_len(before)?;
        return Err(fault);
    }
    if is_new {
        // The name of a new file is durable only with its directory.
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}
