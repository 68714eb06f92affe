//! What the migrations that have run say of a schema.

use sqlx::migrate::Migrator;

use super::{Result, SchemaState, StoreError};

/// A migration that has run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Applied {
    version: i64,
    checksum: Vec<u8>,
    /// `false` where a server without transactional DDL broke off in the middle.
    success: bool,
}

impl From<(i64, Vec<u8>, bool)> for Applied {
    fn from((version, checksum, success): (i64, Vec<u8>, bool)) -> Self {
        Self {
            version,
            checksum,
            success,
        }
    }
}

/// The migrations of this program, as if all had run.
pub(super) fn known(migrator: &Migrator) -> Vec<Applied> {
    migrator
        .iter()
        .map(|migration| Applied::from((migration.version, migration.checksum.to_vec(), true)))
        .collect()
}

/// Whether what has run is what this program would have run.
///
/// # Errors
/// If a migration was another one under the same number.
pub(super) fn check(migrator: &Migrator, applied: &[Applied]) -> Result<()> {
    for run in applied {
        let other = known(migrator)
            .into_iter()
            .find(|ours| ours.version == run.version && ours.checksum != run.checksum);
        if other.is_some() {
            return Err(StoreError::Schema(format!(
                "migration {} of the database is not the one of this program: the tables belong to another program or \
                 to an unreleased version",
                run.version
            )));
        }
    }
    Ok(())
}

/// Whether there is something to run, asked while no other can run anything.
///
/// # Errors
/// If a migration broke off, or was another one under the same number.
pub(super) fn is_missing_some(migrator: &Migrator, applied: &[Applied]) -> Result<bool> {
    if let Some(run) = applied.iter().find(|run| !run.success) {
        return Err(StoreError::Schema(format!(
            "migration {} broke off in the middle: restore the database from a backup, or finish the migration by hand \
             and delete its row from _sqlx_migrations",
            run.version
        )));
    }
    check(migrator, applied)?;
    Ok(matches!(state(migrator, applied), SchemaState::Old { .. }))
}

/// Where the schema stands.
pub(super) fn state(migrator: &Migrator, applied: &[Applied]) -> SchemaState {
    // One without success is under way, or broke off: `migrate` knows.
    let applied: Vec<_> = applied.iter().filter(|run| run.success).collect();
    let newest = applied.iter().map(|run| run.version).max();
    let needed = migrator
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0);
    let complete = known(migrator)
        .iter()
        .all(|ours| applied.iter().any(|run| run.version == ours.version));
    match newest {
        Some(version) if version > needed => SchemaState::Newer {
            version,
            known: needed,
        },
        Some(version) if complete => SchemaState::Current { version },
        version => SchemaState::Old { version, needed },
    }
}

/// What the library has to say of a migration that failed.
pub(super) fn failed(fault: &sqlx::migrate::MigrateError) -> StoreError {
    let text: Vec<_> = fault.to_string().split_whitespace().map(str::to_owned).collect();
    StoreError::Schema(format!("the migrations failed: {}", text.join(" ")))
}

/// The versions that ran between the two.
pub(super) fn news(before: &[Applied], after: &[Applied]) -> Vec<i64> {
    after
        .iter()
        .filter(|run| !before.contains(run))
        .map(|run| run.version)
        .collect()
}
