//! The OpenAPI document of the routes, made from the routes themselves.

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};

use super::access::{LIVENESS, is_open_to_all};
use super::problem::{Kind, MEDIA_TYPE, Problem};

/// The schema that is the contract of an event, over HTTP as in the topic.
const EVENT: &str = include_str!("../../schemas/incentive-event.schema.json");

/// The schema of what a reader wants, likewise.
const PREFERENCES: &str = include_str!("../../schemas/user-preferences.schema.json");

static DOCUMENT: LazyLock<Result<Bytes, serde_json::Error>> = LazyLock::new(|| {
    let document = serde_json::to_value(super::api(0).into_openapi())?;
    serde_json::to_vec_pretty(&completed(document)?).map(Bytes::from)
});

/// This document.
#[utoipa::path(
    get,
    path = "/v1/openapi.json",
    tag = "about",
    security(()),
    responses((status = 200, description = "The OpenAPI 3.1 document of all routes", body = Object))
)]
pub(super) async fn openapi() -> Result<impl IntoResponse, Problem> {
    match &*DOCUMENT {
        Ok(document) => Ok(([(CONTENT_TYPE, "application/json")], document.clone())),
        Err(fault) => Err(Problem::new(
            Kind::Failed,
            format!("the document cannot be written: {fault}"),
        )),
    }
}

/// Adds what all routes have in common.
fn completed(mut document: Value) -> Result<Value, serde_json::Error> {
    document["info"] = json!({
        "title": "incentive-notify-queue",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Looks into the queue, changes what waits in it, and takes events. Where something is wrong the \
                        answer is a problem document (RFC 9457).",
        "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
    });
    document["servers"] = json!([{ "url": "/" }]);
    document["security"] = json!([{ "bearer": [] }]);
    document["components"]["securitySchemes"] = json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "`http.token` or one of `http.tokens` for everything, `http.read_token` for GET. Where none is set, none is \
                            asked for.",
        },
    });
    let schemas = &mut document["components"]["schemas"];
    schemas["IncentiveEvent"] = contract(EVENT, "IncentiveEvent")?;
    schemas["UserPreferences"] = contract(PREFERENCES, "UserPreferences")?;
    for message in ["/IncentiveEvent/else", "/UserPreferences"] {
        if let Some(zone) = schemas.pointer_mut(&format!("{message}/properties/timezone")) {
            zone["enum"] = zones();
        }
    }
    schemas["BroadcastStart"]["properties"]["event"] = of_a_broadcast(&schemas["IncentiveEvent"]);
    schemas["BroadcastStart"]["oneOf"] = json!([
        { "required": ["segment"], "properties": { "all": { "const": false } } },
        { "required": ["all"], "properties": { "all": { "const": true }, "segment": false } },
    ]);
    schemas["PreferencesOfUser"] = of_the_path(schemas["UserPreferences"].clone());
    schemas["Filter"]["minProperties"] = 1.into();
    restrict_times(&mut schemas["Filter"]);
    restrict_times(&mut document["paths"]);
    // It stands in the path there.
    let of_user = &mut document["paths"]["/v1/users/{user_id}/notifications"]["get"]["parameters"];
    if let Some(parameters) = of_user.as_array_mut() {
        parameters.retain(|parameter| parameter["in"] != "query" || parameter["name"] != "user_id");
    }
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (path, operations) in paths {
        for operation in operations.as_object_mut().into_iter().flat_map(Map::values_mut) {
            let body = operation.get("requestBody");
            let (has_body, is_json) = (body.is_some(), body.is_some_and(|body| !is_nothing(body)));
            if has_body {
                operation["requestBody"]["required"] = is_json.into();
            }
            let takes_something = has_body || operation.get("parameters").is_some();
            if let Some(responses) = operation["responses"].as_object_mut() {
                if !is_open_to_all(path) {
                    add_problems(responses, takes_something, has_body, is_json);
                } else if path != LIVENESS {
                    add_problem(
                        responses,
                        "403",
                        "Without a token only requests to a loopback name are answered",
                    );
                }
            }
        }
    }
    Ok(document)
}

/// The schema of a message, whose own references start at its own root.
fn contract(text: &str, name: &str) -> Result<Value, serde_json::Error> {
    let text = text.replace("\"#/$defs/", &format!("\"#/components/schemas/{name}/$defs/"));
    let mut schema: Map<String, Value> = serde_json::from_str(&text)?;
    schema.remove("$schema");
    schema.remove("$id");
    Ok(schema.into())
}

/// The names of time zones that there are in this version.
fn zones() -> Value {
    let names = chrono_tz::TZ_VARIANTS.iter().map(|zone| Value::from(zone.name()));
    names.chain([Value::Null]).collect()
}

/// An event that is nobody's yet, and calls off none.
fn of_a_broadcast(event: &Value) -> Value {
    let mut draft = event["else"].clone();
    draft["type"] = "object".into();
    draft["description"] = "The event, without `event_id` and `user_id`: each reader gets their own.".into();
    let properties = &mut draft["properties"];
    properties["occurred_at"] = event["properties"]["occurred_at"].clone();
    properties["action"] = json!({ "enum": ["notify", null] });
    for own in ["event_id", "user_id"] {
        properties[own] = false.into();
    }
    draft
}

/// Preferences whose user stands in the path; nothing must be said of the rest.
fn of_the_path(mut preferences: Value) -> Value {
    if let Some(schema) = preferences.as_object_mut() {
        schema.remove("required");
        // The other schema has them, and what refers to them refers there.
        schema.remove("$defs");
    }
    let examples = preferences["examples"].as_array_mut().into_iter().flatten();
    for members in examples.filter_map(Value::as_object_mut) {
        members.remove("user_id");
    }
    if let Some(properties) = preferences["properties"].as_object_mut() {
        properties.remove("user_id");
        if let Some(time) = properties.get_mut("updated_at") {
            *time = json!({ "anyOf": [time.take(), { "type": "null" }] });
        }
    }
    preferences
}

/// Times in requests are those of the events' contract.
fn restrict_times(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("format").is_some_and(|format| format == "date-time") {
                members.insert(
                    "$ref".to_owned(),
                    "#/components/schemas/IncentiveEvent/$defs/time".into(),
                );
            }
            members.values_mut().for_each(restrict_times);
        }
        Value::Array(items) => items.iter_mut().for_each(restrict_times),
        _ => {}
    }
}

/// Whether a body has nothing to say.
fn is_nothing(body: &Value) -> bool {
    let schema = &body["content"]["application/json"]["schema"];
    schema["$ref"] == "#/components/schemas/Nothing"
}

fn add_problems(responses: &mut Map<String, Value>, takes_something: bool, has_body: bool, is_json: bool) {
    let problems = [
        ("400", "The request cannot be read", takes_something),
        ("401", "No token that is known here", true),
        (
            "403",
            "The token may not do this, or the request comes from another site",
            true,
        ),
        ("413", "The body is too long", has_body),
        ("415", "The body is not JSON", is_json),
        (
            "422",
            "A field or a parameter does not fit: `field` names it",
            takes_something,
        ),
        ("500", "The service has failed", true),
        (
            "503",
            "The database or the brokers are away, or there is too much to do",
            true,
        ),
    ];
    for (status, description, applies) in problems {
        if applies {
            add_problem(responses, status, description);
        }
    }
}

fn add_problem(responses: &mut Map<String, Value>, status: &str, description: &str) {
    responses.entry(status).or_insert_with(|| {
        json!({
            "description": description,
            "content": { (MEDIA_TYPE): { "schema": { "$ref": "#/components/schemas/Problem" } } },
        })
    });
}
