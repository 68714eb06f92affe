//! What is found and done by the page.

use inq::contract::Preference;
use serde_json::json;

use super::{Seen, ahead, event};
use crate::household::House;

#[tokio::test]
async fn a_notification_is_found_by_id_user_and_event_and_tells_its_story() {
    let Some(seen) = Seen::fresh().await else { return };
    let browser = &seen.browser;
    let script = "<script>window.ran = true; alert(1)</script>";
    let image = "<img src=x onerror='window.ran = true'>";
    seen.stored(&[event(
        "wild",
        &json!({ "message_title": script, "message_body": image, "priority": 4 }),
    )])
    .await;
    seen.failed(1).await;
    seen.eventually_rows("status = 'failed'", 1).await;

    seen.view("/").await;
    browser.reads("<b>token</b> revoked").await;
    seen.find("id", "1").await;
    browser.reads("Notification 1").await;
    for told in [
        script,
        image,
        "It has failed after 1 attempt",
        "The event occurred",
        "Stored",
        "Attempt 1 was published",
        "Attempt 1 failed for good (no_device: <b>token</b> revoked)",
    ] {
        browser.reads(told).await;
    }
    seen.find("user", "42").await;
    browser.reads("Notifications of user 42").await;
    browser.reads(script).await;
    seen.find("event", "wild").await;
    browser.reads("Notification of event wild").await;
    browser.press(script).await;
    browser.reads("What happened").await;
    browser.back().await;
    browser.reads("Notification of event wild").await;
    seen.find("user", "9223372036854775807").await;
    browser.reads("There is none.").await;
    seen.find("event", "no <i>such</i>").await;
    browser.reads("Notification of event no <i>such</i>").await;
    assert_eq!(browser.run("return window.ran ?? 'never'").await, "never");
    assert_eq!(
        browser
            .run("return document.querySelectorAll('main script, main img, main b, main i').length")
            .await,
        0
    );
    seen.end().await;
}

#[tokio::test]
async fn what_quiet_hours_hold_back_says_so() {
    let Some(house) = House::fresh().await else { return };
    let now = chrono::Utc::now();
    let [from, to] = [-1, 2].map(|hours| {
        (now + chrono::TimeDelta::hours(hours))
            .format("%H:%M")
            .to_string()
    });
    let Some(seen) = Seen::of(house.with("INQ_QUIET__HOURS", &format!("{from}-{to}"))).await else {
        return;
    };
    seen.stored(&[event("at-night", &json!({ "priority": 0 }))]).await;
    seen.view("/notification/1").await;
    let held = format!(": {from} to {to} are quiet hours of the settings in UTC");
    seen.browser.reads(&held).await;
    seen.browser.reads("It waits until ").await;
    seen.end().await;
}

#[tokio::test]
async fn what_waits_for_its_best_time_says_so() {
    let Some(house) = House::fresh().await else { return };
    let Some(seen) = Seen::of(house).await else { return };
    let window = json!({ "from": "2100-01-01T09:00:00Z", "to": "2100-01-01T21:00:00Z" });
    let more = json!({ "deliver_between": window, "timezone": "Asia/Tokyo" });
    seen.stored(&[event("windowed", &more)]).await;
    seen.view("/notification/1").await;
    seen.browser
        .reads(
            "Due at 2100-01-01T09:00:00.000Z (2100-01-01 18:00 in Asia/Tokyo), the first moment that is allowed: no openings tell \
             a better one; its window, 2100-01-01T09:00:00.000Z to 2100-01-01T21:00:00.000Z (2100-01-01 18:00 to 2100-01-02 06:00 \
             in Asia/Tokyo)",
        )
        .await;
    seen.end().await;
}

#[tokio::test]
async fn a_part_leads_to_its_digest_and_what_looks_like_one_is_none() {
    let Some(house) = House::fresh().await else { return };
    let Some(seen) = Seen::of(house.with("INQ_DIGEST__WINDOWS__STREAK_REWARD", "1h")).await else {
        return;
    };
    let browser = &seen.browser;
    let parts = json!([{ "event_id": "nobodys", "occurred_at": "2026-01-15T08:00:00Z" }]);
    let alike = json!({ "incentive_type": "point_earning", "incentive_data": { "digest": { "count": 1, "parts": parts } } });
    seen.stored(&[event("alike", &alike)]).await;
    seen.stored(&[event("one", &json!({}))]).await;
    // The second makes the digest, too.
    seen.house.send_event(&event("two", &json!({})).to_string()).await;
    seen.eventually_rows("status = 'digested'", 2).await;
    seen.view("/").await;
    seen.find("event", "one").await;
    browser.reads("It is told of by the digest digest-").await;
    let part = "SELECT id FROM incentive_notify_queue WHERE event_id = 'one'";
    let part = seen.house.database.count(part).await;
    seen.view(&format!("/notification/{part}")).await;
    browser.reads("which waits until ").await;
    browser
        .reads("is the digest that tells of it: cancel or retry that one")
        .await;
    let digest = "SELECT id FROM incentive_notify_queue WHERE event_id LIKE 'digest-%'";
    let digest = seen.house.database.count(digest).await;
    browser.press(&format!("Notification {digest}")).await;
    browser.reads("Begun with the event one and a second one").await;
    browser.reads("Its first part, one: held from ").await;
    browser.reads("Tells of").await;
    seen.view("/notification/1").await;
    browser.reads("What happened").await;
    let facts = "return document.querySelector('.facts').innerText.toLowerCase().includes('tells of')";
    assert_eq!(browser.run(facts).await, false);
    seen.end().await;
}

#[tokio::test]
async fn a_broadcast_is_counted_started_and_held_up_after_a_question() {
    let Some(house) = House::fresh().await else { return };
    let house = house.with("INQ_DIGEST__WINDOWS__BONUS_OPPORTUNITY", "1d");
    let Some(seen) = Seen::of(house).await else { return };
    let browser = &seen.browser;
    let readers: Vec<_> = (1..=500)
        .map(|user| {
            let text = format!(
                r#"{{"user_id":{user},"segments":["<i>vip</i>"],"updated_at":"2026-01-31T12:00:00Z"}}"#
            );
            Preference::decode(Some(text.as_bytes()), 1000)
                .expect("a preference")
                .into()
        })
        .collect();
    let store = inq::store::open(&seen.house.database.url, 2).expect("a store");
    store.change_preferences(&readers).await.expect("readers");
    store.close().await;
    seen.view("/broadcasts").await;
    browser.reads("There is none.").await;
    browser.run("document.querySelector('details').open = true").await;
    browser
        .fill(
            "#broadcast-event",
            r#"{"incentive_type": "bonus_opportunity", "priority": 7}"#,
        )
        .await;
    browser.fill("#broadcast-segment", "<i>vip</i>").await;
    browser
        .run("document.getElementById('broadcast-rate').value = '1'")
        .await;
    browser.press("Count…").await;
    browser.reads("event.priority: must be").await;
    browser
        .fill("#broadcast-event", r#"{"incentive_type": "bonus_opportunity"}"#)
        .await;
    browser.press("Count…").await;
    browser
        .reads("It makes an event for 500 users of the segment <i>vip</i>, 1 a second.")
        .await;
    browser
        .reads("for others of its type are gathered with it for 1d")
        .await;
    browser.press("Leave it").await;
    browser.reads("Nothing was started.").await;
    browser.press("Count…").await;
    browser.press("Start").await;
    browser.reads("of 500 events for the segment <i>vip</i>").await;
    seen.eventually_rows("event_id = 'broadcast:1:1'", 1).await;
    browser.press("Pause…").await;
    browser.press("Pause").await;
    browser.reads("Broadcast 1 is paused.").await;
    browser.press("Stop…").await;
    browser.reads("It ends for good.").await;
    browser.press("Stop").await;
    browser.reads("Broadcast 1 is stopped.").await;
    seen.end().await;
}

#[tokio::test]
async fn one_is_retried_and_one_cancelled_after_a_question() {
    let Some(seen) = Seen::fresh().await else { return };
    let browser = &seen.browser;
    seen.stored(&[event("failing", &json!({}))]).await;
    seen.failed(1).await;
    seen.eventually_rows("status = 'failed'", 1).await;
    seen.stored(&[ahead("waiting", 42)]).await;

    seen.view("/notification/1").await;
    browser.press("Retry…").await;
    browser.reads("Retry notification 1?").await;
    browser.press("Leave it").await;
    browser.reads("Nothing was changed.").await;
    seen.eventually_rows("status = 'failed'", 1).await;
    browser.press("Retry…").await;
    browser.press("Retry").await;
    browser.reads("Made due again by api").await;
    assert_eq!(seen.house.request(2).await["attempt"], 2);

    seen.view("/notification/2").await;
    browser.reads("It waits until ").await;
    browser.press("Cancel…").await;
    browser.reads("It will not be sent").await;
    browser.press("Cancel").await;
    browser.reads("Cancelled by api").await;
    seen.eventually_rows("status = 'cancelled' AND event_id = 'waiting'", 1)
        .await;
    seen.end().await;
}

#[tokio::test]
async fn what_a_user_still_has_to_get_is_called_off_and_what_failed_is_retried() {
    let Some(seen) = Seen::fresh().await else { return };
    let browser = &seen.browser;
    seen.stored(&[event("failing", &json!({}))]).await;
    seen.failed(1).await;
    seen.eventually_rows("status = 'failed'", 1).await;
    let mut events: Vec<_> = (0..28)
        .map(|number| ahead(&format!("event-{number}"), 42))
        .collect();
    events.push(ahead("of another", 43));
    seen.stored(&events).await;

    seen.view("/search?by=user&value=42").await;
    browser
        .sees("document.querySelectorAll('article').length === 25")
        .await;
    browser.press("More").await;
    browser
        .sees("document.querySelectorAll('article').length === 29")
        .await;
    browser.press("Cancel all pending…").await;
    browser.reads("Cancel 28 notifications of user 42?").await;
    browser.press("Leave it").await;
    seen.eventually_rows("status = 'pending'", 29).await;
    browser.press("Cancel all pending…").await;
    browser.press("Cancel 28 notifications").await;
    browser.reads("28 notifications of user 42 changed").await;
    seen.eventually_rows("status = 'cancelled' AND user_id = 42", 28)
        .await;
    seen.eventually_rows("status = 'pending' AND user_id = 43", 1)
        .await;
    browser.press("Retry all failed…").await;
    browser.press("Retry 1 notification").await;
    assert_eq!(seen.house.request(2).await["event_id"], "failing");
    browser.press("Cancel all pending…").await;
    browser.reads("User 42 has none of those.").await;
    seen.end().await;
}

#[tokio::test]
async fn a_dead_letter_is_corrected_and_put_back() {
    let Some(seen) = Seen::fresh().await else { return };
    let browser = &seen.browser;
    let wrong = r#"{"event_id":"e-1","user_id":42,"incentive_type":"streak_reward","priority":9}"#;
    seen.house.send_event("<script>window.ran = true</script>").await;
    seen.house.send_event(wrong).await;
    crate::inq::eventually("both are put aside", async || {
        let answer = seen.service.ask("GET", "/v1/dead-letters", &[], "").await;
        answer.is_some_and(|answer| {
            answer.json()["letters"]
                .as_array()
                .is_some_and(|all| all.len() == 2)
        })
    })
    .await;
    seen.view("/letters").await;
    browser.reads("invalid json").await;
    browser.press("schema violation").await;
    browser
        .sees("document.querySelectorAll('article').length === 1")
        .await;
    browser.reads("priority").await;
    assert_eq!(
        browser
            .run("return document.querySelector('textarea').value")
            .await,
        wrong
    );
    browser.fill("textarea", &wrong.replace('9', "\"high\"")).await;
    browser.press("Put back…").await;
    browser
        .sees("document.querySelector('article .fault:not([hidden])')?.innerText.startsWith('priority')")
        .await;
    browser.fill("textarea", &wrong.replace('9', "4")).await;
    browser.press("Put back…").await;
    browser.reads("with the corrected content").await;
    browser.press("Put back").await;
    browser.reads("The letter is in").await;
    assert_eq!(seen.house.request(1).await["priority"], 4);
    assert_eq!(browser.run("return window.ran ?? 'never'").await, "never");
    seen.end().await;
}

#[tokio::test]
async fn dead_letters_go_on_at_a_button() {
    let Some(seen) = Seen::fresh().await else { return };
    let browser = &seen.browser;
    let events: Vec<_> = (0..60).map(|number| format!("<{number}>")).collect();
    let records = events.iter().map(|event| ("42", event.as_bytes()));
    seen.house.kafka.produce(&seen.house.events, records).await;
    crate::inq::eventually("they are put aside", async || seen.house.behind() == 0).await;
    seen.view("/letters").await;
    for shown in [25, 50, 60] {
        browser
            .sees(&format!(
                "new Set([...document.querySelectorAll('textarea')].map((it) => it.value)).size === {shown}"
            ))
            .await;
        if shown < 60 {
            browser.press("More").await;
        }
    }
    browser
        .sees("![...document.querySelectorAll('button')].some((it) => it.innerText === 'More')")
        .await;
    seen.end().await;
}

#[tokio::test]
async fn a_token_is_asked_for_and_a_readers_may_only_look() {
    let Some(house) = House::fresh().await else { return };
    let house = house
        .with("INQ_HTTP__TOKEN", "operators-token")
        .with("INQ_HTTP__READ_TOKEN", "readers-token");
    let Some(seen) = Seen::of(house).await else { return };
    let browser = &seen.browser;
    seen.stored(&[ahead("waiting", 42)]).await;
    seen.view("/notification/1").await;
    browser.reads("A token is needed").await;
    browser.fill("#token", "wrong").await;
    browser.press("Enter").await;
    browser.reads("That token is not known here").await;
    browser.fill("#token", "readers-token").await;
    browser.press("Enter").await;
    browser.reads("It waits until ").await;
    assert_eq!(
        browser
            .run("return document.querySelectorAll('main button').length")
            .await,
        0
    );
    assert_eq!(
        browser
            .run("return localStorage.length + document.cookie.length")
            .await,
        0
    );

    browser.run("sessionStorage.clear()").await;
    seen.view("/notification/1").await;
    browser.reads("A token is needed").await;
    browser.fill("#token", "operators-token").await;
    browser.press("Enter").await;
    browser.press("Cancel…").await;
    browser.press("Cancel").await;
    browser.reads("Cancelled by api").await;
    // Each refusal is told on the console, and nothing else is.
    let said = browser.console().await;
    assert!(said.iter().all(|line| line.contains("401")), "{said:?}");
    seen.end().await;
}

#[tokio::test]
async fn a_claim_in_doubt_is_decided_on_the_page() {
    let Some(seen) = Seen::fresh().await else { return };
    let browser = &seen.browser;
    seen.view("/claims").await;
    browser.reads("There is none.").await;
    seen.stored(&[ahead("doubtful", 42)]).await;
    // As recovery leaves it: nobody knows whether it was published.
    for statement in [
        "INSERT INTO incentive_notify_claims (id, notification_ids, claimed_at, lease_until, doubt) \
         VALUES (7, '[1]', UTC_TIMESTAMP(3), UTC_TIMESTAMP(3) + INTERVAL 1 DAY, 'its ledger is <b>gone</b>')",
        "UPDATE incentive_notify_queue SET status = 'processing', claim_id = 7, attempts = 1",
    ] {
        seen.house.database.execute(statement).await;
    }
    seen.view("/").await;
    browser.press("1 claim in doubt: decide").await;
    browser.reads("its ledger is <b>gone</b>").await;
    browser.press("Mark published…").await;
    browser.reads("Its notifications become sent.").await;
    browser.press("Mark published").await;
    browser.reads("Claim 7: 1 notification sent.").await;
    seen.eventually_rows("status = 'sent'", 1).await;
    browser.reads("There is none.").await;
    seen.end().await;
}
