//! Events that call off earlier ones, from the topic to the history.

use serde_json::{Value, json};

use crate::household::{House, simple_event};
use crate::inq::{eventually, inq};
use crate::kafka::{header, json as json_of};

fn cancel_of(id: &str, user_id: i64) -> String {
    json!({ "action": "cancel", "event_id": id, "user_id": user_id, "reason": "withdrawn" }).to_string()
}

impl House {
    async fn send_all(&self, messages: &[String]) {
        let records = messages.iter().map(|message| ("42", message.as_bytes()));
        self.kafka.produce(&self.events, records).await;
        eventually("the events are read", async || self.behind() == 0).await;
    }

    fn kinds(&self, event: &str) -> Vec<Value> {
        let shown = self.show(event);
        let history = shown["history"].as_array().expect("a history");
        history.iter().map(|entry| entry["kind"].clone()).collect()
    }
}

#[tokio::test]
async fn what_is_called_off_in_time_never_leaves() {
    let Some(house) = House::fresh().await else { return };
    let ingest = house.run(&["--only", "ingest,http"]).await;
    house
        .send_all(&[cancel_of("before", 42), cancel_of("strangers", 7)])
        .await;
    house
        .send_all(&[
            simple_event("with"),
            cancel_of("with", 42),
            simple_event("before"),
            simple_event("strangers"),
            simple_event("after"),
            simple_event("stays"),
        ])
        .await;
    house
        .send_all(&[
            cancel_of("after", 42),
            cancel_of("after", 42),
            cancel_of("stays", 7),
        ])
        .await;
    // Everything once more.
    house
        .send_all(&[
            cancel_of("before", 42),
            simple_event("before"),
            cancel_of("after", 42),
        ])
        .await;
    for event in ["before", "with", "after"] {
        let shown = house.show(event);
        assert_eq!(shown["status"], "cancelled", "{event}");
        assert_eq!(house.kinds(event), ["cancelled"], "{event}");
        assert_eq!(shown["history"][0]["detail"]["reason"], "withdrawn");
    }
    let shown = inq(&house.environment(), &["show", "--event", "after"]);
    let shown = String::from_utf8(shown.stdout).expect("text");
    assert!(shown.contains("cancelled by an event (withdrawn)"), "{shown}");
    let letters = house.kafka.read_all(&house.kafka.name("events.dlq"));
    let said: Vec<_> = letters
        .iter()
        .map(|letter| (header(letter, "dlq-reason"), header(letter, "dlq-detail")))
        .collect();
    let detail = "user_id: the notification of event stays is not for user 7";
    assert_eq!(
        said,
        [(Some("unknown_notification".to_owned()), Some(detail.to_owned()))]
    );
    let counted = ingest.get("/metrics").await.expect("metrics").1;
    for line in [
        r#"inq_cancellations_total{outcome="cancelled"} 3"#,
        r#"inq_cancellations_total{outcome="not_theirs"} 2"#,
    ] {
        assert!(counted.contains(line), "{line} is not in {counted}");
    }
    assert!(ingest.terminate().await.success());

    let service = house.run(&[]).await;
    house.kafka.read_until(&house.deliveries, 2).await;
    eventually("nothing waits", async || {
        house.status()["by_status"]["pending"].as_u64().unwrap_or(0) == 0
    })
    .await;
    let requests = house.kafka.read_all(&house.deliveries);
    let mut left: Vec<_> = requests
        .iter()
        .map(|request| {
            json_of(request)["event_id"]
                .as_str()
                .expect("an event")
                .to_owned()
        })
        .collect();
    left.sort_unstable();
    assert_eq!(left, ["stays", "strangers"]);
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn a_cancel_that_comes_too_late_is_told_and_spares_the_user_another_attempt() {
    let Some(house) = House::fresh().await else { return };
    let house = house.with("INQ_RETRY__INITIAL", "1s");
    let service = house.run(&[]).await;
    house.send_event(&simple_event("late")).await;
    let request = house.request(1).await;
    eventually("it is settled", async || house.show("late")["status"] == "sent").await;
    house.send_all(&[cancel_of("late", 42)]).await;
    let shown = house.show("late");
    assert_eq!(
        (
            &shown["status"],
            &shown["history"][0]["kind"],
            &shown["history"][0]["detail"]["was"]
        ),
        (&json!("sent"), &json!("cancel_too_late"), &json!("sent"))
    );
    house
        .send_result(&request, "failed", json!({ "error_code": "bounced" }))
        .await;
    eventually("it is called off", async || {
        house.show("late")["status"] == "cancelled"
    })
    .await;
    assert_eq!(house.kinds("late"), ["cancel_too_late", "cancelled"]);
    let shown = inq(&house.environment(), &["show", "--event", "late"]);
    let shown = String::from_utf8(shown.stdout).expect("text");
    for words in [
        "an event cancelled it (withdrawn), too late: attempt 1 had been published; no other follows it",
        "attempt 1 was published",
        "cancelled by an event: attempt 1 failed (bounced), and none follows",
    ] {
        assert!(shown.contains(words), "{words:?} is not in {shown}");
    }
    assert_eq!(house.kafka.read_all(&house.deliveries).len(), 1);
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[cfg(feature = "failpoints")]
#[tokio::test]
async fn what_is_called_off_in_a_claim_that_was_not_published_does_not_leave() {
    let Some(house) = House::fresh().await else { return };
    let mut environment = house.environment();
    environment.push(("FAILPOINTS", "dispatch::claimed=1*return"));
    let mut victim = crate::inq::Service::start(&environment, &["run", "--only", "ingest,dispatch,http"]);
    house.send_event(&simple_event("held")).await;
    victim.wait().await;
    assert!(
        victim.log().contains("failpoint dispatch::claimed"),
        "{}",
        victim.log()
    );
    let ingest = house.run(&["--only", "ingest,http"]).await;
    house.send_all(&[cancel_of("held", 42)]).await;
    assert_eq!(house.show("held")["status"], "processing");
    assert_eq!(house.kinds("held"), ["cancel_too_late"]);
    assert!(ingest.terminate().await.success());
    let service = house.run(&[]).await;
    eventually("it is called off", async || {
        house.show("held")["status"] == "cancelled"
    })
    .await;
    assert_eq!(
        house.kinds("held"),
        ["cancel_too_late", "recovered_as_pending", "cancelled"]
    );
    assert_eq!(house.kafka.read_all(&house.deliveries).len(), 0);
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[test]
fn a_preview_says_what_a_cancel_would_do() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), cancel_of("e-1", 42)).expect("written");
    let preview = |arguments: &[&str]| {
        let output = crate::inq::command(
            &tempfile::TempDir::new().expect("a directory"),
            &[],
            &[&["preview"], arguments].concat(),
        )
        .stdin(std::fs::File::open(file.path()).expect("opened"))
        .output()
        .expect("inq runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let said = preview(&[]);
    for words in [
        "cancels   the notification",
        "event     e-1",
        "reason    withdrawn",
    ] {
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
    let said: Value = serde_json::from_str(&preview(&["--json"])).expect("JSON");
    assert_eq!(
        (&said["action"], &said["user_id"]),
        (&json!("cancel"), &json!(42))
    );
}
