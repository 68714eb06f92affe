//! A real Chromium without a window, driven as a person would drive it: `WebDriver` is JSON over HTTP.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::inq::{eventually, request};
use crate::servers;

/// The member of an element's reference that has its id.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one tab.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    profile: TempDir,
    axe: String,
}

impl Browser {
    /// `None`, said aloud, where there is no Chromium.
    pub async fn open() -> Option<Self> {
        let (program, axe) = servers::chromium()?;
        let mut driver = Command::new(program)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let mut lines = BufReader::new(driver.stdout.take().expect("its output")).lines();
        let port = lines
            .find_map(|line| {
                let line = line.expect("a line");
                line.strip_suffix('.')?.rsplit_once("on port ")?.1.parse().ok()
            })
            .expect("chromedriver says its port");
        let mut browser = Self {
            driver,
            port,
            session: String::new(),
            profile: TempDir::new().expect("a folder"),
            axe: std::fs::read_to_string(axe).expect("axe-core"),
        };
        let profile = format!("--user-data-dir={}", browser.profile.path().display());
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
        let made = browser.ask("POST", "/session", &wanted).await;
        browser.session = made["sessionId"].as_str().expect("a session").to_owned();
        browser.size(1200, 900).await;
        Some(browser)
    }

    async fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        self.tried(method, path, body)
            .await
            .unwrap_or_else(|fault| panic!("{method} {path} {body}: {fault}"))
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

    async fn post(&self, path: &str, body: Value) -> Value {
        self.ask("POST", &format!("/session/{}{path}", self.session), &body)
            .await
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
        if tokio::time::timeout(std::time::Duration::from_secs(20), seen)
            .await
            .is_err()
        {
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

    /// The element that a CSS selector finds, once there is one.
    async fn find(&self, selector: &str) -> String {
        self.sees(&format!("document.querySelector({})", json!(selector)))
            .await;
        let found = self
            .post("/element", json!({ "using": "css selector", "value": selector }))
            .await;
        found[ELEMENT].as_str().expect("an element").to_owned()
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
        let element = self
            .post("/element", json!({ "using": "xpath", "value": path }))
            .await;
        let element = element[ELEMENT].as_str().expect("an element");
        self.post(&format!("/element/{element}/click"), json!({})).await;
    }

    /// Replaces what stands in a field.
    pub async fn fill(&self, selector: &str, text: &str) {
        let element = self.find(selector).await;
        self.post(&format!("/element/{element}/clear"), json!({})).await;
        self.post(&format!("/element/{element}/value"), json!({ "text": text }))
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
        let shot = self
            .ask(
                "GET",
                &format!("/session/{}/screenshot", self.session),
                &Value::Null,
            )
            .await;
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
        self.run(&format!("{};return null", self.axe)).await;
        let script = "const done = arguments[arguments.length - 1];
            axe.run().then(({ violations }) => done(violations.flatMap(({ id, nodes }) =>
                nodes.map((node) => `${id}: ${node.html}: ${node.failureSummary}`))), (fault) => done([String(fault)]))";
        let found = self
            .post("/execute/async", json!({ "script": script, "args": [] }))
            .await;
        serde_json::from_value(found).expect("a list")
    }

    pub async fn close(self) {
        self.ask("DELETE", &format!("/session/{}", self.session), &Value::Null)
            .await;
    }
}

impl Drop for Browser {
    /// A test that fails leaves no browser running: its processes name its profile.
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let profile = self.profile.path().to_string_lossy().into_owned();
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&command).contains(&profile) {
                let pid = entry.file_name();
                let _ = Command::new("kill")
                    .arg("-KILL")
                    .arg(pid)
                    .stderr(Stdio::null())
                    .status();
            }
        }
    }
}
