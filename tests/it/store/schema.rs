//! Migrations, and what stands where none have run.

use std::sync::Arc;

use inq::store::{self, Claimant, SchemaState, StoreError};

use super::{Bench, HOUR, on_every_database, row};

on_every_database! {
    a_migrated_database_is_current_and_stays_so,
    an_empty_database_is_old_and_says_what_to_run,
    of_many_who_migrate_at_once_all_find_it_done,
    a_database_of_a_newer_program_is_told_and_left_alone,
    a_changed_migration_is_told,
    a_migration_that_broke_off_is_run_again,
    a_table_of_another_program_is_named_and_nothing_is_made,
}

/// Takes every table away.
async fn empty(bench: &Bench) {
    for table in [
        "incentive_notify_queue",
        "incentive_notify_claims",
        "incentive_notify_ended_claims",
        "incentive_notify_history",
        "incentive_notify_identity",
        "incentive_notify_maintenance",
        "incentive_notify_cancellations",
        "incentive_notify_forgotten",
        "incentive_notify_readers",
        "incentive_notify_broadcasts",
        "user_preferences",
        "user_habits",
        "_sqlx_migrations",
    ] {
        bench.database.execute(&format!("DROP TABLE {table}")).await;
    }
    if bench.kind != "sqlite" {
        bench
            .database
            .execute("DROP TABLE incentive_notify_lock_probe")
            .await;
    }
}

fn schema_error<T: std::fmt::Debug>(answer: inq::store::Result<T>) -> String {
    match answer {
        Err(StoreError::Schema(why)) => why,
        other => panic!("{other:?}"),
    }
}

async fn a_migrated_database_is_current_and_stays_so(bench: Bench) {
    let state = bench.store.schema().await.expect("a state");
    assert!(
        matches!(state, SchemaState::Current { version } if version >= 1),
        "{state:?}"
    );
    assert_eq!(
        bench.store.migrate().await.expect("nothing to do"),
        Vec::<i64>::new()
    );
    assert_eq!(bench.store.schema().await.expect("a state"), state);
}

async fn an_empty_database_is_old_and_says_what_to_run(bench: Bench) {
    empty(&bench).await;
    let state = bench.store.schema().await.expect("a state");
    assert!(
        matches!(state, SchemaState::Old { version: None, needed } if needed >= 1),
        "{state:?}"
    );
    for why in [
        schema_error(bench.store.insert(&[row("a")]).await),
        schema_error(bench.store.claim(1, HOUR, &Claimant::Plain).await),
        schema_error(bench.store.depth().await),
        schema_error(bench.store.settle(1, &[1], false).await),
    ] {
        assert!(why.contains("`inq migrate`"), "{why}");
    }
    let SchemaState::Old { needed, .. } = state else {
        unreachable!()
    };
    let ran = bench.store.migrate().await.expect("migrated");
    assert_eq!(ran.last(), Some(&needed));
    bench.insert(&[row("a")]).await;
}

async fn of_many_who_migrate_at_once_all_find_it_done(bench: Bench) {
    empty(&bench).await;
    let stores: Vec<_> = (0..6)
        .map(|_| store::open(&bench.database.url, 2).expect("a store"))
        .collect();
    let starts: Vec<_> = stores
        .iter()
        .map(|store| {
            let store = Arc::clone(store);
            tokio::spawn(async move { (store.migrate().await, store.schema().await) })
        })
        .collect();
    for start in starts {
        let (migrated, state) = start.await.expect("a start");
        migrated.expect("migrated");
        assert!(matches!(state, Ok(SchemaState::Current { .. })), "{state:?}");
    }
    for store in stores {
        store.close().await;
    }
    bench.insert(&[row("a")]).await;
}

async fn a_database_of_a_newer_program_is_told_and_left_alone(bench: Bench) {
    bench
        .database
        .execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (20991231, 'of the future', true, 'x', 0)",
        )
        .await;
    let state = bench.store.schema().await.expect("a state");
    assert!(
        matches!(
            state,
            SchemaState::Newer {
                version: 20_991_231,
                ..
            }
        ),
        "{state:?}"
    );
    assert_eq!(
        bench.store.migrate().await.expect("nothing to do"),
        Vec::<i64>::new()
    );
}

async fn a_changed_migration_is_told(bench: Bench) {
    bench
        .database
        .execute("UPDATE _sqlx_migrations SET checksum = 'x' WHERE version = 1")
        .await;
    for why in [
        schema_error(bench.store.schema().await),
        schema_error(bench.store.migrate().await),
    ] {
        assert!(why.contains("migration 1"), "{why}");
        assert!(!why.contains('\n'), "{why}");
    }
}

async fn a_migration_that_broke_off_is_run_again(bench: Bench) {
    // It takes a migration back as a whole.
    if bench.kind == "sqlite" {
        return;
    }
    let state = bench.store.schema().await.expect("a state");
    bench
        .database
        .execute("DROP TABLE user_habits; UPDATE _sqlx_migrations SET success = false WHERE version = 1")
        .await;
    assert_eq!(bench.store.migrate().await.expect("migrated"), [1]);
    assert_eq!(bench.store.schema().await.expect("a state"), state);
    let habits = bench.store.habits(&[42]).await.expect("the table is there again");
    assert!(habits.of(42).is_none());
}

async fn a_table_of_another_program_is_named_and_nothing_is_made(bench: Bench) {
    empty(&bench).await;
    let foreign = "CREATE TABLE user_preferences (user_name VARCHAR(80) PRIMARY KEY)";
    bench.database.execute(foreign).await;
    for _ in 0..2 {
        let why = schema_error(bench.store.migrate().await);
        assert!(why.contains("table user_preferences"), "{why}");
        assert!(why.contains("nothing was changed"), "{why}");
    }
    // It is as it was, and alone.
    bench
        .database
        .execute("INSERT INTO user_preferences (user_name) VALUES ('x'); ALTER TABLE user_preferences RENAME TO theirs")
        .await;
    bench.store.migrate().await.expect("migrated");
    bench.database.execute("DROP TABLE theirs").await;
    bench.insert(&[row("a")]).await;
}
