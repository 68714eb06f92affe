//! What the migrations that have run say of a schema.

use sqlx::migrate::{Migration, Migrator};

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

/// What there is to run, in order, asked while nobody else can run anything. One that broke off is to be run again.
///
/// # Errors
/// If a migration was another one under the same number, or a newer program's broke off.
pub(super) fn missing<'m>(migrator: &'m Migrator, applied: &[Applied]) -> Result<Vec<&'m Migration>> {
    check(migrator, applied)?;
    let is_ours = |run: &Applied| migrator.version_exists(run.version);
    if let Some(run) = applied.iter().find(|run| !run.success && !is_ours(run)) {
        return Err(StoreError::Schema(format!(
            "migration {} broke off in the middle and is of a newer program: run `inq migrate` of that one again",
            run.version
        )));
    }
    if matches!(state(migrator, applied), SchemaState::Newer { .. }) {
        return Ok(Vec::new());
    }
    let ran = |version| applied.iter().any(|run| run.success && run.version == version);
    Ok(migrator
        .iter()
        .filter(|migration| !ran(migration.version))
        .collect())
}

/// What the migrations make that have never been begun: tables, and on SQLite indexes, which have names of their own there.
pub(super) fn makes(missing: &[&Migration], applied: &[Applied]) -> Vec<String> {
    missing
        .iter()
        .filter(|migration| applied.iter().all(|run| run.version != migration.version))
        .flat_map(|migration| made_by(migration.sql.as_str()))
        .collect()
}

fn made_by(sql: &str) -> impl Iterator<Item = String> {
    sql.split("IF NOT EXISTS ").skip(1).filter_map(|rest| {
        let name = rest.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
        name.into_iter().next().map(str::to_owned)
    })
}

/// The names as a list of SQL.
pub(super) fn listed(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("'{name}'")).collect();
    quoted.join(", ")
}

/// Something of this name is there already, and no migration has made it.
pub(super) fn taken(name: &str) -> StoreError {
    StoreError::Schema(format!(
        "the database has a {name} already that no migration of this program made: rename it, or give inq a database of \
         its own; nothing was changed"
    ))
}

/// The statements of a migration, each of which ends with a semicolon at the end of a line.
pub(super) fn statements(sql: &str) -> impl Iterator<Item = &str> {
    sql.split_inclusive(";\n").filter(|text| text.contains(';'))
}

/// Where the schema stands.
pub(super) fn state(migrator: &Migrator, applied: &[Applied]) -> SchemaState {
    // One without success is under way, or broke off: `missing` knows.
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

#[cfg(test)]
mod tests {
    use super::*;

    static MYSQL: Migrator = sqlx::migrate!("migrations/mysql");
    static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");

    fn ran(version: i64, success: bool) -> Applied {
        let migration = MYSQL.iter().find(|migration| migration.version == version);
        let checksum = migration.map_or_else(Vec::new, |migration| migration.checksum.to_vec());
        Applied::from((version, checksum, success))
    }

    /// A process that is killed leaves a migration half done, and MySQL takes no statement back that made a table.
    #[test]
    fn every_statement_of_a_migration_can_be_run_again() {
        for migration in MYSQL.iter().chain(SQLITE.iter()) {
            let sql = migration.sql.as_str();
            let parts: Vec<_> = statements(sql).collect();
            assert_eq!(parts.concat(), sql, "the last statement of {}", migration.version);
            for statement in parts {
                let text: Vec<_> = statement
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("--") && !line.is_empty())
                    .collect();
                let text = text.join(" ");
                assert!(
                    ["CREATE TABLE IF NOT EXISTS ", "CREATE INDEX IF NOT EXISTS ", "INSERT IGNORE ", "INSERT OR IGNORE "]
                        .iter()
                        .any(|start| text.starts_with(start))
                        || text.starts_with("INSERT ") && text.contains("WHERE NOT EXISTS")
                        // Tolerated when it is there already: see `mysql::migrate`.
                        || text.starts_with("ALTER TABLE ") && text.matches(" ADD ").count() == 1,
                    "cannot be run again: {text}"
                );
            }
        }
    }

    #[test]
    fn what_broke_off_is_run_again_and_what_is_newer_is_left_alone() {
        let versions = |applied: &[Applied]| {
            missing(&MYSQL, applied).map(|missing| missing.iter().map(|one| one.version).collect::<Vec<_>>())
        };
        let all: Vec<_> = MYSQL.iter().map(|migration| migration.version).collect();
        let done: Vec<_> = all.iter().map(|version| ran(*version, true)).collect();
        assert_eq!(versions(&[]).expect("all"), all);
        assert_eq!(versions(&[ran(1, false)]).expect("all"), all);
        assert_eq!(versions(&done).expect("none"), Vec::<i64>::new());
        let newer = [done.clone(), vec![ran(9_999, true)]].concat();
        assert_eq!(versions(&newer).expect("none"), Vec::<i64>::new());
        let why = versions(&[done, vec![ran(9_999, false)]].concat()).expect_err("a newer program's");
        assert!(why.to_string().contains("migration 9999"), "{why}");
    }

    #[test]
    fn only_what_was_never_begun_must_not_be_there() {
        let first: Vec<_> = MYSQL.iter().take(1).collect();
        let names = makes(&first, &[]);
        assert!(names.contains(&"incentive_notify_queue".to_owned()), "{names:?}");
        assert!(names.contains(&"user_preferences".to_owned()), "{names:?}");
        assert_eq!(makes(&first, &[ran(1, false)]), Vec::<String>::new());
        let indexes: Vec<_> = SQLITE.iter().collect();
        assert!(makes(&indexes, &[]).contains(&"claim_order".to_owned()));
    }
}
