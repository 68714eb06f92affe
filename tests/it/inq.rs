//! The built program, run as a user would.

use std::future::Future;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{LazyLock, mpsc};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// How long a test waits for anything.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// `inq` with nothing of this process's own settings in its environment, in an empty directory.
pub fn command(directory: &TempDir, environment: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_inq"));
    for (name, _) in std::env::vars() {
        if name.starts_with("INQ_") || name == "DATABASE_URL" || name == "KAFKA_BROKERS" {
            command.env_remove(name);
        }
    }
    command
        .current_dir(directory)
        .envs(environment.iter().copied())
        .args(arguments)
        .stdin(Stdio::null());
    command
}

/// Runs a command of `inq` to its end.
pub fn inq(environment: &[(&str, &str)], arguments: &[&str]) -> Output {
    let directory = TempDir::new().expect("a directory");
    command(&directory, environment, arguments)
        .output()
        .expect("inq runs")
}

/// As [`inq`], with `--json`, expecting success.
pub fn inq_json(environment: &[(&str, &str)], arguments: &[&str]) -> Value {
    let output = inq(environment, &[arguments, &["--json"]].concat());
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// What an HTTP server answers.
pub struct Answer {
    pub status: u16,
    /// The status line and the headers, in small letters.
    head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|fault| panic!("{fault}: {}", self.body))
    }
}

/// A request to an HTTP server of this machine, with these headers beside those that it must have; JSON, if it has a body
/// and does not say otherwise.
pub async fn request(
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<Answer> {
    let host = format!("127.0.0.1:{port}");
    let mut all = vec![("host", host.as_str()), ("connection", "close")];
    if !body.is_empty() {
        all.push(("content-type", "application/json"));
    }
    all.retain(|(name, _)| headers.iter().all(|(other, _)| !name.eq_ignore_ascii_case(other)));
    all.extend_from_slice(headers);
    let length = body.len();
    let headers: String = all
        .iter()
        .map(|(name, value)| [name, ": ", value, "\r\n"].concat())
        .collect();
    let request = format!("{method} {path} HTTP/1.1\r\n{headers}content-length: {length}\r\n\r\n{body}");
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()?;
    // Whoever refuses a long body answers before its end.
    let _refused = stream.write_all(request.as_bytes()).await;
    let answer = tokio::time::timeout(DEADLINE, read_answer(&mut stream)).await;
    let answer = String::from_utf8(answer.expect("an answer that ends")).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some(Answer {
        status: head.split(' ').nth(1)?.parse().ok()?,
        head: head.to_lowercase(),
        body: body.to_owned(),
    })
}

/// To the end that the answer tells, or that of the connection: not everybody closes it who says so.
async fn read_answer(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    while told_length(&answer).is_none_or(|length| answer.len() < length) {
        match stream.read_buf(&mut answer).await {
            Ok(read) if read > 0 => {}
            _ => break,
        }
    }
    answer
}

/// How long the whole answer is, once its head has told.
fn told_length(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|end| end == b"\r\n\r\n")?;
    let told = std::str::from_utf8(&answer[..head])
        .ok()?
        .lines()
        .find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then_some(value)
        })?;
    Some(head + 4 + told.trim().parse::<usize>().ok()?)
}

/// A running service.
pub struct Service {
    child: Child,
    port: u16,
    directory: TempDir,
}

impl Service {
    /// Starts it with its HTTP server on a free port; its log goes to a file.
    pub fn start(environment: &[(&str, &str)], arguments: &[&str]) -> Self {
        let directory = TempDir::new().expect("a directory");
        let port = free_port();
        let listen = format!("127.0.0.1:{port}");
        let log = std::fs::File::create(directory.path().join("log")).expect("a log");
        let out = std::fs::File::create(directory.path().join("out")).expect("an output");
        let child = command(&directory, environment, arguments)
            .env("INQ_HTTP__LISTEN", listen)
            .stdout(out)
            .stderr(log)
            .spawn()
            .expect("inq starts");
        Self {
            child,
            port,
            directory,
        }
    }

    /// Starts it and waits until it is ready.
    pub async fn ready(environment: &[(&str, &str)], arguments: &[&str]) -> Self {
        let mut service = Self::start(environment, arguments);
        let deadline = Instant::now() + DEADLINE;
        while service
            .get("/readyz")
            .await
            .is_none_or(|(status, _)| status != 200)
        {
            if let Some(status) = service.child.try_wait().expect("a status") {
                panic!("inq has ended with {status}: {}", service.log());
            }
            assert!(Instant::now() < deadline, "not ready: {}", service.log());
            moment().await;
        }
        service
    }

    /// A GET request: the status and the body.
    pub async fn get(&self, path: &str) -> Option<(u16, String)> {
        let answer = self.ask("GET", path, &[], "").await?;
        Some((answer.status, answer.body))
    }

    /// See [`request`].
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Option<Answer> {
        request(self.port, method, path, headers, body).await
    }

    /// A connection to its HTTP server.
    pub async fn connect(&self) -> Option<TcpStream> {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.ok()
    }

    /// Where its HTTP server listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The URL of its HTTP server.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// The most memory that it has had so far, in MB.
    pub fn peak_megabytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a status");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
        kilobytes
            .and_then(|kilobytes| kilobytes.parse::<u64>().ok())
            .expect("a number")
            / 1024
    }

    pub fn output(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("out")).unwrap_or_default()
    }

    /// Where it runs.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// As an orchestrator stops it.
    pub async fn terminate(mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait().await
    }

    /// As a power cut stops it.
    pub async fn kill(mut self) {
        self.child.kill().expect("killed");
        self.wait().await;
    }

    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([format!("-{signal}"), self.child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(sent.success());
    }

    /// Whether it is no more.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a status").is_some()
    }

    /// Waits for its own end.
    pub async fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a status") {
                return status;
            }
            assert!(Instant::now() < deadline, "does not end: {}", self.log());
            moment().await;
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // A test that fails leaves nothing running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Of what goes on beside the tests, whose own runtimes may have one thread alone and end with them.
static BESIDE: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// Runs it beside the test, and waits for its end.
pub fn aside<Output: Send + 'static>(future: impl Future<Output = Output> + Send + 'static) -> Output {
    let (done, result) = mpsc::channel();
    BESIDE.spawn(async move {
        // Nobody waits any more where the test has failed meanwhile.
        let _waited_for = done.send(future.await);
    });
    result.recv().expect("it has come to its end")
}

/// Runs it beside the tests, whoever waits for it.
pub fn in_the_background(future: impl Future<Output = ()> + Send + 'static) {
    BESIDE.spawn(future);
}

/// Between two looks at a condition.
pub async fn moment() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

/// Waits until the condition holds.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds().await {
        assert!(Instant::now() < deadline, "never: {what}");
        moment().await;
    }
}

/// A port on which nobody listens. It is below those that the system gives to outgoing connections (32768 and up), so that
/// none of these takes it before it is used.
pub fn free_port() -> u16 {
    const FIRST: u16 = 10_000;
    const COUNT: u16 = 9_000;
    static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| AtomicU16::new(Uuid::new_v4().as_fields().1));
    (0..COUNT)
        .map(|_| FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("a free port")
}
