//! The walk over the failpoints: at each of them the process dies, or stands still past its lease, or loses an answer, on
//! real Kafka and MySQL, while another goes on. Then the topics and the table hold what was sent in: each event one row,
//! each attempt one request for a `read_committed` consumer, each poison record a dead letter.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::household::{House, simple_event};
use crate::inq::{Service, eventually, moment};
use crate::kafka::{Kafka, json as json_of};
use crate::servers::Database;

/// Where the process dies.
const DEADLY: [&str; 26] = [
    "store::cancel_uncommitted",
    "ingest::planned",
    "store::insert_uncommitted",
    "ingest::stored",
    "ingest::put_aside",
    "ingest::finished",
    "dispatch::unclaimed",
    "store::claim_uncommitted",
    "dispatch::claimed",
    "publish::begun",
    "publish::sent",
    "dispatch::claimed_ahead",
    "publish::uncommitted",
    "publish::committed",
    "dispatch::owing",
    "store::end_uncommitted",
    "dispatch::paid",
    "recovery::found",
    "recovery::fenced",
    "recovery::judged",
    "recovery::ended",
    "feedback::decoded",
    "store::results_uncommitted",
    "feedback::applied",
    "feedback::put_aside",
    "feedback::finished",
];
/// Where the process dies while it takes a publish back.
const DEADLY_IN_AN_ABORT: [&str; 2] = ["publish::unaborted", "publish::aborted"];
/// Where it was done, and nobody heard that it was.
const UNHEARD: [&str; 9] = [
    "store::cancel_unheard",
    "store::insert_unheard",
    "store::claim_unheard",
    "dispatch::ahead_unheard",
    "publish::refused",
    "publish::timed_out",
    "publish::committed_unheard",
    "store::end_unheard",
    "store::results_unheard",
];
const UNHEARD_IN_AN_ABORT: [&str; 1] = ["publish::aborted_unheard"];
/// Where the process stands still until others have taken over what it had in hand.
const FREEZING: [&str; 12] = [
    "store::claim_uncommitted",
    "dispatch::claimed",
    "publish::begun",
    "publish::sent",
    "dispatch::claimed_ahead",
    "publish::uncommitted",
    "publish::committed",
    "dispatch::owing",
    "store::end_uncommitted",
    "recovery::found",
    "recovery::fenced",
    "recovery::judged",
];

/// A freeze ends when the lease, and the recovery after it, are over for sure.
const FREEZE: Duration = Duration::from_secs(12);
const DEADLINE: Duration = Duration::from_mins(2);
/// Scenes that run beside each other: most of their time is waiting for leases and for the consumer group.
const AT_ONCE: usize = 12;
const EVENTS: usize = 40;
const POISON: usize = 3;
/// Events that were called off before they come.
const OFF: usize = 4;

/// What happens to the first service.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Dies,
    HearsNothing,
    Freezes,
}

#[derive(Clone, Debug)]
struct Scene {
    place: &'static str,
    fault: Fault,
    /// `FAILPOINTS` of the first service.
    failpoints: String,
}

impl Scene {
    fn new(place: &'static str, fault: Fault, before: &str) -> Self {
        // Not the first claim, so that its ledger has an entry of another one.
        let passes = if place.starts_with("publish") || place.starts_with("dispatch") {
            "1*off->"
        } else {
            ""
        };
        let action = match fault {
            Fault::Dies | Fault::HearsNothing => "return".to_owned(),
            Fault::Freezes => format!("return({})", FREEZE.as_millis()),
        };
        Self {
            place,
            fault,
            failpoints: format!("{before}{place}={passes}1*{action}"),
        }
    }

    fn all() -> VecDeque<Self> {
        const TAKEN_BACK: &str = "publish::refused=1*off->1*return;";
        // The claim that is taken back is the first that gets there.
        let in_an_abort = |place: &&'static str, fault| Self {
            failpoints: format!("{TAKEN_BACK}{place}=1*return"),
            ..Self::new(place, fault, "")
        };
        // The slowest first.
        let freezing = FREEZING.iter().map(|place| Self::new(place, Fault::Freezes, ""));
        let deadly = DEADLY.iter().map(|place| Self::new(place, Fault::Dies, ""));
        let aborts = DEADLY_IN_AN_ABORT
            .iter()
            .map(|place| in_an_abort(place, Fault::Dies));
        let unheard = UNHEARD
            .iter()
            .map(|place| Self::new(place, Fault::HearsNothing, ""));
        let unheard_aborts = UNHEARD_IN_AN_ABORT
            .iter()
            .map(|place| in_an_abort(place, Fault::HearsNothing));
        freezing
            .chain(deadly)
            .chain(aborts)
            .chain(unheard)
            .chain(unheard_aborts)
            .collect()
    }

    /// Recovery has something to do only after somebody else has left a claim behind.
    fn is_in_recovery(&self) -> bool {
        self.place.starts_with("recovery")
    }
}

mod thorough {
    #[test]
    fn nothing_is_lost_or_doubled_at_any_failpoint() {
        super::nothing_is_lost_or_doubled_at_any_failpoint();
    }
}

fn nothing_is_lost_or_doubled_at_any_failpoint() {
    if Kafka::reached().is_none() || crate::servers::server_url("mysql").is_none() {
        return;
    }
    let _turn = crate::heavy::blocking_turn();
    let scenes = Mutex::new(Scene::all());
    let faults = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = scenes.lock().expect("the scenes").pop_front();
                    let Some(scene) = next else { break };
                    let begun = Instant::now();
                    let played = std::panic::catch_unwind(|| {
                        let runtime = tokio::runtime::Builder::new_current_thread()
                            .enable_all()
                            .build()
                            .expect("a runtime");
                        runtime.block_on(play(&scene));
                    });
                    println!("{} {:?}: {:.1?}", scene.place, scene.fault, begun.elapsed());
                    if played.is_err() {
                        faults
                            .lock()
                            .expect("the faults")
                            .push(format!("{} {:?}", scene.place, scene.fault));
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().expect("the faults");
    assert!(faults.is_empty(), "{faults:#?}");
}

/// The services, and the notification service beside them.
struct Stage {
    house: House,
    sent: BTreeSet<String>,
    answered: BTreeSet<(i64, i64)>,
}

async fn play(scene: &Scene) {
    let database = Database::migrated("mysql").await.expect("a database");
    let house = House::on(Kafka::reached().expect("Kafka"), database, 2)
        .await
        .with("INQ_DISPATCH__BATCH_ROWS", "8")
        .with("INQ_RETRY__INITIAL", "1s");
    let mut stage = Stage {
        house,
        sent: BTreeSet::new(),
        answered: BTreeSet::new(),
    };
    stage.send_events().await;
    if scene.is_in_recovery() {
        let mut victim = stage.start("dispatch::claimed=1*return", "ingest,dispatch,http");
        stage.until("the victim dies", || victim.has_ended()).await;
    }
    let stages = match scene.fault {
        // Who stands still leaves the recovery of its claims to another.
        Fault::Freezes if !scene.is_in_recovery() => "ingest,dispatch,feedback,http",
        _ => "ingest,dispatch,feedback,maintain,http",
    };
    let mut first = stage.start(&scene.failpoints, stages);
    let reached = format!("failpoint {}", scene.place);
    match scene.fault {
        Fault::Dies => {
            stage.until("the process dies", || first.has_ended()).await;
            assert!(first.log().contains(&reached), "{}", first.log());
        }
        Fault::HearsNothing | Fault::Freezes => {
            stage
                .until("the place is reached", || first.log().contains(&reached))
                .await;
        }
    }
    let second = stage.start("", "ingest,dispatch,feedback,maintain,http");
    stage.until_done(scene).await;
    // One that was frozen is awake again, and has done what it was about to do, before it ends.
    if !first.has_ended() {
        let ended = first.terminate().await;
        assert!(
            ended.success() || matches!(scene.fault, Fault::Freezes),
            "{ended}"
        );
    }
    assert!(second.terminate().await.success());
    stage.check().await;
    stage.house.database.drop().await;
}

impl Stage {
    fn start(&self, failpoints: &str, stages: &str) -> Service {
        let mut environment = self.house.environment();
        environment.push(("FAILPOINTS", failpoints));
        // A frozen process wakes up before it is given up.
        environment.push(("INQ_SHUTDOWN_TIMEOUT", "30s"));
        Service::start(&environment, &["run", "--only", stages])
    }

    /// Events, some of them twice, and poison among them; before them some that are called off.
    async fn send_events(&mut self) {
        let ids: Vec<String> = (0..EVENTS).map(|number| format!("event-{number}")).collect();
        let mut values = Vec::new();
        for number in 0..OFF {
            let cancel = json!({ "action": "cancel", "event_id": format!("off-{number}"), "user_id": 42 });
            values.push((number.to_string(), cancel.to_string()));
            values.push((number.to_string(), simple_event(&format!("off-{number}"))));
        }
        for (number, id) in ids.iter().enumerate() {
            let event = json!({
                "event_id": id,
                "user_id": number + 1,
                "incentive_type": "point_earning",
                "priority": number % 5,
                "incentive_data": { "points_earned": number },
            });
            values.push((number.to_string(), event.to_string()));
            if number % 8 == 0 {
                values.push((number.to_string(), event.to_string()));
            }
            if number % (EVENTS / POISON) == 1 {
                values.push((number.to_string(), format!("poison {number}")));
            }
        }
        let records = values.iter().map(|(key, value)| (key.as_str(), value.as_bytes()));
        self.house.kafka.produce(&self.house.events, records).await;
        self.sent = ids.into_iter().collect();
    }

    fn requests(&self) -> Vec<Value> {
        let records = self.house.kafka.read_all(&self.house.deliveries);
        records.iter().map(json_of).collect()
    }

    /// The notification service: some deliveries fail at the first attempt, all others succeed.
    async fn answer(&mut self) {
        for request in self.requests() {
            let attempt = request["attempt"].as_i64().expect("an attempt");
            let id = request["notification_id"].as_i64().expect("an id");
            if !self.answered.insert((id, attempt)) {
                continue;
            }
            let status = if fails_at_first(&request) && attempt == 1 {
                "failed"
            } else {
                "delivered"
            };
            self.house.send_result(&request, status, json!({})).await;
            if status == "failed" {
                self.house
                    .kafka
                    .produce(&self.house.results, [("42", &b"nonsense"[..])])
                    .await;
            }
        }
    }

    /// Goes on with the notification service until the condition holds.
    async fn until(&mut self, what: &str, mut holds: impl FnMut() -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !holds() {
            assert!(Instant::now() < deadline, "never: {what}");
            self.answer().await;
            moment().await;
        }
    }

    async fn is_begun(&self) -> bool {
        // Before the migrations there is no table to count in.
        self.house
            .database
            .count(
                "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() \
                 AND table_name = 'incentive_notify_identity'",
            )
            .await
            > 0
            && self
                .house
                .database
                .count("SELECT COUNT(*) FROM incentive_notify_queue")
                .await
                > 0
    }

    /// Until every notification is delivered, by the table.
    async fn until_done(&mut self, scene: &Scene) {
        const LEFT: &str =
            "SELECT COUNT(*) FROM incentive_notify_queue WHERE delivered_at IS NOT NULL AND status = 'sent'";
        let deadline = Instant::now() + DEADLINE;
        let events = i64::try_from(EVENTS).expect("a count");
        while !self.is_begun().await || self.house.database.count(LEFT).await < events {
            assert!(Instant::now() < deadline, "{scene:?}: not all is delivered");
            self.answer().await;
            moment().await;
        }
    }

    /// Compares what came out with what was sent in.
    async fn check(&self) {
        let mut attempts: HashMap<String, Vec<i64>> = HashMap::new();
        for request in self.requests() {
            let event = request["event_id"].as_str().expect("an event").to_owned();
            attempts
                .entry(event)
                .or_default()
                .push(request["attempt"].as_i64().expect("an attempt"));
        }
        for event in &self.sent {
            let number: usize = event["event-".len()..].parse().expect("a number");
            let expected: &[i64] = if number % 4 == 3 { &[1, 2] } else { &[1] };
            let mut made = attempts.remove(event).unwrap_or_default();
            made.sort_unstable();
            assert_eq!(made, expected, "{event}");
        }
        assert!(
            attempts.is_empty(),
            "requests that nobody asked for: {attempts:?}"
        );
        let database = &self.house.database;
        let rows = database
            .count("SELECT COUNT(*) FROM incentive_notify_queue")
            .await;
        assert_eq!(rows, i64::try_from(EVENTS + OFF).expect("a count"));
        let off = database
            .count(
                "SELECT COUNT(*) FROM incentive_notify_queue q JOIN incentive_notify_history h \
                 ON h.notification_id = q.id AND h.kind = 'cancelled' WHERE q.status = 'cancelled'",
            )
            .await;
        assert_eq!(
            off,
            i64::try_from(OFF).expect("a count"),
            "called off, each told once"
        );
        let open = database
            .count("SELECT COUNT(*) FROM incentive_notify_claims")
            .await;
        assert_eq!(open, 0, "open claims");
        let letters: BTreeSet<_> = self
            .house
            .kafka
            .read_all(&self.house.kafka.name("events.dlq"))
            .iter()
            .map(|letter| {
                crate::kafka::header(letter, "dlq-offset").zip(crate::kafka::header(letter, "dlq-partition"))
            })
            .collect();
        assert_eq!(letters.len(), POISON, "dead letters: {letters:?}");
    }
}

fn fails_at_first(request: &Value) -> bool {
    request["incentive_data"]["points_earned"]
        .as_u64()
        .is_some_and(|number| number % 4 == 3)
}

#[test]
fn every_failpoint_of_the_code_is_walked() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut placed = BTreeSet::new();
    for path in crate::house::sources(&root) {
        let text = std::fs::read_to_string(path).expect("a source");
        let code: String = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        for after in code.split("failpoint!(").skip(1) {
            if let Some(place) = after.trim_start().strip_prefix('"') {
                placed.insert(place.split('"').next().unwrap_or_default().to_owned());
            }
        }
    }
    let walked: BTreeSet<String> = Scene::all()
        .into_iter()
        .map(|scene| scene.place)
        .chain(crate::forgetting::DEADLY)
        .chain([crate::migrating::DEADLY, crate::send_time::CLOCK_IS_BEHIND])
        .map(str::to_owned)
        .collect();
    assert_eq!(placed, walked);
}

#[tokio::test]
async fn a_database_that_loses_a_claim_under_its_publisher_stops_it_before_it_sends_again() {
    const LOST: &str = "DELETE FROM incentive_notify_claims; \
        UPDATE incentive_notify_queue SET status = 'pending', attempts = 0, claim_id = NULL";
    let Some(house) = House::fresh().await else { return };
    let house = house.with("FAILPOINTS", "dispatch::owing=1*return(5000)");
    let service = house.run(&[]).await;
    house
        .kafka
        .produce(&house.events, [("42", simple_event("event").as_bytes())])
        .await;
    eventually("the publisher holds its breath", async || {
        service.log().contains("failpoint dispatch::owing")
    })
    .await;
    house.database.execute(LOST).await;
    eventually("the publisher has stopped", async || {
        service
            .get("/readyz")
            .await
            .is_some_and(|(status, body)| status == 503 && body.contains("the database has lost a commit"))
    })
    .await;
    assert_eq!(house.kafka.read_all(&house.deliveries).len(), 1);
    assert!(service.terminate().await.success());
    house.database.drop().await;
}
