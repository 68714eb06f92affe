//! A real Chromium without a window, driven as a person would drive it: `WebDriver` is JSON over HTTP.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

use crate::inq::{eventually, moment, request};
use crate::servers;

/// The member of an element's reference that has its id.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How long a test waits for the page to show something.
const PATIENCE: Duration = Duration::from_mins(1);

/// Runs chromedriver until the test process has ended, however it ends: then the standard input is closed. Chromium's
/// processes are those that name their profile.
const DRIVER: &str = r#"
"$0" --port=0 &
read -r _
kill $!
for each in $(grep -lF -- "$PROFILE" /proc/[0-9]*/cmdline 2>/dev/null); do
    each=${each#/proc/}
    kill -KILL "${each%/cmdline}"
done
rm -rf "$PROFILE"
"#;

/// The browser that the tests of the page use one after the other; starting one costs more than a test.
static SHARED: Mutex<Option<Driver>> = Mutex::const_new(None);

/// A running chromedriver with one browser.
struct Driver {
    shell: Child,
    port: u16,
    session: String,
    profile: PathBuf,
    axe: String,
}

/// A browser with one tab, which no other test uses meanwhile.
pub struct Browser {
    driver: MutexGuard<'static, Option<Driver>>,
    is_closed: bool,
}

impl Driver {
    async fn start(program: &str, axe: &str) -> Self {
        let profile = TempDir::new().expect("a folder").keep();
        let mut shell = Command::new("sh")
            .args(["-c", DRIVER, program])
            .env("PROFILE", &profile)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let mut lines = BufReader::new(shell.stdout.take().expect("its output")).lines();
        let port = lines
            .find_map(|line| {
                let line = line.expect("a line");
                line.strip_suffix('.')?.rsplit_once("on port ")?.1.parse().ok()
            })
            .expect("chromedriver says its port");
        let mut driver = Self {
            shell,
            port,
            session: String::new(),
            axe: std::fs::read_to_string(axe).expect("axe-core"),
            profile,
        };
        let profile = format!("--user-data-dir={}", driver.profile.display());
        let arguments = [
            "--headless=new",
            // Chromium's own does not work for root; this one sees our page alone.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            profile.as_str(),
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let made = driver
            .tried("POST", "/session", &wanted)
            .await
            .expect("a session");
        made["sessionId"]
            .as_str()
            .expect("a session")
            .clone_into(&mut driver.session);
        driver
    }

    async fn tried(&self, method: &str, path: &str, body: &Value) -> Result<Value, Value> {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let answer = request(self.port, method, path, &[], &body)
            .await
            .expect("chromedriver answers");
        let value = answer.json()["value"].take();
        if answer.status == 200 {
            Ok(value)
        } else {
            Err(value)
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ended = self.shell.wait();
    }
}

impl Browser {
    /// As a new one; `None`, said aloud, where there is no Chromium.
    pub async fn open() -> Option<Self> {
        let (program, axe) = servers::chromium()?;
        let mut driver = SHARED.lock().await;
        if driver.is_none() {
            *driver = Some(Driver::start(&program, &axe).await);
        }
        let browser = Self {
            driver,
            is_closed: false,
        };
        browser.go("about:blank").await;
        let everything = json!({ "origin": "*", "storageTypes": "all" });
        browser.devtools("Storage.clearDataForOrigin", everything).await;
        browser
            .devtools("Emulation.setEmulatedMedia", json!({ "features": [] }))
            .await;
        browser.size(1200, 900).await;
        browser.console().await;
        Some(browser)
    }

    fn driver(&self) -> &Driver {
        self.driver.as_ref().expect("it runs while it is open")
    }

    async fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        self.tried(method, path, body)
            .await
            .unwrap_or_else(|fault| panic!("{method} {path} {body}: {fault}"))
    }

    async fn tried(&self, method: &str, path: &str, body: &Value) -> Result<Value, Value> {
        self.driver().tried(method, path, body).await
    }

    fn path(&self, path: &str) -> String {
        format!("/session/{}{path}", self.driver().session)
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.ask("POST", &self.path(path), &body).await
    }

    pub async fn go(&self, url: &str) {
        self.post("/url", json!({ "url": url })).await;
    }

    pub async fn back(&self) {
        self.post("/back", json!({})).await;
    }

    /// What a script returns.
    pub async fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({ "script": script, "args": [] }))
            .await
    }

    /// Waits until an expression is true.
    pub async fn sees(&self, expression: &str) {
        let script = format!("return Boolean({expression})");
        let seen = eventually(expression, async || self.run(&script).await == json!(true));
        if tokio::time::timeout(PATIENCE, seen).await.is_err() {
            let page = self.run("return document.body.innerText").await;
            panic!(
                "{expression}: not on the page:\n{}",
                page.as_str().unwrap_or_default()
            );
        }
    }

    /// Waits until the page shows this text.
    pub async fn reads(&self, text: &str) {
        self.sees(&format!("document.body.innerText.includes({})", json!(text)))
            .await;
    }

    /// Does something with the element that is found so. The page may replace it in between: then with the new one.
    async fn with_element(&self, using: &str, value: &str, action: &str, body: &Value) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self
                .post("/element", json!({ "using": using, "value": value }))
                .await;
            let element = found[ELEMENT].as_str().expect("an element").to_owned();
            let path = self.path(&format!("/element/{element}/{action}"));
            match self.tried("POST", &path, body).await {
                Ok(_) => return,
                Err(fault) if fault["error"] == "stale element reference" && Instant::now() < deadline => {
                    moment().await;
                }
                Err(fault) => panic!("{action} {value}: {fault}"),
            }
        }
    }

    /// Clicks the button or link with this text that can be seen.
    pub async fn press(&self, text: &str) {
        let path = format!(
            "//*[self::button or self::a][normalize-space()='{text}'][not(ancestor-or-self::*[@hidden])]\
             [not(ancestor::dialog[not(@open)])]"
        );
        let found = format!(
            "document.evaluate({}, document, null, XPathResult.BOOLEAN_TYPE).booleanValue",
            json!(path)
        );
        self.sees(&found).await;
        self.with_element("xpath", &path, "click", &json!({})).await;
    }

    /// Replaces what stands in a field.
    pub async fn fill(&self, selector: &str, text: &str) {
        self.sees(&format!("document.querySelector({})", json!(selector)))
            .await;
        self.with_element("css selector", selector, "clear", &json!({}))
            .await;
        self.with_element("css selector", selector, "value", &json!({ "text": text }))
            .await;
    }

    /// Types where the keyboard is.
    pub async fn keys(&self, text: &str) {
        let strokes: Vec<_> = text
            .chars()
            .flat_map(|key| {
                [
                    json!({ "type": "keyDown", "value": key }),
                    json!({ "type": "keyUp", "value": key }),
                ]
            })
            .collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": strokes });
        self.post("/actions", json!({ "actions": [keyboard] })).await;
    }

    async fn devtools(&self, command: &str, parameters: Value) {
        self.post(
            "/goog/cdp/execute",
            json!({ "cmd": command, "params": parameters }),
        )
        .await;
    }

    /// The size of what is seen, in CSS pixels.
    pub async fn size(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// `light` or `dark`.
    pub async fn scheme(&self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": [feature] }))
            .await;
    }

    /// Keeps what is to be seen as `target/tmp/page/NAME.png`, for people.
    pub async fn picture(&self, name: &str) {
        let shot = self.ask("GET", &self.path("/screenshot"), &Value::Null).await;
        let bytes = STANDARD
            .decode(shot.as_str().expect("a picture"))
            .expect("base64");
        let folder: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(format!("{name}.png")), bytes).expect("written");
    }

    /// What the console has said since it was asked last, faults of scripts and of the policy among it.
    pub async fn console(&self) -> Vec<String> {
        let log = self.post("/se/log", json!({ "type": "browser" })).await;
        let entries = log.as_array().expect("entries");
        entries
            .iter()
            .map(|entry| entry["message"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// What axe-core has against the page, by WCAG 2.2 AA and its own best practices.
    pub async fn barriers(&self) -> Vec<String> {
        self.run(&format!("{};return null", self.driver().axe)).await;
        let script = "const done = arguments[arguments.length - 1];
            axe.run().then(({ violations }) => done(violations.flatMap(({ id, nodes }) =>
                nodes.map((node) => `${id}: ${node.html}: ${node.failureSummary}`))), (fault) => done([String(fault)]))";
        let found = self
            .post("/execute/async", json!({ "script": script, "args": [] }))
            .await;
        serde_json::from_value(found).expect("a list")
    }

    /// Leaves it to the next test.
    pub async fn close(mut self) {
        self.go("about:blank").await;
        self.is_closed = true;
    }
}

impl Drop for Browser {
    /// A test that fails may leave anything open: the next one gets a new browser.
    fn drop(&mut self) {
        if !self.is_closed {
            *self.driver = None;
        }
    }
}
