//! `inq bench` measures, counts, and leaves nothing behind.

use serde_json::Value;

use crate::heavy;
use crate::inq::{inq, inq_json};
use crate::kafka::Kafka;
use crate::readme::commands;
use crate::servers::Database;

const SMALL: [&str; 10] = [
    "--rounds",
    "1",
    "--pending",
    "10000",
    "--slice",
    "10000",
    "--most",
    "100000",
    "--seconds",
    "1",
];
const RATIOS: [&str; 11] = [
    "dispatch / one row at a time",
    "dispatch / claim and settle statements alone",
    "dispatch exactly once / at least once",
    "ingest / multi-row inserts alone",
    "p50 at 10 % / one durable commit",
    "p99 at 10 % / one durable commit",
    "decode, plan and encode / 150,000 a second",
    "idle / 1 % of a core",
    "publishing while old rows are removed / undisturbed",
    "ingest with every rule on / without",
    "dispatch with every rule on / without",
];

fn names(report: &Value, list: &str) -> Vec<String> {
    let items = report[list].as_array().expect("a list");
    items
        .iter()
        .map(|item| item["name"].as_str().expect("a name").to_owned())
        .collect()
}

/// The README's commands, made small.
fn of_readme(line: &str) -> Vec<&str> {
    let arguments = line.strip_prefix("inq ").expect("a command of inq");
    let mut arguments: Vec<&str> = arguments.split(' ').collect();
    arguments.extend(SMALL);
    arguments
}

mod thorough {
    #[tokio::test]
    async fn everything_is_measured_on_real_servers_and_nothing_is_left_behind() {
        super::everything_is_measured_on_real_servers_and_nothing_is_left_behind().await;
    }

    #[test]
    fn the_embedded_ones_are_measured_without_any_server() {
        super::the_embedded_ones_are_measured_without_any_server();
    }
}

async fn everything_is_measured_on_real_servers_and_nothing_is_left_behind() {
    let _turn = heavy::turn().await;
    for server in ["mysql", "mariadb"] {
        let (Some(kafka), Some(database)) = (Kafka::reached(), Database::fresh(server).await) else {
            return;
        };
        let environment = [
            ("DATABASE_URL", database.url.as_str()),
            ("KAFKA_BROKERS", kafka.brokers.as_str()),
        ];
        let lines = match server {
            "mysql" => commands("bench"),
            _ => vec!["inq bench dispatch"],
        };
        let mut ratios = Vec::new();
        for line in lines {
            let report = inq_json(&environment, &of_readme(line));
            for figure in report["figures"].as_array().expect("a list") {
                let (least, median) = (&figure["least"], &figure["median"]);
                assert!(least.as_f64().expect("a number") >= 0.0, "{figure}");
                assert!(median.as_f64() >= least.as_f64(), "{figure}");
            }
            ratios.extend(names(&report, "ratios"));
        }
        let expected = match server {
            "mysql" => &RATIOS[..],
            _ => &RATIOS[..3],
        };
        for ratio in expected {
            assert!(
                ratios.iter().any(|name| name == ratio),
                "{ratio} is not in {ratios:?}"
            );
        }
        let left =
            "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name LIKE 'inq\\_bench\\_%'";
        assert_eq!(database.count(left).await, 0);
        let topics = kafka.topics();
        assert!(
            topics.iter().all(|topic| !topic.starts_with("inq_bench_")),
            "{topics:?}"
        );
        database.drop().await;
    }
}

fn the_embedded_ones_are_measured_without_any_server() {
    let _turn = heavy::blocking_turn();
    let report = inq_json(&[], &[&["bench", "--embedded"], &SMALL[..]].concat());
    let figures = names(&report, "figures");
    for figure in ["the service", "events to delivery requests", "p99 at 90 %"] {
        assert!(
            figures.iter().any(|name| name == figure),
            "{figure} is not in {figures:?}"
        );
    }
    let servers = report["servers"].as_str().expect("a text");
    assert!(
        servers.contains("SQLite") && servers.contains("embedded"),
        "{servers}"
    );
}

#[test]
fn it_says_what_it_needs() {
    for part in ["scale", "rules"] {
        let refused = inq(&[], &[&["bench", part, "--embedded"], &SMALL[..]].concat());
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success());
        assert!(said.contains(part) && said.contains("MySQL"), "{said}");
    }
}
