//! Who is forgotten is found nowhere: on real Kafka and MySQL, every column of every table and every line of the archive is
//! searched.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use inq::store::{self, Claimant, Ended, Store};
use rdkafka::Message;
use serde_json::{Value, json};
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection, Row};
use tempfile::TempDir;

use crate::household::{House, text};
use crate::inq::{Service, eventually, inq, inq_json};
use crate::servers::Database;

/// Where a process dies while it forgets somebody, by the code's own names.
#[cfg(feature = "failpoints")]
pub const DEADLY: [&str; 4] = [
    "store::anonymise_uncommitted",
    "forget::anonymised",
    "archive::unnamed",
    "archive::rewritten",
];

const USER: i64 = 7_300_000_042;
const OTHER: i64 = 8_500_000_043;
/// Stands in all that the user's messages say.
const MARK: &str = "zebra-4711";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
/// All that tells of the user.
const TELLTALES: [&str; 4] = ["7300000042", MARK, TRACE, "Kathmandu"];
/// Who is remembered to have been forgotten.
const REMEMBERED: [&str; 2] = ["incentive_notify_forgotten.user_id", "user_preferences.user_id"];

/// The columns in which a text is found.
async fn found(database: &Database, text: &str) -> Vec<String> {
    let mut connection = MySqlConnection::connect(&database.url)
        .await
        .expect("a connection");
    let columns = sqlx::query(
        "SELECT CAST(table_name AS CHAR) AS t, CAST(column_name AS CHAR) AS c FROM information_schema.columns \
         WHERE table_schema = DATABASE() ORDER BY 1, 2",
    )
    .fetch_all(&mut connection)
    .await
    .expect("columns");
    assert!(columns.len() > 40);
    let mut found = Vec::new();
    for column in columns {
        let (table, name): (String, String) = (column.get("t"), column.get("c"));
        let search = format!("SELECT COUNT(*) FROM {table} WHERE CAST(`{name}` AS CHAR) LIKE '%{text}%'");
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(search))
            .fetch_one(&mut connection)
            .await
            .expect("a count");
        if count > 0 {
            found.push(format!("{table}.{name}"));
        }
    }
    connection.close().await.expect("closed");
    found
}

/// Everything in the archive, unpacked.
fn archived(archive: &Path) -> String {
    let mut text = String::new();
    for file in std::fs::read_dir(archive).expect("the archive") {
        let path = file.expect("a file").path();
        if path.extension().is_some_and(|extension| extension == "gz") {
            flate2::read::MultiGzDecoder::new(File::open(path).expect("opened"))
                .read_to_string(&mut text)
                .expect("whole");
        } else {
            assert_eq!(std::fs::read(&path).expect("read"), b"", "{}", path.display());
        }
    }
    text
}

async fn assert_nothing_is_left(database: &Database, archive: &Path) {
    let archived = archived(archive);
    for telltale in TELLTALES {
        let mut places = found(database, telltale).await;
        places.retain(|place| !REMEMBERED.contains(&place.as_str()));
        assert_eq!(places, Vec::<String>::new(), "{telltale} is still there");
        assert!(!archived.contains(telltale), "{telltale} is still in the archive");
    }
}

struct Home {
    house: House,
    preferences: String,
    archive: TempDir,
}

impl Home {
    async fn fresh() -> Option<Self> {
        let house = House::fresh().await?;
        let preferences = house.kafka.topic("preferences", 1).await;
        let dead_letters = house.kafka.topic("preferences.dlq", 1).await;
        let archive = TempDir::new().expect("a folder");
        let house = house
            .with("INQ_TOPICS__PREFERENCES", &preferences)
            .with("INQ_TOPICS__PREFERENCES_DLQ", &dead_letters)
            .with("INQ_RETENTION__ARCHIVE", archive.path().to_str().expect("a path"))
            .with("INQ_CAPS__PER_DAY", "1000")
            .with("INQ_RETRY__INITIAL", "1h");
        Some(Self {
            house,
            preferences,
            archive,
        })
    }

    async fn send(&self, user: i64, id: &str, more: Value) {
        let mark = if user == USER { MARK } else { "of another" };
        let mut event = json!({
            "event_id": format!("{mark} {id}"), "user_id": user, "incentive_type": "streak_reward",
            "message_title": format!("title of {mark}"), "message_body": format!("body of {mark}"),
            "incentive_data": { "note": mark }, "device_type": "ios",
        });
        if user == USER {
            event["timezone"] = "Asia/Kathmandu".into();
        }
        for (name, value) in more.as_object().expect("an object") {
            event[name] = value.clone();
        }
        let trace = format!("00-{TRACE}-b7ad6b7169203331-01");
        if user == USER {
            let kafka = &self.house.kafka;
            kafka
                .produce_with_header(
                    &self.house.events,
                    event.to_string().as_bytes(),
                    "traceparent",
                    &trace,
                )
                .await;
        } else {
            self.house.send_event(&event.to_string()).await;
        }
    }

    async fn until(&self, id: &str, status: &str) {
        let condition = format!("event_id LIKE '% {id}' AND status = '{status}'");
        eventually(&format!("{id} is {status}"), async || {
            self.rows(&condition).await == 2
        })
        .await;
    }

    async fn rows(&self, condition: &str) -> i64 {
        let text = format!("SELECT COUNT(*) FROM incentive_notify_queue WHERE {condition}");
        self.house.database.count(&text).await
    }

    /// What the service says by every way to group.
    async fn figures(&self, service: &Service) -> Vec<String> {
        let mut told = Vec::new();
        for by in ["type", "language", "variant", "priority", "device", "hour"] {
            let (status, body) = service
                .get(&format!("/v1/engagement?by={by}"))
                .await
                .expect("an answer");
            assert_eq!(status, 200, "{body}");
            let body: Value = serde_json::from_str(&body).expect("JSON");
            told.push(format!("{by}: {}", body["groups"]));
            assert!(
                body["groups"].as_array().is_some_and(|groups| !groups.is_empty()),
                "{body}"
            );
        }
        told
    }

    /// A notification of each user in every status, with a history, preferences, and one of each in the archive.
    async fn furnish(&self) {
        let service = self.house.run(&[]).await;
        for user in [USER, OTHER] {
            self.send(user, "archived", json!({})).await;
        }
        self.until("archived", "sent").await;
        self.house
            .database
            .execute(
                "UPDATE incentive_notify_queue SET scheduled_at = scheduled_at - INTERVAL 31 DAY, \
                 updated_at = updated_at - INTERVAL 31 DAY",
            )
            .await;
        inq_json(&self.house.environment(), &["purge", "--yes"]);
        eventually("both are archived", async || self.rows("TRUE").await == 0).await;
        assert!(archived(self.archive.path()).contains(MARK));

        let tomorrow = text(Utc::now() + chrono::Duration::days(1));
        let before = text(Utc::now() - chrono::Duration::hours(1));
        for user in [USER, OTHER] {
            for id in ["opened", "failed for good", "failed for now"] {
                self.send(user, id, json!({})).await;
            }
            self.send(user, "ahead", json!({ "scheduled_at": tomorrow }))
                .await;
            self.send(user, "called off", json!({ "scheduled_at": tomorrow }))
                .await;
            self.send(user, "too late", json!({ "expires_at": before })).await;
        }
        let nowhere = json!({ "action": "cancel", "event_id": MARK, "user_id": USER, "reason": MARK });
        self.house.send_event(&nowhere.to_string()).await;
        for id in ["opened", "failed for good", "failed for now"] {
            self.until(id, "sent").await;
        }
        self.until("too late", "expired").await;
        self.until("called off", "pending").await;
        for user in [USER, OTHER] {
            let mark = if user == USER { MARK } else { "of another" };
            let cancel = ["cancel", "--event", &format!("{mark} called off"), "--by", mark];
            assert!(inq(&self.house.environment(), &cancel).status.success());
        }
        for number in 3..=8 {
            let request = self.house.request(number).await;
            let event = request["event_id"].as_str().expect("an event");
            if event.ends_with("opened") {
                let zone = if event.starts_with(MARK) {
                    "Asia/Kathmandu"
                } else {
                    "UTC"
                };
                self.house
                    .send_result(&request, "delivered", json!({ "user_timezone": zone }))
                    .await;
                self.house.send_result(&request, "opened", json!({})).await;
            } else if event.ends_with("for good") {
                let error = json!({ "error_message": event, "retryable": false });
                self.house.send_result(&request, "failed", error).await;
            } else {
                let error = json!({ "error_message": event });
                self.house.send_result(&request, "failed", error).await;
            }
        }
        self.until("failed for good", "failed").await;
        self.until("failed for now", "pending").await;
        eventually("it is known to be opened", async || {
            self.rows("opened_at IS NOT NULL").await == 2
        })
        .await;
        for (user, segment) in [(USER, MARK), (OTHER, "of another")] {
            let said = json!({
                "user_id": user, "updated_at": text(Utc::now()), "segments": [segment],
                "opted_out_types": ["point_earning"],
            });
            let key = user.to_string();
            self.house
                .kafka
                .produce(&self.preferences, [(key.as_str(), said.to_string().as_bytes())])
                .await;
        }
        eventually("the preferences are known", async || {
            self.house
                .database
                .count("SELECT COUNT(*) FROM user_preferences")
                .await
                == 2
        })
        .await;
        for user in [USER, OTHER] {
            self.send(user, "unwanted", json!({ "incentive_type": "point_earning" }))
                .await;
        }
        self.until("unwanted", "suppressed").await;
        assert!(service.terminate().await.success());
    }

    /// A claim of each user's notification that nobody ends yet, and the store that has made it.
    async fn hold(&self) -> (Arc<dyn Store>, store::Claim) {
        for user in [USER, OTHER] {
            self.send(user, "held", json!({ "priority": 4 })).await;
        }
        self.until("held", "pending").await;
        let store = store::open(&self.house.database.url, 2).expect("a store");
        let claimed = store.claim(2, Duration::from_hours(1), &Claimant::Plain).await;
        let claim = claimed.expect("claimed").claim.expect("a claim");
        assert_eq!(claim.rows.len(), 2);
        (store, claim)
    }
}

/// All that the database keeps of the other user, but for when it was last touched.
async fn of_the_other(database: &Database) -> Vec<String> {
    let store = store::open(&database.url, 2).expect("a store");
    let filter = store::Filter {
        user_id: Some(OTHER),
        ..store::Filter::default()
    };
    let mut told = Vec::new();
    for row in store.notifications(&filter, None, 100).await.expect("an answer") {
        let history = store.history(row.id).await.expect("an answer");
        told.push(format!("{row:?} {history:?}"));
    }
    told.push(format!(
        "{:?}",
        store.preferences(&[OTHER]).await.expect("an answer")
    ));
    store.close().await;
    told
}

#[tokio::test]
async fn who_is_forgotten_is_found_nowhere_and_the_figures_stay() {
    let Some(home) = Home::fresh().await else { return };
    home.furnish().await;
    let house = &home.house;
    let service = house
        .run(&["--only", "preferences,ingest,feedback,maintain,http"])
        .await;
    let (store, claim) = home.hold().await;
    for telltale in TELLTALES {
        assert!(
            !found(&house.database, telltale).await.is_empty(),
            "{telltale} is there"
        );
    }
    let (figures, other) = (home.figures(&service).await, of_the_other(&house.database).await);
    let user = USER.to_string();

    let looked = inq_json(&house.environment(), &["forget", &user, "--dry-run"]);
    assert_eq!(
        (&looked["notifications"], &looked["pending"]),
        (&json!(8), &json!(2))
    );
    assert_eq!(
        (&looked["preferences"], &looked["request"]),
        (&json!(true), &Value::Null)
    );
    let refused = inq(&house.environment(), &["forget", &user]);
    assert_eq!(refused.status.code(), Some(2), "nobody is there to be asked");

    let asked = inq_json(
        &house.environment(),
        &["forget", &user, "--by", "a clerk", "--yes"],
    );
    assert_eq!(asked["request"]["requested_by"], "a clerk");
    let of_user = format!("user_id = {USER}");
    eventually("only what the claim holds is left", async || {
        home.rows(&of_user).await == 1
    })
    .await;
    assert_eq!(
        home.rows(&format!("{of_user} AND status = 'processing'")).await,
        1
    );
    assert_eq!(home.figures(&service).await, figures);
    let held: Vec<i64> = claim.rows.iter().map(|row| row.id).collect();
    let ended = store.settle(claim.id, &held, true).await;
    assert_eq!(ended.expect("an answer"), Ended::Done);
    let settled = home.figures(&service).await;
    let path = format!("/v1/users/{USER}/forgetting");
    eventually("it is done", async || {
        let (status, body) = service.get(&path).await.expect("an answer");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        status == 200 && body["done_at"].is_string()
    })
    .await;
    assert_eq!(home.figures(&service).await, settled);

    // What comes too late: a result, and an event from before.
    let request = claim
        .rows
        .iter()
        .find(|row| row.user_id == USER)
        .expect("the user's");
    let late = json!({ "notification_id": request.id, "attempt": 1, "user_id": USER });
    house.send_result(&late, "clicked", json!({})).await;
    let before = text(Utc::now() - chrono::Duration::hours(1));
    home.send(USER, "late", json!({ "occurred_at": before })).await;
    eventually("both are read", async || house.behind() == 0).await;
    let (_, metrics) = service.get("/metrics").await.expect("an answer");
    for told in [
        "inq_forgotten_events_total 1",
        "inq_results_ignored_total{why=\"forgotten\"} 1",
        "inq_users_forgotten_total 1",
    ] {
        assert!(metrics.lines().any(|line| line == told), "{told}: {metrics}");
    }
    assert_nothing_is_left(&house.database, home.archive.path()).await;
    assert!(
        !service.log().contains(&user) && !service.log().contains(MARK),
        "{}",
        service.log()
    );
    assert_eq!(house.kafka.read_all(&house.kafka.name("results.dlq")).len(), 0);
    let emptied = house.kafka.read_all(&home.preferences);
    assert!(emptied.last().expect("a record").payload().is_none());

    store.close().await;
    // The other user is as before, but for the claim that has ended.
    let held = |told: &&String| told.contains("of another held");
    let now = of_the_other(&house.database).await;
    assert_eq!(
        now.iter().filter(|told| !held(told)).collect::<Vec<_>>(),
        other.iter().filter(|told| !held(told)).collect::<Vec<_>>()
    );
    assert!(archived(home.archive.path()).contains("of another archived"));

    // Who comes back begins anew.
    home.send(USER, "new", json!({})).await;
    eventually("it is stored", async || home.rows(&of_user).await == 1).await;
    assert!(service.terminate().await.success());
    home.house.database.drop().await;
}

#[tokio::test]
async fn an_empty_preference_record_forgets_the_user_and_the_api_does_too() {
    let Some(home) = Home::fresh().await else { return };
    let house = &home.house;
    let service = house.run(&["--only", "preferences,ingest,maintain,http"]).await;
    let tomorrow = text(Utc::now() + chrono::Duration::days(1));
    for user in [USER, OTHER] {
        home.send(user, "ahead", json!({ "scheduled_at": tomorrow }))
            .await;
    }
    home.until("ahead", "pending").await;
    let key = USER.to_string();
    house
        .kafka
        .produce(&home.preferences, [(key.as_str(), &b""[..])])
        .await;
    eventually("nothing is left of the user", async || {
        home.rows("user_id = 0").await == 1
    })
    .await;
    assert_eq!(
        home.rows(&format!("user_id = {OTHER} AND status = 'pending'"))
            .await,
        1
    );

    let path = format!("/v1/users/{OTHER}");
    let looked = service
        .ask("DELETE", &format!("{path}?dry_run=true"), &[], "")
        .await;
    let looked = looked.expect("an answer");
    assert_eq!(
        (looked.status, &looked.json()["pending"]),
        (200, &json!(1)),
        "{}",
        looked.body
    );
    assert_eq!(
        service
            .get(&format!("{path}/forgetting"))
            .await
            .expect("an answer")
            .0,
        404
    );
    let wrong = service
        .ask("DELETE", &format!("{path}?dry_run=perhaps"), &[], "")
        .await;
    assert_eq!(wrong.expect("an answer").status, 422);
    let asked = service.ask("DELETE", &path, &[], "").await.expect("an answer");
    assert_eq!(
        (asked.status, &asked.json()["request"]["requested_by"]),
        (202, &json!("api")),
        "{}",
        asked.body
    );
    eventually("nothing is left of the other either", async || {
        home.rows("user_id = 0").await == 2
    })
    .await;
    assert!(service.terminate().await.success());
    home.house.database.drop().await;
}

/// At each place where it may die, the next one goes on, and nothing is lost of others.
#[cfg(feature = "failpoints")]
#[tokio::test]
async fn who_dies_while_forgetting_leaves_the_rest_to_the_next() {
    use inq::contract::{IncentiveType, Priority};
    use inq::store::{NewNotification, Status};

    const ROWS: i64 = 1400;
    let Some(home) = Home::fresh().await else { return };
    let house = &home.house;
    let store = store::open(&house.database.url, 2).expect("a store");
    store.migrate().await.expect("migrated");
    let rows: Vec<_> = (0..ROWS)
        .map(|number| NewNotification {
            event_id: format!("{} {number}", if number % 2 == 0 { MARK } else { "of another" }),
            user_id: if number % 2 == 0 { USER } else { OTHER },
            incentive_type: IncentiveType::PointEarning,
            notification_type: 86,
            priority: Priority::new(0).expect("a priority"),
            message_title: "Points".to_owned(),
            message_body: "You have points.".to_owned(),
            incentive_data: "{}".to_owned(),
            occurred_at: Utc::now(),
            scheduled_at: Some(Utc::now() + chrono::Duration::days(1)),
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
    store.insert(&rows).await.expect("inserted");
    // Some of each in the archive.
    house
        .database
        .execute(
            "UPDATE incentive_notify_queue SET status = 'sent', scheduled_at = scheduled_at - INTERVAL 40 DAY, \
             updated_at = updated_at - INTERVAL 31 DAY WHERE id <= 200",
        )
        .await;
    inq_json(&house.environment(), &["purge", "--yes"]);
    assert_eq!(archived(home.archive.path()).lines().count(), 200);
    store.request_forgetting(USER, "a test").await.expect("asked");
    for place in DEADLY {
        // Whoever has died leads for a minute; nobody has to wait for that here.
        house
            .database
            .execute("UPDATE incentive_notify_maintenance SET lease_until = '2000-01-01'")
            .await;
        let failpoint = format!("{place}=1*return");
        let environment = [house.environment(), vec![("FAILPOINTS", failpoint.as_str())]].concat();
        let mut service = Service::start(&environment, &["run", "--only", "maintain"]);
        eventually(&format!("it dies at {place}"), async || service.has_ended()).await;
        assert!(
            service.log().contains(&format!("failpoint {place}")),
            "{}",
            service.log()
        );
        let others = archived_lines(home.archive.path(), "of another");
        assert_eq!(others, 100, "{place}");
    }
    house
        .database
        .execute("UPDATE incentive_notify_maintenance SET lease_until = '2000-01-01'")
        .await;
    let service = house.run(&["--only", "maintain,http"]).await;
    eventually("it is done", async || {
        let request = store.forgetting(USER).await.expect("an answer");
        request.is_some_and(|request| request.done_at.is_some())
    })
    .await;
    assert_nothing_is_left(&house.database, home.archive.path()).await;
    assert_eq!(archived_lines(home.archive.path(), "of another"), 100);
    assert_eq!(
        home.rows(&format!("user_id = {OTHER} AND status = 'pending'"))
            .await,
        600
    );
    assert_eq!(home.rows("user_id = 0 AND status = 'cancelled'").await, 600);
    assert!(service.terminate().await.success());
    store.close().await;
    home.house.database.drop().await;
}

/// Lines of whole files that have a text; what is written beside them is not the archive's yet.
#[cfg(feature = "failpoints")]
fn archived_lines(archive: &Path, text: &str) -> usize {
    let mut lines = 0;
    for file in std::fs::read_dir(archive).expect("the archive") {
        let path = file.expect("a file").path();
        if path.extension().is_some_and(|extension| extension == "gz") {
            let mut all = String::new();
            flate2::read::MultiGzDecoder::new(File::open(path).expect("opened"))
                .read_to_string(&mut all)
                .expect("whole");
            lines += all.lines().filter(|line| line.contains(text)).count();
        }
    }
    lines
}

#[tokio::test]
async fn nothing_is_left_in_the_file_of_a_small_database() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("inq.db");
    let store = store::open(&format!("sqlite://{}", file.display()), 2).expect("a store");
    store.migrate().await.expect("migrated");
    let store: &dyn Store = store.as_ref();
    let said = format!(r#"{{"user_id":{USER},"segments":["{MARK}"],"updated_at":"2026-01-31T12:00:00Z"}}"#);
    let said = inq::contract::Preference::decode(Some(said.as_bytes()), 1000).expect("a preference");
    store.change_preferences(&[said.into()]).await.expect("changed");
    let bytes = || {
        let mut all = Vec::new();
        for file in std::fs::read_dir(folder.path()).expect("a folder") {
            all.extend(std::fs::read(file.expect("a file").path()).expect("read"));
        }
        String::from_utf8_lossy(&all).into_owned()
    };
    assert!(bytes().contains(MARK));
    let asked = store.request_forgetting(USER, "a test").await.expect("asked");
    assert!(
        store
            .note_erased(&asked, Duration::ZERO, true)
            .await
            .expect("an answer")
    );
    assert!(!bytes().contains(MARK));
    store.close().await;
}
