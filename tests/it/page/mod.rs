//! The page, in a real browser, on real servers.

mod browser;
mod deeds;
mod looks;

use serde_json::{Value, json};

use crate::household::{House, text};
use crate::inq::{Service, eventually};
use browser::Browser;

/// A service with its page before somebody's eyes.
struct Seen {
    house: House,
    service: Service,
    browser: Browser,
}

impl Seen {
    async fn of(house: House) -> Option<Self> {
        let browser = Browser::open().await?;
        let service = house.run(&[]).await;
        Some(Self {
            house,
            service,
            browser,
        })
    }

    /// `None`, said aloud, where a server or the browser is not to be had.
    async fn fresh() -> Option<Self> {
        Self::of(House::fresh().await?).await
    }

    /// A view, from anew.
    async fn view(&self, hash: &str) {
        self.browser.go("about:blank").await;
        self.browser.go(&format!("{}/#{hash}", self.service.url())).await;
    }

    async fn find(&self, by: &str, value: &str) {
        self.browser
            .run(&format!("document.getElementById('by').value = '{by}'"))
            .await;
        self.browser.fill("#value", value).await;
        self.browser.press("Find").await;
    }

    /// Sends events, and waits until they are stored.
    async fn stored(&self, events: &[Value]) {
        let count = "SELECT COUNT(*) FROM incentive_notify_queue";
        let before = self.house.database.count(count).await;
        for event in events {
            self.house.send_event(&event.to_string()).await;
        }
        let wanted = before + i64::try_from(events.len()).expect("a count");
        eventually("they are stored", async || {
            self.house.database.count(count).await == wanted
        })
        .await;
    }

    /// Starts a broadcast of a bonus, over HTTP.
    async fn broadcast(&self, how: &Value) {
        let mut order = json!({ "event": { "incentive_type": "bonus_opportunity" } });
        for (name, value) in how.as_object().into_iter().flatten() {
            order[name] = value.clone();
        }
        let answer = self
            .service
            .ask("POST", "/v1/broadcasts", &[], &order.to_string())
            .await
            .expect("an answer");
        assert_eq!(answer.status, 201, "{}", answer.body);
    }

    /// What stands in the database.
    async fn eventually_rows(&self, condition: &str, rows: i64) {
        let count = format!("SELECT COUNT(*) FROM incentive_notify_queue WHERE {condition}");
        eventually(condition, async || {
            self.house.database.count(&count).await == rows
        })
        .await;
    }

    /// The service reports that the request of that number has failed for good.
    async fn failed(&self, number: usize) {
        let request = self.house.request(number).await;
        let why =
            json!({ "retryable": false, "error_code": "no_device", "error_message": "<b>token</b> revoked" });
        self.house.send_result(&request, "failed", why).await;
    }

    async fn end(self) {
        // Refusals that a test has asked for are told there too; faults of scripts and of the policy must not be.
        let mut said = self.browser.console().await;
        said.retain(|line| !line.contains("the server responded with a status of 4"));
        assert!(said.is_empty(), "the console says {said:?}");
        self.browser.close().await;
        assert!(self.service.terminate().await.success());
        self.house.database.drop().await;
    }
}

fn event(id: &str, more: &Value) -> Value {
    let mut event = json!({ "event_id": id, "user_id": 42, "incentive_type": "streak_reward" });
    for (name, value) in more.as_object().into_iter().flatten() {
        event[name] = value.clone();
    }
    event
}

/// One that waits for a long time.
fn ahead(id: &str, user: i64) -> Value {
    let later = text(chrono::Utc::now() + chrono::TimeDelta::days(30));
    event(id, &json!({ "user_id": user, "scheduled_at": later }))
}
