//! Servers that are there, away, or refuse us.

use std::sync::Arc;

use inq::store::{self, StoreError};

use super::{Bench, on_every_database};
use crate::servers::{self, Database};

on_every_database! {
    a_server_says_what_it_is,
    claims_exclude_each_other_also_where_many_prove_it,
    a_closed_store_is_away,
}

async fn a_server_says_what_it_is(bench: Bench) {
    bench.store.try_write().await.expect("an answer");
    let name = bench.store.server().await.expect("a name");
    let expected = match bench.kind {
        "sqlite" => "SQLite 3.",
        "mysql" => "MySQL ",
        _ => "MariaDB 1",
    };
    assert!(name.starts_with(expected), "{name}");
}

async fn claims_exclude_each_other_also_where_many_prove_it(bench: Bench) {
    let proofs: Vec<_> = (0..6)
        .map(|_| {
            let store = Arc::clone(&bench.store);
            tokio::spawn(async move { store.prove_claims_exclude().await })
        })
        .collect();
    for proof in proofs {
        proof.await.expect("a proof").expect("proven");
    }
    // One connection for all else is enough for a proof, too.
    let narrow = store::open(&bench.database.url, 1).expect("a store");
    narrow.prove_claims_exclude().await.expect("proven");
    narrow.close().await;
}

async fn a_closed_store_is_away(bench: Bench) {
    let other = store::open(&bench.database.url, 1).expect("a store");
    other.close().await;
    let answer = other.try_write().await;
    assert!(matches!(answer, Err(StoreError::Away(_))), "{answer:?}");
}

#[tokio::test]
async fn a_pool_that_is_used_up_is_no_database_that_is_away() {
    let Some(database) = Database::fresh("mysql").await else {
        return;
    };
    let store = store::open(&database.url, 1).expect("a store");
    store.migrate().await.expect("migrated");
    let hold = database.hold("incentive_notify_queue").await;
    let busy = Arc::clone(&store);
    let asked = tokio::spawn(async move { busy.notification(1).await });
    // The one connection is in use for as long as the table is held.
    let mut refused = store.identity().await;
    while refused.is_ok() {
        refused = store.identity().await;
    }
    assert!(matches!(refused, Err(StoreError::NoConnection(5))), "{refused:?}");
    let why = refused.expect_err("refused").to_string();
    assert!(why.contains("raise database.max_connections"), "{why}");
    store.try_write().await.expect("the database is there");
    hold.release().await;
    asked.await.expect("an end").expect("an answer");
    store.close().await;
    database.drop().await;
}

async fn first_answer(url: &str) -> StoreError {
    match store::open(url, 2) {
        Ok(store) => store.server().await.expect_err("no server"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn where_nobody_listens_the_database_is_away() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let error = first_answer(&format!("mysql://inq:hunter2@127.0.0.1:{port}/inq")).await;
    let StoreError::Away(why) = &error else {
        panic!("{error:?}")
    };
    assert!(error.is_transient() && !why.contains("hunter2"), "{why}");
}

/// The same URL with another user and password.
fn as_other(url: &str, user: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{user}@{host}")
}

async fn refusals(server: &'static str) {
    let Some(url) = servers::server_url(server) else {
        return;
    };
    for (url, remedy) in [
        (
            as_other(&format!("{url}/mysql"), "nobody-we-know:hunter2"),
            "password",
        ),
        (format!("{url}/inq_no_such_database"), "CREATE DATABASE"),
        (format!("{url}/"), "database.url"),
    ] {
        let error = first_answer(&url).await;
        let StoreError::Refused(why) = &error else {
            panic!("{url}: {error:?}")
        };
        assert!(why.contains("database.url") && why.contains(remedy), "{why}");
        assert!(!why.contains("hunter2") && !why.contains('\n'), "{why}");
    }
}

#[tokio::test]
async fn mysql_refuses_with_a_remedy() {
    refusals("mysql").await;
}

#[tokio::test]
async fn mariadb_refuses_with_a_remedy() {
    refusals("mariadb").await;
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("missing").join("inq.db");
    let text = folder.path().join("text.db");
    std::fs::write(
        &text,
        "this is no database, as anybody can see who reads it\n".repeat(100),
    )
    .expect("written");
    for path in [missing, text, folder.path().to_owned()] {
        let error = first_answer(&format!("sqlite://{}", path.display())).await;
        let StoreError::Refused(why) = &error else {
            panic!("{}: {error:?}", path.display())
        };
        assert!(why.contains("database.url"), "{why}");
    }
}

#[tokio::test]
async fn another_kind_of_database_is_refused() {
    let error = first_answer("postgres://inq:hunter2@127.0.0.1/inq").await;
    let StoreError::Refused(why) = &error else {
        panic!("{error:?}")
    };
    assert!(why.contains("mysql://") && !why.contains("hunter2"), "{why}");
}

/// A session's mode is ours, whatever the server's default is.
#[tokio::test]
async fn a_lax_server_is_strict_for_us() {
    for server in ["mysql", "mariadb"] {
        let Some(database) = Database::fresh(server).await else {
            continue;
        };
        let store = store::open(&format!("{}?timezone=%2B05:00", database.url), 2).expect("a store");
        store.migrate().await.expect("migrated");
        store.insert(&[super::row("a")]).await.expect("inserted");
        let row = store
            .notification_of_event("a")
            .await
            .expect("an answer")
            .expect("a row");
        let drift = (row.created_at - super::now()).num_seconds().abs();
        assert!(drift < 60, "{server}: {drift} s off UTC");
        store.close().await;
        database.drop().await;
    }
}
