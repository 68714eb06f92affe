//! Spans for a collector: what is done with a notification, in the trace of its event.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value as Said};
use opentelemetry_proto::tonic::trace::v1::{Span, Status, span::SpanKind, status::StatusCode as Code};
use prost::Message;
use serde_json::json;
use tokio::net::TcpListener;

use crate::household::{House, simple_event};
use crate::inq::{eventually, free_port};
use crate::shutdown::ends_in_time;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// A collector that keeps what it gets.
struct Collector {
    endpoint: String,
    requests: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let requests: Arc<Mutex<Vec<_>>> = Arc::default();
        let keep = async |State(requests): State<Arc<Mutex<Vec<_>>>>, body: Bytes| {
            match ExportTraceServiceRequest::decode(body) {
                Ok(request) => {
                    requests.lock().expect("a lock").push(request);
                    StatusCode::OK
                }
                Err(_) => StatusCode::BAD_REQUEST,
            }
        };
        let router = Router::new()
            .route("/v1/traces", post(keep))
            .with_state(Arc::clone(&requests));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { endpoint, requests }
    }

    /// Each span, with the service that it is from.
    fn spans(&self) -> Vec<(String, Span)> {
        let requests = self.requests.lock().expect("a lock");
        let mut spans = Vec::new();
        for resource in requests.iter().flat_map(|request| &request.resource_spans) {
            let service = resource.resource.as_ref().expect("a resource");
            let service = said(&service.attributes, "service.name");
            for span in resource.scope_spans.iter().flat_map(|scope| &scope.spans) {
                spans.push((service.clone(), span.clone()));
            }
        }
        spans
    }
}

/// An attribute as text; empty where it is not there.
fn said(attributes: &[KeyValue], name: &str) -> String {
    let attribute = attributes.iter().find(|attribute| attribute.key == name);
    match attribute.and_then(|attribute| attribute.value.clone()?.value) {
        Some(Said::StringValue(text)) => text,
        Some(Said::IntValue(number)) => number.to_string(),
        Some(other) => panic!("{name}: {other:?}"),
        None => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("text");
        text
    })
}

async fn send(house: &House, event: &str, traceparent: &str) {
    house
        .kafka
        .produce_with_header(&house.events, event.as_bytes(), "traceparent", traceparent)
        .await;
}

#[tokio::test]
async fn what_is_done_with_a_notification_joins_the_trace_of_its_event() {
    let Some(house) = House::fresh().await else { return };
    let collector = Collector::start().await;
    let house = house
        .with("INQ_RETRY__INITIAL", "100ms")
        .with("INQ_TELEMETRY__OTLP_ENDPOINT", &collector.endpoint);
    let service = house.run(&[]).await;
    // Only the first is sampled.
    send(
        &house,
        &simple_event("traced"),
        &format!("00-{TRACE}-{PARENT}-01"),
    )
    .await;
    let first = house.request(1).await;
    let unsampled = format!("00-{}-{PARENT}-00", TRACE.replace('0', "1"));
    send(&house, &simple_event("unsampled"), &unsampled).await;
    house.send_event(&simple_event("untraced")).await;
    send(&house, "broken", &format!("00-{TRACE}-{PARENT}-01")).await;
    house.request(3).await;
    let settled = async || house.show("traced")["status"] == "sent";
    eventually("attempt 1 is settled", settled).await;
    house.send_result(&first, "failed", json!({})).await;
    let second = house.request(4).await;
    eventually("attempt 2 is settled", settled).await;
    house.send_result(&second, "delivered", json!({})).await;
    eventually("it was delivered", async || {
        !house.show("traced")["delivered_at"].is_null()
    })
    .await;
    // What waits is sent before the end.
    ends_in_time(service, Duration::from_secs(10)).await;

    let id = first["notification_id"].to_string();
    let mut spans = collector.spans();
    spans.sort_by_key(|(_, span)| span.end_time_unix_nano);
    let mut found = Vec::new();
    for (service, span) in &spans {
        assert_eq!(service, "incentive-notify-queue");
        assert_eq!(hex(&span.trace_id), TRACE, "{span:?}");
        assert_eq!(hex(&span.parent_span_id), PARENT, "{span:?}");
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano, "{span:?}");
        let of = |name| said(&span.attributes, name);
        let outcome = of("inq.outcome");
        let kind = if span.name == "dispatch" {
            SpanKind::Producer
        } else {
            SpanKind::Consumer
        };
        assert_eq!(span.kind(), kind);
        let code = span.status.as_ref().map_or(Code::Unset, Status::code);
        let (expected, event) = match (span.name.as_str(), outcome.as_str()) {
            (_, "put_aside") => (Code::Error, ""),
            ("feedback", _) => (Code::Unset, ""),
            _ => (Code::Unset, "traced"),
        };
        assert_eq!((code, of("inq.event_id").as_str()), (expected, event), "{span:?}");
        let row = if span.name == "ingest" { "" } else { &id };
        assert_eq!(of("inq.notification_id"), row, "{span:?}");
        found.push((span.name.as_str(), of("inq.attempt"), outcome));
    }
    found.sort();
    let expected = [
        ("dispatch", "1", "published"),
        ("dispatch", "2", "published"),
        ("feedback", "1", "failed"),
        ("feedback", "2", "delivered"),
        ("ingest", "", "put_aside"),
        ("ingest", "", "stored"),
    ];
    assert_eq!(
        found,
        expected.map(|(name, attempt, outcome)| (name, attempt.to_owned(), outcome.to_owned()))
    );
    house.database.drop().await;
}

/// Events flow and the end comes in time, whatever becomes of the spans.
async fn flows_without_a_collector(address: SocketAddr) {
    const EVENTS: usize = 50;
    const TIMEOUT: Duration = Duration::from_secs(3);
    let Some(house) = House::fresh().await else { return };
    let house = house
        .with("INQ_SHUTDOWN_TIMEOUT", "3s")
        .with("INQ_TELEMETRY__OTLP_ENDPOINT", &format!("http://{address}"));
    let service = house.run(&[]).await;
    let traceparent = format!("00-{TRACE}-{PARENT}-01");
    for number in 0..EVENTS {
        send(&house, &simple_event(&format!("event-{number}")), &traceparent).await;
    }
    house.kafka.read_until(&house.deliveries, EVENTS).await;
    eventually("the collector's absence is told", async || {
        service.log().contains("takes no spans")
    })
    .await;
    assert_eq!(service.log().matches("takes no spans").count(), 1, "once");
    house.send_event(&simple_event("after")).await;
    house.kafka.read_until(&house.deliveries, EVENTS + 1).await;
    ends_in_time(service, TIMEOUT).await;
    house.database.drop().await;
}

#[tokio::test]
async fn a_collector_that_is_away_holds_up_nobody() {
    flows_without_a_collector((Ipv4Addr::LOCALHOST, free_port()).into()).await;
}

#[tokio::test]
async fn a_collector_that_never_answers_holds_up_nobody() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    flows_without_a_collector(silent.local_addr().expect("an address")).await;
}
