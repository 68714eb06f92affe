//! The HTTP API of a running service, on real servers. Every answer is held against the OpenAPI document.

mod access;
mod connections;
mod document;
mod events;
mod letters;
mod names;
mod operators;
mod preferences;
mod reading;

use serde_json::{Value, json};

use crate::inq::{Answer, Service};

/// A service, and the document that it gives of itself.
struct Api {
    service: Service,
    document: Value,
}

impl Api {
    async fn of(service: Service) -> Self {
        let answer = service
            .ask("GET", "/v1/openapi.json", &[], "")
            .await
            .expect("an answer");
        assert_eq!(answer.status, 200);
        let document = answer.json();
        Self { service, document }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "").await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.ask("POST", path, &[], &body).await
    }

    /// A documented request, and the answer that the document promises.
    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let answer = self
            .service
            .ask(method, path, headers, body)
            .await
            .unwrap_or_else(|| panic!("{method} {path}: no answer; {}", self.service.log()));
        self.assert_documented(method, path, &answer);
        answer
    }

    #[track_caller]
    fn assert_documented(&self, method: &str, path: &str, answer: &Answer) {
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        let template = self.template(path.split('?').next().unwrap_or_default());
        let operation = &self.document["paths"][template][method.to_lowercase()];
        let said = &operation["responses"][answer.status.to_string()];
        assert!(
            said.is_object(),
            "{method} {template} may not answer {}: {}",
            answer.status,
            answer.body
        );
        let media_type = answer.header("content-type").unwrap_or_default();
        let content = &said["content"][media_type.split(';').next().unwrap_or_default()];
        assert!(
            content.is_object(),
            "{method} {template} {} may not be {media_type}",
            answer.status
        );
        if !media_type.contains("json") {
            return;
        }
        let schema = json!({
            "allOf": [content["schema"]],
            "components": self.document["components"],
        });
        let validator = jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&schema)
            .expect("a schema");
        let body = answer.json();
        let faults: Vec<String> = validator
            .iter_errors(&body)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{method} {template}: {faults:?}: {body}");
        if answer.status >= 400 && media_type.starts_with("application/problem+json") {
            assert_eq!(body["status"], answer.status);
            if answer.status == 422 {
                assert!(body["field"].is_string(), "{method} {path}: {body}");
            }
        }
    }

    /// The documented path that a path fits, the plainest first.
    fn template(&self, path: &str) -> &str {
        let paths = self.document["paths"].as_object().expect("paths");
        let fits = |template: &&String| {
            let (parts, said): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
            parts.len() == said.len()
                && parts
                    .iter()
                    .zip(said)
                    .all(|(part, said)| part.starts_with('{') || *part == said)
        };
        paths
            .keys()
            .filter(fits)
            .min_by_key(|template| template.matches('{').count())
            .unwrap_or_else(|| panic!("{path} is not documented"))
    }
}

/// What a problem document says of the field.
fn field(answer: &Answer) -> String {
    answer.json()["field"].as_str().unwrap_or_default().to_owned()
}
