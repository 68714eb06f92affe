//! Mending by hand: `inq retry`, `inq cancel` and `inq purge`, on a real database.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use inq::contract::{IncentiveType, Priority};
use inq::store::{self, NewNotification, Status};
use serde_json::Value;
use tempfile::TempDir;

use crate::heavy;
use crate::inq::{command, inq, inq_json};
use crate::servers::Database;

/// A database with notifications of two users, one of them failed.
struct Desk {
    database: Database,
}

impl Desk {
    async fn open(kind: &str, rows: usize) -> Option<Self> {
        let database = Database::migrated(kind).await?;
        let store = store::open(&database.url, 4).expect("a store");
        let rows: Vec<_> = (0..rows)
            .map(|number| NewNotification {
                event_id: format!("event-{number}"),
                user_id: 1 + i64::try_from(number % 2).expect("small"),
                incentive_type: IncentiveType::PointEarning,
                notification_type: 86,
                priority: Priority::new(0).expect("a priority"),
                message_title: "Points".to_owned(),
                message_body: "You have points.".to_owned(),
                incentive_data: "{}".to_owned(),
                occurred_at: chrono::Utc::now(),
                scheduled_at: None,
                expires_at: None,
                language: "en".to_owned(),
                variant: None,
                timezone: None,
                device_type: None,
                traceparent: None,
                status: Status::Pending,
                digest_event_id: None,
                stands_alone: false,
                beginning: Vec::new(),
            })
            .collect();
        for part in rows.chunks(1000) {
            store.insert(part).await.expect("inserted");
        }
        store.close().await;
        Some(Self { database })
    }

    fn environment<'a>(&'a self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        [&[("DATABASE_URL", self.database.url.as_str())], more].concat()
    }

    fn says(&self, arguments: &[&str]) -> Output {
        inq(&self.environment(&[]), arguments)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        inq_json(&self.environment(&[]), arguments)
    }

    async fn count(&self, condition: &str) -> i64 {
        let text = format!("SELECT COUNT(*) FROM incentive_notify_queue WHERE {condition}");
        self.database.count(&text).await
    }

    /// Makes what the condition means have ended as `status` so many days ago.
    async fn end(&self, condition: &str, status: &str, days: u32) {
        let text = format!(
            "UPDATE incentive_notify_queue SET status = '{status}', attempts = 1, \
             scheduled_at = scheduled_at - INTERVAL {days} DAY, updated_at = updated_at - INTERVAL {days} DAY \
             WHERE {condition}"
        );
        self.database.execute(&text).await;
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn refused(output: &Output, status: i32, words: &str) {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains(words), "{said}");
}

async fn a_failed_one_leaves_again(kind: &str) {
    let Some(desk) = Desk::open(kind, 4).await else {
        return;
    };
    desk.end("event_id = 'event-1'", "failed", 0).await;
    let said = desk.says(&["retry", "--event", "event-1", "--by", "Ada"]);
    assert!(said.status.success(), "{}", text(&said.stderr));
    assert_eq!(text(&said.stdout), "1 notification made due again\n");
    let shown = desk.json(&["show", "--event", "event-1"]);
    assert_eq!(shown["status"], "pending");
    assert_eq!(shown["history"][0]["kind"], "retried");
    assert_eq!(shown["history"][0]["detail"]["by"], "Ada");
    let story = text(&desk.says(&["show", "--event", "event-1"]).stdout);
    assert!(story.contains("made due again by Ada"), "{story}");

    refused(
        &desk.says(&["retry", "--event", "event-2"]),
        1,
        "pending and leaves by itself",
    );
    refused(
        &desk.says(&["retry", "999999"]),
        1,
        "there is no such notification",
    );
    refused(
        &desk.says(&["show", "--event", "nobodys"]),
        1,
        "`inq dead-letters list --topic events --limit 1000` shows those",
    );
    desk.end("event_id = 'event-3'", "sent", 0).await;
    refused(
        &desk.says(&["cancel", "--event", "event-3"]),
        1,
        "cannot be called back",
    );
    desk.database.drop().await;
}

#[tokio::test]
async fn a_failed_one_leaves_again_on_mysql() {
    a_failed_one_leaves_again("mysql").await;
}

#[tokio::test]
async fn a_failed_one_leaves_again_on_mariadb() {
    a_failed_one_leaves_again("mariadb").await;
}

#[tokio::test]
async fn what_a_user_still_has_to_get_is_called_off() {
    let Some(desk) = Desk::open("mysql", 1400).await else {
        return;
    };
    let looked = desk.json(&["cancel", "--user", "2", "--dry-run"]);
    assert_eq!((&looked["matched"], &looked["changed"]), (&700.into(), &0.into()));
    assert_eq!(desk.count("status = 'pending'").await, 1400);
    // Nobody is there to be asked.
    refused(&desk.says(&["cancel", "--user", "2"]), 2, "say --yes");
    assert_eq!(desk.count("status = 'pending'").await, 1400);

    let done = desk.json(&["cancel", "--user", "2", "--yes"]);
    assert_eq!((&done["matched"], &done["changed"]), (&700.into(), &700.into()));
    assert_eq!(desk.count("status = 'cancelled' AND user_id = 2").await, 700);
    assert_eq!(desk.count("status = 'pending' AND user_id = 1").await, 700);
    let again = desk.says(&["cancel", "--user", "2", "--yes"]);
    assert_eq!(text(&again.stdout), "0 notifications cancelled\n");
    desk.database.drop().await;
}

#[test]
fn what_is_meant_must_be_said_and_be_right() {
    for (arguments, words) in [
        (vec!["retry"], "required"),
        (vec!["cancel", "--status", "pendign"], "must be one of pending"),
        (
            vec!["cancel", "--type", "points"],
            "must be one of achievement_reward",
        ),
        (vec!["cancel", "--priority", "7"], "must be 0 to 4"),
        (
            vec!["cancel", "--since", "yesterday"],
            "like 2026-01-31T12:00:00Z",
        ),
        (vec!["retry", "0"], "0"),
    ] {
        let output = inq(&[], &arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
}

/// The event ids in an archive, each with how often it is there. A file that was cut off is read as far as it goes.
fn archived(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(directory).expect("the archive") {
        let file = File::open(file.expect("a file").path()).expect("opened");
        let lines = BufReader::new(flate2::read::MultiGzDecoder::new(file)).lines();
        for line in lines.map_while(Result::ok) {
            let Ok(story) = serde_json::from_str::<Value>(&line) else {
                continue;
            };
            assert!(story["history"].is_array(), "{story}");
            found.push(story["event_id"].as_str().expect("an event").to_owned());
        }
    }
    found
}

#[tokio::test]
async fn what_is_past_its_retention_is_archived_and_removed() {
    let Some(desk) = Desk::open("mysql", 1200).await else {
        return;
    };
    let _turn = heavy::turn().await;
    let archive = TempDir::new().expect("a folder");
    let place = archive.path().to_str().expect("a path").to_owned();
    desk.end("user_id = 1", "sent", 31).await;
    desk.end("user_id = 2 AND id % 4 = 0", "failed", 8).await;
    desk.end("user_id = 2 AND id % 4 <> 0", "sent", 8).await;
    let old = desk.count("user_id = 1 OR status = 'failed'").await;
    let environment = desk.environment(&[("INQ_RETENTION__ARCHIVE", &place)]);

    let looked = inq_json(&environment, &["purge", "--dry-run"]);
    assert_eq!(looked["outlived"]["sent"], 600);
    assert_eq!(looked["removed"], 0);
    refused(&inq(&environment, &["purge"]), 2, "say --yes");
    assert_eq!(desk.count("TRUE").await, 1200);

    let done = inq_json(&environment, &["purge", "--yes"]);
    assert_eq!(done["removed"], old);
    assert_eq!(desk.count("TRUE").await, 1200 - old);
    assert_eq!(desk.count("user_id = 1 OR status = 'failed'").await, 0);
    let archived = archived(archive.path());
    assert_eq!(i64::try_from(archived.len()).expect("a count"), old);
    assert_eq!(archived.iter().collect::<BTreeSet<_>>().len(), archived.len());
    desk.database.drop().await;
}

mod thorough {
    #[tokio::test]
    async fn a_purge_that_is_killed_loses_nothing() {
        super::a_purge_that_is_killed_loses_nothing().await;
    }
}

async fn a_purge_that_is_killed_loses_nothing() {
    const ROWS: i64 = 8000;
    let Some(desk) = Desk::open("mysql", 8000).await else {
        return;
    };
    let archive = TempDir::new().expect("a folder");
    let place = archive.path().to_str().expect("a path").to_owned();
    desk.end("TRUE", "sent", 31).await;
    let environment = desk.environment(&[("INQ_RETENTION__ARCHIVE", &place)]);
    let folder = TempDir::new().expect("a folder");
    let all: BTreeSet<_> = (0..ROWS).map(|number| format!("event-{number}")).collect();
    let mut left = ROWS;
    let mut kills = 0;
    while left > 0 {
        // Whoever was killed leads for a minute; nobody has to wait for that here.
        desk.database
            .execute("UPDATE incentive_notify_maintenance SET lease_until = '2000-01-01'")
            .await;
        let mut purge: Command = command(&folder, &environment, &["purge", "--yes"]);
        let mut purge = purge.spawn().expect("started");
        // After a batch or two, wherever it is then.
        let deadline = Instant::now() + Duration::from_mins(2);
        while kills < 5 && desk.count("TRUE").await > left - 700 {
            assert!(Instant::now() < deadline, "nothing is removed");
            if purge.try_wait().expect("a status").is_some() {
                break;
            }
        }
        if kills < 5 {
            purge.kill().expect("killed");
            kills += 1;
        }
        purge.wait().expect("ended");
        left = desk.count("TRUE").await;
        let archived: BTreeSet<_> = archived(archive.path()).into_iter().collect();
        let missing = all.difference(&archived).count();
        assert!(
            i64::try_from(missing).expect("a count") <= left,
            "{missing} are in neither place"
        );
    }
    let archived: BTreeSet<_> = archived(archive.path()).into_iter().collect();
    assert_eq!(archived, all);
    assert_eq!(kills, 5);
    desk.database.drop().await;
}

#[test]
fn there_are_completions_and_pages_to_read() {
    for (arguments, words) in [
        (vec!["completions", "bash"], "_inq()"),
        (vec!["completions", "fish"], "complete -c inq"),
        (vec!["man"], ".TH inq"),
        (vec!["man", "retry"], "Make notifications due now"),
    ] {
        let output = inq(&[], &arguments);
        let said = text(&output.stdout);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    refused(&inq(&[], &["man", "rety"]), 2, "there is no command rety");
}

#[tokio::test]
async fn the_status_is_watched_until_nobody_reads() {
    let Some(desk) = Desk::open("mysql", 3).await else {
        return;
    };
    let folder = TempDir::new().expect("a folder");
    // Nobody listens there: what the database knows is shown even so.
    let environment = desk.environment(&[("KAFKA_BROKERS", "127.0.0.1:1")]);
    let mut watch = command(&folder, &environment, &["status", "--watch", "1", "--json"]);
    let mut watch = watch.stdout(Stdio::piped()).spawn().expect("started");
    let mut lines = BufReader::new(watch.stdout.take().expect("its output")).lines();
    for _ in 0..2 {
        let line = lines.next().expect("a line").expect("text");
        let told: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(told["by_status"]["pending"], 3);
    }
    drop(lines);
    assert!(watch.wait().expect("ended").success());
    desk.database.drop().await;
}
