//! How the page looks, and to whom.

use serde_json::json;

use super::{Seen, ahead, event};

const VIEWS: [(&str, &str); 5] = [
    ("overview", "/"),
    ("user", "/search?by=user&value=42"),
    ("notification", "/notification/1"),
    ("letters", "/letters"),
    ("broadcasts", "/broadcasts"),
];

async fn furnished() -> Option<Seen> {
    let seen = Seen::fresh().await?;
    let words = json!({ "message_title": "Seven days in a row!", "priority": 3,
                        "message_body": "You have kept your streak for seven days. Here are 50 points." });
    seen.stored(&[event("streak-7", &words)]).await;
    seen.failed(1).await;
    seen.eventually_rows("status = 'failed'", 1).await;
    let long = "an-event-id-without-any-place-to-break-it-that-is-".repeat(2);
    seen.stored(&[ahead("ahead", 42), ahead(&long, 42)]).await;
    let wrong = json!({ "event_id": "e-1", "user_id": 42, "incentive_type": "streak_reward", "priority": 9 });
    seen.house.send_event(&wrong.to_string()).await;
    seen.broadcast(&json!({ "all": true, "rate": 1 })).await;
    Some(seen)
}

#[tokio::test]
async fn every_view_fits_a_phone_and_keeps_nobody_out() {
    let Some(seen) = furnished().await else { return };
    let browser = &seen.browser;
    for (name, hash) in VIEWS {
        for (scheme, width) in [("light", 1200), ("dark", 1200), ("light", 360), ("dark", 360)] {
            browser.scheme(scheme).await;
            browser.size(width, 900).await;
            seen.view(hash).await;
            browser
                .sees("document.querySelector('main h1') && !document.querySelector('main[aria-busy]')")
                .await;
            if name == "overview" {
                browser.reads("Recent failures").await;
            }
            browser.picture(&format!("{name}-{scheme}-{width}")).await;
            let slips = browser
                .run("return document.body.innerText.match(/\\b(false|true|null|undefined|NaN)\\b|\\[object/g)")
                .await;
            assert!(slips.is_null(), "{name} shows {slips}");
            let wider = browser
                .run("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
                .await;
            assert_eq!(wider, 0, "{name} scrolls sideways at {width}");
            let barriers = browser.barriers().await;
            assert!(barriers.is_empty(), "{name} {scheme} {width}: {barriers:#?}");
        }
    }
    browser.size(1200, 900).await;
    seen.view("/notification/1").await;
    browser.press("Retry…").await;
    browser.reads("Retry notification 1?").await;
    browser.picture("question").await;
    let barriers = browser.barriers().await;
    assert!(barriers.is_empty(), "the question: {barriers:#?}");
    seen.end().await;
}

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";

/// Goes on with the tabulator until it has come to the text.
async fn tab_to(seen: &Seen, text: &str) {
    for _ in 0..40 {
        seen.browser.keys(TAB).await;
        let at = "const at = document.activeElement; const style = getComputedStyle(at);
            return [at.innerText ?? '', at.id, style.outlineStyle]";
        let at = seen.browser.run(at).await;
        if at[0] == text || at[1] == text {
            assert_ne!(at[2], "none", "nobody sees that the keyboard is at {text}");
            return;
        }
    }
    panic!("the keyboard does not come to {text}");
}

#[tokio::test]
async fn all_can_be_done_with_the_keyboard() {
    let Some(seen) = furnished().await else { return };
    let browser = &seen.browser;
    seen.view("/").await;
    browser.reads("Recent failures").await;
    tab_to(&seen, "value").await;
    browser.keys("1").await;
    browser.keys(ENTER).await;
    browser.reads("Notification 1").await;
    browser.sees("document.activeElement.matches('main h1')").await;
    tab_to(&seen, "Retry…").await;
    browser.keys(ENTER).await;
    browser.sees("document.activeElement.id === 'ask-no'").await;
    browser.keys(ESCAPE).await;
    browser.reads("Nothing was changed.").await;
    browser
        .sees("document.activeElement.innerText === 'Retry…'")
        .await;
    browser.keys(ENTER).await;
    tab_to(&seen, "ask-yes").await;
    browser.keys(ENTER).await;
    browser.reads("Made due again by api").await;
    seen.end().await;
}

#[tokio::test]
async fn the_page_is_served_with_a_strict_policy_and_says_when_the_service_is_away() {
    let Some(seen) = Seen::fresh().await else { return };
    for path in ["/", "/page/main.js", "/page/style.css", "/page/icon.svg"] {
        let answer = seen.service.ask("GET", path, &[], "").await.expect("an answer");
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    }
    let page = seen
        .service
        .ask("GET", "/", &[], "")
        .await
        .expect("an answer")
        .body;
    assert!(!page.contains("style=") && !page.contains("http://") && !page.contains("https://"));
    let strange = seen
        .service
        .ask("GET", "/page/../Cargo.toml", &[], "")
        .await
        .expect("an answer");
    assert_eq!(strange.status, 404);

    seen.view("/").await;
    seen.browser.reads("Nothing is due.").await;
    assert!(seen.service.terminate().await.success());
    seen.browser.reads("The service does not answer.").await;
    seen.browser.close().await;
    seen.house.database.drop().await;
}
