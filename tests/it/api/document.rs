//! The document and the routes are the same thing, told twice.

use std::path::Path;

use serde_json::Value;

use super::Api;
use crate::house::sources;
use crate::household::House;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

#[tokio::test]
async fn what_is_documented_answers_and_what_answers_is_documented() {
    let Some(house) = House::fresh().await else { return };
    let api = Api::of(house.run(&[]).await).await;
    for (path, operations) in api.document["paths"].as_object().expect("paths") {
        let path = path.replace("{id}", "1").replace("{user_id}", "1");
        for method in METHODS {
            let said = method.to_uppercase();
            if operations.get(method).is_some() {
                let answer = api.ask(&said, &path, &[], "").await;
                assert!(!answer.body.contains("/v1/openapi.json lists"), "{said} {path}");
                continue;
            }
            let answer = api.service.ask(&said, &path, &[], "").await.expect("an answer");
            assert_eq!(answer.status, 405, "{said} {path}: {}", answer.body);
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
            let allowed = answer.header("allow").expect("a header");
            let documented = operations.as_object().expect("operations").keys();
            for method in documented {
                assert!(allowed.contains(method), "{path}: {allowed}");
            }
        }
    }
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}

/// The document is made of what `routes!` registers; a route that came in by another door would not be in it.
#[test]
fn every_route_comes_in_by_the_documented_door() {
    let http = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    for path in sources(&http) {
        let text = std::fs::read_to_string(&path).expect("a source");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for door in [".route(", ".route_service(", ".nest(", ".nest_service("] {
            assert!(!code.contains(door), "{} has a {door}", path.display());
        }
    }
}

#[tokio::test]
async fn the_document_is_openapi() {
    let Some(house) = House::fresh().await else { return };
    let api = Api::of(house.run(&[]).await).await;
    let official: Value =
        serde_json::from_str(include_str!("openapi-3.1.schema.json")).expect("the official schema");
    let validator = jsonschema::draft202012::new(&official).expect("a schema");
    let faults: Vec<_> = validator
        .iter_errors(&api.document)
        .map(|fault| fault.to_string())
        .collect();
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(api.document["openapi"], "3.1.0");

    let paths = api.document["paths"].as_object().expect("paths");
    let operations = paths.values().filter_map(Value::as_object).flatten();
    for (method, operation) in operations {
        let body = &operation["requestBody"];
        let nothing = body["content"]["application/json"]["schema"]["$ref"] == "#/components/schemas/Nothing";
        assert!(
            body.is_null() || body["required"] == !nothing,
            "{method} {}",
            operation["operationId"]
        );
    }
    let nothing = &api.document["components"]["schemas"]["Nothing"];
    assert_eq!(
        (&nothing["type"], &nothing["additionalProperties"]),
        (&Value::from("object"), &Value::from(false))
    );
    // Whose preferences they are stands in the path, and when is now.
    let preferences = &api.document["components"]["schemas"]["PreferencesOfUser"];
    assert!(preferences["required"].is_null() && preferences["properties"]["user_id"].is_null());
    assert!(preferences["properties"]["quiet_hours"].is_object());

    let mut references = Vec::new();
    collect("$ref", &api.document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("within the document");
        assert!(api.document.pointer(pointer).is_some(), "{reference}");
    }
    let mut names = Vec::new();
    collect("operationId", &api.document["paths"], &mut names);
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "an operationId stands twice");
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}

/// The texts of all members of that name.
fn collect(wanted: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str() {
                    Some(text) if name == wanted => found.push(text.to_owned()),
                    _ => collect(wanted, value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(wanted, item, found)),
        _ => {}
    }
}
