//! The archive: files of compressed NDJSON, a notification with its history in each line.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::Utc;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::store::Story;

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
