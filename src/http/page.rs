//! The page at `/`: files that are part of the program, and nothing from anywhere else.

use axum::extract::Path;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::{HeaderName, HeaderValue};
use axum::response::IntoResponse;

use super::problem::{Kind, Problem};
use crate::contract::cut;

/// Only our own scripts and styles, nothing inline, no frames around it, and no text that becomes markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

/// A file of the page: its name, its media type, its content.
type Part = (&'static str, &'static str, &'static str);

const PAGE: Part = ("index.html", HTML, include_str!("page/index.html"));
/// What the page fetches.
const PARTS: [Part; 13] = [
    ("style.css", CSS, include_str!("page/style.css")),
    ("icon.svg", IMAGE, include_str!("page/icon.svg")),
    ("main.js", SCRIPT, include_str!("page/main.js")),
    ("api.js", SCRIPT, include_str!("page/api.js")),
    ("dom.js", SCRIPT, include_str!("page/dom.js")),
    ("words.js", SCRIPT, include_str!("page/words.js")),
    ("ask.js", SCRIPT, include_str!("page/ask.js")),
    ("chart.js", SCRIPT, include_str!("page/chart.js")),
    ("overview.js", SCRIPT, include_str!("page/overview.js")),
    ("notifications.js", SCRIPT, include_str!("page/notifications.js")),
    ("letters.js", SCRIPT, include_str!("page/letters.js")),
    ("broadcasts.js", SCRIPT, include_str!("page/broadcasts.js")),
    ("claims.js", SCRIPT, include_str!("page/claims.js")),
];

/// The page for people: how the queue stands, one notification's story, what to do about it.
#[utoipa::path(
    get,
    path = "/",
    tag = "page",
    security(()),
    responses((status = 200, description = "The page", body = String, content_type = "text/html"))
)]
pub(super) async fn show_page() -> impl IntoResponse {
    served(PAGE)
}

/// A file of which the page is made.
#[utoipa::path(
    get,
    path = "/page/{file}",
    tag = "page",
    security(()),
    params(("file" = String, Path, description = "Its name")),
    responses(
        (status = 200, description = "The file", content((String = "text/css"), (String = "text/javascript"),
         (String = "image/svg+xml"))),
        (status = 404, description = "The page has no such file", body = Problem,
         content_type = "application/problem+json")
    )
)]
pub(super) async fn show_part(Path(file): Path<String>) -> Result<impl IntoResponse, Problem> {
    let part = PARTS.into_iter().find(|(name, ..)| *name == file);
    part.map(served).ok_or_else(|| {
        Problem::new(
            Kind::NotFound,
            format!("the page has no file {}", cut(&file, 100)),
        )
    })
}

fn served((_, media_type, content): Part) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, media_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (OPENER_POLICY, "same-origin"),
    ];
    (
        headers.map(|(name, value)| (name, HeaderValue::from_static(value))),
        content,
    )
}
