//! What the room promises, as its callers see it.

mod digest_faults;
mod digests;
mod faults;
mod words;

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::{Catalogues, Reader, Rendered};
use crate::contract::IncentiveType;

/// The catalogues that are compiled in.
static BUILT_IN: LazyLock<Catalogues> =
    LazyLock::new(|| Catalogues::load(None, "en").unwrap_or_else(|errors| panic!("{errors}")));

/// What the built-in catalogues say about `data` (a JSON object) to a reader of `language`.
fn say(language: &str, kind: IncentiveType, data: &Value) -> Rendered {
    BUILT_IN.render(reader(Some(language)), kind, &object(data), None, None)
}

/// A reader, and it does not matter who.
fn reader(language: Option<&str>) -> Reader<'_> {
    Reader { user_id: 1, language }
}

fn object(data: &Value) -> Map<String, Value> {
    data.as_object().cloned().expect("an object")
}
