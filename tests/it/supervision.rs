//! A process does not go on as if nothing were when a part of it has ended, and says what it cannot do.

use inq::service::Task;
use tempfile::TempDir;

use crate::household::House;
use crate::inq::{Service, eventually};

/// All at once: each is a process of its own, and most of its time is waiting.
#[tokio::test]
async fn a_task_that_panics_ends_the_process_with_an_error_whichever_it_is() {
    let Some(house) = House::fresh().await else { return };
    let catalogues = TempDir::new().expect("a directory");
    let (alerts, preferences, letters) = (
        house.kafka.topic("alerts", 1).await,
        house.kafka.topic("preferences", 1).await,
        house.kafka.topic("preferences.dlq", 1).await,
    );
    // So that every task has a reason to run.
    let house = house
        .with("INQ_TOPICS__ALERTS", &alerts)
        .with("INQ_TOPICS__PREFERENCES", &preferences)
        .with("INQ_TOPICS__PREFERENCES_DLQ", &letters)
        .with(
            "INQ_LOCALIZATION__DIR",
            catalogues.path().to_str().expect("a path"),
        );
    // Brings the schema up to date.
    let first = house.run(&[]).await;
    assert!(first.terminate().await.success());
    let services: Vec<_> = Task::ALL
        .iter()
        .map(|task| {
            let failpoints = format!("task::{}=panic(as a test wants it)", task.as_str());
            let mut environment = house.environment();
            environment.push(("FAILPOINTS", &failpoints));
            (task, Service::start(&environment, &["run"]))
        })
        .collect();
    for (task, mut service) in services {
        let status = service.wait().await;
        let log = service.log();
        assert_eq!(status.code(), Some(1), "{task:?}: {log}");
        let said = format!("the task `{}` panicked: as a test wants it", task.as_str());
        assert_eq!(log.matches(&said).count(), 2, "in the log and at the end: {log}");
    }
    house.database.drop().await;
}

#[tokio::test]
async fn a_database_that_answers_and_takes_no_write_is_not_ready_and_each_publisher_tells_its_own_health() {
    let Some(house) = House::fresh().await else { return };
    let house = house.with("INQ_DISPATCH__PUBLISHERS", "2");
    let service = house.run(&[]).await;
    let readiness = async || {
        let (status, body) = service.get("/readyz").await.expect("an answer");
        (
            status,
            serde_json::from_str::<serde_json::Value>(&body).expect("JSON"),
        )
    };
    let (_, report) = readiness().await;
    assert!(
        report["parts"]["dispatch 1"]["ready"] == true && report["parts"]["dispatch 2"]["ready"] == true,
        "{report}"
    );
    // As FLUSH TABLES WITH READ LOCK does it to all tables of a server: reads are answered, writes are not.
    let hold = house.database.hold("incentive_notify_lock_probe").await;
    eventually("it is not ready", async || {
        let (status, report) = readiness().await;
        let why = report["parts"]["database"]["trouble"].as_str().map(str::to_owned);
        status == 503 && why.is_some_and(|why| why.contains("a small write has not ended within 5 s"))
    })
    .await;
    hold.release().await;
    eventually("it is ready again", async || readiness().await.0 == 200).await;
    assert!(service.terminate().await.success());
    house.database.drop().await;
}
