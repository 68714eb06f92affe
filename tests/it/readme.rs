//! The README's commands, run as they stand there.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::inq::{Service, command, eventually, free_port};
use crate::servers;

const README: &str = include_str!("../../README.md");

/// The README's lines in code blocks that are marked ```` ```sh <mark> ````.
pub fn commands(mark: &str) -> Vec<&'static str> {
    commands_of(README, mark)
}

/// The same of another text.
pub fn commands_of<'a>(text: &'a str, mark: &str) -> Vec<&'a str> {
    let fence = format!("```sh {mark}");
    let mut lines = Vec::new();
    let mut within = false;
    for line in text.lines() {
        match (within, line) {
            (false, line) if line == fence => within = true,
            (true, "```") => within = false,
            (true, line) => lines.push(line),
            (false, _) => {}
        }
    }
    assert!(!lines.is_empty(), "there is no block `{mark}`");
    lines
}

/// A shell in which `inq` is the built one, in a folder that looks like the checkout.
pub struct Shell {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

impl Shell {
    pub fn new(environment: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a folder");
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR"));
        for name in ["schemas", "scripts", "src", "Cargo.toml"] {
            symlink(checkout.join(name), folder.path().join(name)).expect("a link");
        }
        Self {
            folder,
            environment: environment
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    /// Runs a line until it succeeds: what it looks for may take a moment.
    pub async fn succeeds(&self, line: &str) {
        let inq = Path::new(env!("CARGO_BIN_EXE_inq")).parent().expect("a folder");
        let path = format!("{}:{}", inq.display(), std::env::var("PATH").expect("a path"));
        let environment: Vec<_> = self
            .environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        eventually(line, async || {
            let mut shell = Command::new("bash");
            // The environment of `inq` in a test, for the shell around it.
            for (name, value) in command(&self.folder, &environment, &[]).get_envs() {
                match value {
                    Some(value) => shell.env(name, value),
                    None => shell.env_remove(name),
                };
            }
            shell
                .env("PATH", &path)
                .current_dir(&self.folder)
                .args(["-euo", "pipefail", "-c", line])
                .output()
                .expect("bash runs")
                .status
                .success()
        })
        .await;
    }
}

mod thorough {
    #[tokio::test]
    async fn a_newcomer_sees_it_work() {
        super::a_newcomer_sees_it_work().await;
    }

    #[tokio::test]
    async fn an_operator_runs_it_on_real_servers() {
        super::an_operator_runs_it_on_real_servers().await;
    }
}

async fn a_newcomer_sees_it_work() {
    let build = commands("build");
    let [line] = build.as_slice() else {
        panic!("one command: {build:?}")
    };
    let arguments: Vec<&str> = line
        .strip_prefix("cargo run --release -- ")
        .expect("cargo run")
        .split(' ')
        .collect();
    let port = free_port().to_string();
    let service = Service::ready(&[], &[&arguments[..], &["--broker-port", &port]].concat()).await;
    eventually("twenty requests are printed", async || {
        service.output().lines().count() == 20
    })
    .await;
    let languages: std::collections::BTreeSet<String> = service
        .output()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["language"].to_string())
        .collect();
    assert_eq!(languages.len(), 10, "{languages:?}");

    let broker = format!("127.0.0.1:{port}");
    let database = format!("sqlite://{}", service.directory().join("inq.db").display());
    let shell = Shell::new(&[("DATABASE_URL", &database), ("KAFKA_BROKERS", &broker)]);
    for line in commands("dev") {
        shell.succeeds(&line.replace("127.0.0.1:9092", &broker)).await;
    }
    for line in commands("api") {
        shell
            .succeeds(&line.replace("127.0.0.1:8080", &service.address()))
            .await;
    }
    eventually("the produced event is printed", async || {
        service.output().contains("loyalty-2026-01-31-000042")
    })
    .await;
    assert!(service.terminate().await.success());
}

async fn an_operator_runs_it_on_real_servers() {
    let (Some(brokers), Some(server)) = (servers::kafka_brokers(), servers::server_url("mysql")) else {
        return;
    };
    let database = format!("{server}/inq");
    let environment = [("DATABASE_URL", database.as_str()), ("KAFKA_BROKERS", &brokers)];
    let shell = Shell::new(&environment);
    let mut lines = commands("real");
    assert_eq!(lines.pop(), Some("inq run"));
    for line in lines {
        // The servers run already: `scripts/test` has started them, as a reader of the README would.
        if line.contains("scripts/services") {
            assert!(
                Path::new(env!("CARGO_MANIFEST_DIR"))
                    .join("scripts/services")
                    .exists()
            );
            continue;
        }
        shell.succeeds(line).await;
    }
    let service = Service::ready(&environment, &["run"]).await;
    for line in commands("kcat") {
        shell.succeeds(line).await;
    }
    assert!(service.terminate().await.success());
}

#[tokio::test]
async fn the_settings_are_shown() {
    let shell = Shell::new(&[]);
    for line in commands("settings") {
        shell.succeeds(line).await;
    }
}

#[tokio::test]
async fn the_words_are_shown() {
    let shell = Shell::new(&[]);
    for line in commands("words") {
        shell.succeeds(line).await;
    }
}

#[test]
fn the_test_command_is_what_ci_runs() {
    assert_eq!(commands("test"), ["scripts/test"]);
    let ci = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/run");
    assert!(
        std::fs::read_to_string(ci)
            .expect("a script")
            .contains("scripts/test --all")
    );
}
