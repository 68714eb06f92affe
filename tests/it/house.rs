//! What ARCHITECTURE.md promises of the house, held against its code.

use std::path::{Path, PathBuf};

/// The Rust files below a folder.
pub fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The files below `src/` whose code (comments apart) has one of the words, by their paths below it.
fn files_with(words: &[&str]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found: Vec<String> = sources(&root)
        .into_iter()
        .filter(|path| {
            let text = std::fs::read_to_string(path).expect("a source");
            text.lines()
                .map(|line| line.split("//").next().unwrap_or_default())
                .any(|code| words.iter().any(|word| code.contains(word)))
        })
        .map(|path| {
            let below = path.strip_prefix(&root).expect("below src");
            below.to_string_lossy().into_owned()
        })
        .collect();
    found.sort();
    found
}

fn assert_only(word: &[&str], rooms: &[&str]) {
    let found = files_with(word);
    assert!(
        !found.is_empty(),
        "nobody uses {word:?}: is the test out of date?"
    );
    let strangers: Vec<_> = found
        .iter()
        .filter(|file| !rooms.iter().any(|room| file.starts_with(room)))
        .collect();
    assert!(strangers.is_empty(), "{word:?} outside {rooms:?}: {strangers:?}");
}

#[test]
fn only_the_store_names_sqlx() {
    assert_only(&["sqlx::", "use sqlx"], &["store/"]);
}

#[test]
fn only_the_bus_names_rdkafka() {
    assert_only(&["rdkafka::", "use rdkafka"], &["bus/"]);
}

#[test]
fn only_patience_names_backoff() {
    assert_only(&["backoff::"], &["patience.rs"]);
}

#[test]
fn only_telemetry_names_opentelemetry() {
    assert_only(&["opentelemetry"], &["telemetry/"]);
}

#[test]
fn only_the_settings_read_the_environment() {
    assert_only(&["env::var"], &["config/", "telemetry/"]);
}

/// An instance whose own clock is wrong must not plan another moment than the others: `Clock::now` of the store is the time.
/// Where the store is away, and for the names of files, this machine's clock is good enough.
#[test]
fn what_is_planned_is_planned_by_the_clock_of_the_database() {
    const ALLOWED: [&str; 2] = ["maintain/archive.rs", "maintain/mod.rs"];
    const STAGES: [&str; 8] = [
        "broadcast/",
        "dispatch/",
        "feedback/",
        "ingest/",
        "maintain/",
        "preferences/",
        "rehearsal.rs",
        "schedule/",
    ];
    let guilty: Vec<_> = files_with(&["Utc::now", "SystemTime::now"])
        .into_iter()
        .filter(|file| STAGES.iter().any(|stage| file.starts_with(stage)) && !file.ends_with("tests.rs"))
        .filter(|file| !ALLOWED.contains(&file.as_str()))
        .collect();
    assert!(guilty.is_empty(), "{guilty:?} ask this machine for the time");
}

#[test]
fn stages_do_not_import_each_other() {
    for (stage, others) in [
        ("ingest/", ["crate::dispatch", "crate::feedback"]),
        ("dispatch/", ["crate::ingest", "crate::feedback"]),
        ("feedback/", ["crate::ingest", "crate::dispatch"]),
        ("broadcast/", ["crate::ingest", "crate::dispatch"]),
    ] {
        let guilty: Vec<_> = files_with(&others)
            .into_iter()
            .filter(|file| file.starts_with(stage))
            .collect();
        assert!(guilty.is_empty(), "{guilty:?} import another stage");
    }
}
