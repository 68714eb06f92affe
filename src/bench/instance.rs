//! An instance of the service as a process of its own, as it runs in production.

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::BenchError;
use super::usage::Usage;

/// How long an instance may take to become ready, and to reach a count.
pub(super) const PATIENCE: Duration = Duration::from_mins(5);
/// Between two looks at its metrics: telling them costs the instance a millisecond.
const LOOK: Duration = Duration::from_millis(50);

/// A running `inq run`; killed when it is dropped.
pub struct Instance {
    child: Child,
    port: u16,
}

/// How an instance is started.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// The settings file that was named on the command line.
    pub config: Option<PathBuf>,
    /// Settings over it, as variables of the environment.
    pub environment: Vec<(String, String)>,
}

impl Launch {
    /// The same with one setting more, which wins.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl Instance {
    /// Starts this program again with these settings, and waits until it is ready. `stages` as for `--only`.
    ///
    /// # Errors
    /// If it cannot start.
    pub async fn start(launch: &Launch, stages: &str) -> Result<Self, BenchError> {
        let own = std::env::current_exe()
            .map_err(|fault| BenchError(format!("this program is nowhere: {fault}")))?;
        // Between here and the child's own bind somebody else may take it; then the child says so and ends.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .map_err(|fault| BenchError(format!("no port is free: {fault}")))?
            .port();
        let stages = format!("{stages},http");
        let mut command = Command::new(own);
        if let Some(config) = &launch.config {
            command.arg("--config").arg(config);
        }
        let child = command
            .args(["run", "--only", &stages])
            .envs(launch.environment.iter().map(|(name, value)| (name, value)))
            .env("INQ_HTTP__LISTEN", format!("127.0.0.1:{port}"))
            .env("INQ_LOG__LEVEL", "warn")
            .stdin(Stdio::null())
            .spawn()
            .map_err(|fault| BenchError(format!("an instance cannot be started: {fault}")))?;
        let mut instance = Self { child, port };
        let deadline = Instant::now() + PATIENCE;
        while instance
            .get("/readyz")
            .await
            .is_none_or(|(status, _)| status != 200)
        {
            instance.require_alive()?;
            if Instant::now() > deadline {
                return Err(BenchError("an instance is not ready in time".to_owned()));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(instance)
    }

    fn require_alive(&mut self) -> Result<(), BenchError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(BenchError(format!("an instance has ended: {status}"))),
            Err(fault) => Err(BenchError(format!("an instance cannot be looked at: {fault}"))),
        }
    }

    /// A GET over HTTP/1.0, whose answer ends with the connection.
    async fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.ok()?;
        let request = format!("GET {path} HTTP/1.0\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        let status = answer.split(' ').nth(1)?.parse().ok()?;
        Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
    }

    /// A counter of its `/metrics`, over all labels.
    pub async fn count(&self, name: &str) -> u64 {
        let Some((_, text)) = self.get("/metrics").await else {
            return 0;
        };
        text.lines()
            .filter(|line| {
                line.strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with([' ', '{']))
            })
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok())
            .sum()
    }

    /// Waits until the counter has reached `least`, and returns when that was seen and what it was.
    ///
    /// # Errors
    /// If the instance ends, or takes too long.
    pub async fn reaches(&mut self, name: &str, least: u64) -> Result<(Instant, u64), BenchError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let count = self.count(name).await;
            let now = Instant::now();
            if count >= least {
                return Ok((now, count));
            }
            self.require_alive()?;
            if now > deadline {
                return Err(BenchError(format!("{name} stands at {count}, short of {least}")));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What the process has used.
    #[must_use]
    pub fn usage(&self) -> Usage {
        Usage::of(i32::try_from(self.child.id()).unwrap_or_default())
    }

    /// Stops it in order, so that nothing is left in a claim.
    ///
    /// # Errors
    /// If it does not stop.
    pub async fn stop(mut self) -> Result<(), BenchError> {
        let pid = self.child.id().to_string();
        // Children of this process are reaped below: the id is still its own.
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        if !asked.is_ok_and(|status| status.success()) {
            return Err(BenchError("an instance cannot be stopped".to_owned()));
        }
        let ended = tokio::task::spawn_blocking(move || self.child.wait()).await;
        match ended {
            Ok(Ok(status)) if status.success() => Ok(()),
            other => Err(BenchError(format!("an instance did not end well: {other:?}"))),
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // Where it has ended already there is nothing to kill.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}
