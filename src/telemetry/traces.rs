//! Traces: what the stages do with a notification, as spans of its event's trace, sent to a collector over OTLP.
//!
//! Best effort, and never in the way of the work. A span goes into a queue of bounded length, and what does not fit is gone;
//! a thread of the SDK's sends the queue out. Whether there is a span at all was decided where the trace began: the sampled
//! flag of the event's `traceparent` alone counts.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use opentelemetry::trace::{
    Span, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId,
    TraceState, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider,
};
use tokio::runtime::Handle;

use super::TelemetryError;

/// How many spans wait for the collector: more than any batch of events has.
const QUEUE: usize = 16_384;
/// The most spans that are sent together.
const TOGETHER: usize = 512;
/// How long a span waits for others.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the collector may take to answer.
const ANSWER: Duration = Duration::from_secs(5);
/// How long the last spans may take when the service stops.
const LAST: Duration = Duration::from_secs(2);

/// Takes down what is done with notifications; clones share the queue.
#[derive(Clone, Debug, Default)]
pub struct Traces(Option<Arc<Exported>>);

#[derive(Debug)]
struct Exported {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// What a span is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// An event became a row, or a dead letter.
    Ingest,
    /// A row became a delivery request, or the broker refused it.
    Dispatch,
    /// A result changed a row.
    Feedback,
}

/// What was done with one notification.
#[derive(Clone, Copy, Debug, Default)]
pub struct Done<'a> {
    /// The event's `traceparent` (see [`traceparent`](crate::contract::traceparent())); without it there is no span.
    pub traceparent: Option<&'a str>,
    /// The event, where it is known.
    pub event_id: Option<&'a str>,
    /// The row, where it is known.
    pub notification_id: Option<i64>,
    /// The attempt, from 1, where there is one.
    pub attempt: Option<u32>,
    /// What came of it, in a word.
    pub outcome: &'static str,
    /// What is wrong, if something is.
    pub fault: Option<&'a str>,
}

impl Traces {
    /// Where no collector is set: nothing is taken down.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// To the collector at `http://host:port`, which need not be there. To be called within a Tokio runtime.
    ///
    /// # Errors
    /// If the endpoint is none, which the settings' check excludes.
    pub fn to(endpoint: &str) -> Result<Self, TelemetryError> {
        let client = Client {
            hyper: HyperClient::with_default_connector(ANSWER, None),
            runtime: Handle::current(),
            away: Arc::default(),
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .with_timeout(ANSWER)
            .build()?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(TOGETHER)
            .with_scheduled_delay(PAUSE)
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(
                BatchSpanProcessor::builder(exporter)
                    .with_batch_config(batches)
                    .build(),
            )
            // What is not sampled does not come as far as that.
            .with_sampler(Sampler::AlwaysOn)
            .with_resource(
                Resource::builder_empty()
                    .with_service_name(env!("CARGO_PKG_NAME"))
                    .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
                    .build(),
            )
            .build();
        let tracer = provider.tracer(env!("CARGO_PKG_NAME"));
        Ok(Self(Some(Arc::new(Exported { provider, tracer }))))
    }

    /// This was done, since `begun`. Never waits; `all` is not asked for where no collector is set.
    pub fn tell<'a>(&self, doing: Doing, begun: Instant, all: impl IntoIterator<Item = Done<'a>>) {
        let Some(Exported { tracer, .. }) = self.0.as_deref() else {
            return;
        };
        let now = SystemTime::now();
        let begun = now.checked_sub(begun.elapsed()).unwrap_or(now);
        for done in all {
            let Some(parent) = done.traceparent.and_then(sampled) else {
                continue;
            };
            let parent = Context::new().with_remote_span_context(parent);
            let mut span = tracer.build_with_context(doing.builder(begun, &done), &parent);
            if let Some(fault) = done.fault {
                span.set_status(Status::error(fault.to_owned()));
            }
            span.end_with_timestamp(now);
        }
    }

    /// Sends what waits, for at most two seconds and until `patience` at the latest; then nothing more is taken down.
    pub async fn close(self, patience: tokio::time::Instant) {
        let Some(exported) = self.0 else { return };
        let limit = LAST.min(patience.saturating_duration_since(tokio::time::Instant::now()));
        let closed =
            tokio::task::spawn_blocking(move || exported.provider.shutdown_with_timeout(limit)).await;
        if !matches!(closed, Ok(Ok(()))) {
            tracing::debug!("the last spans may be lost");
        }
    }
}

impl Doing {
    fn builder(self, begun: SystemTime, done: &Done<'_>) -> SpanBuilder {
        let (name, kind) = match self {
            Self::Ingest => ("ingest", SpanKind::Consumer),
            Self::Dispatch => ("dispatch", SpanKind::Producer),
            Self::Feedback => ("feedback", SpanKind::Consumer),
        };
        let mut attributes = vec![KeyValue::new("inq.outcome", done.outcome)];
        attributes.extend(
            done.event_id
                .map(|id| KeyValue::new("inq.event_id", id.to_owned())),
        );
        attributes.extend(
            done.notification_id
                .map(|id| KeyValue::new("inq.notification_id", id)),
        );
        attributes.extend(
            done.attempt
                .map(|attempt| KeyValue::new("inq.attempt", i64::from(attempt))),
        );
        SpanBuilder::from_name(name)
            .with_kind(kind)
            .with_start_time(begun)
            .with_attributes(attributes)
    }
}

/// The parent that a well-formed `traceparent` names, if its trace is sampled.
fn sampled(traceparent: &str) -> Option<SpanContext> {
    let mut parts = traceparent.split('-').skip(1);
    let trace = TraceId::from_hex(parts.next()?).ok()?;
    let parent = SpanId::from_hex(parts.next()?).ok()?;
    let flags = TraceFlags::new(u8::from_str_radix(parts.next()?, 16).ok()?);
    flags
        .is_sampled()
        .then(|| SpanContext::new(trace, parent, flags, true, TraceState::NONE))
}

/// Sends on the service's runtime, for the SDK's thread has none, and says when the collector goes and comes back.
#[derive(Clone, Debug)]
struct Client {
    hyper: HyperClient,
    runtime: Handle,
    away: Arc<AtomicBool>,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let hyper = self.hyper.clone();
        let answer = self
            .runtime
            .spawn(async move { hyper.send_bytes(request).await })
            .await?;
        let trouble = match &answer {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("it answers {}", response.status())),
            Err(error) => Some(explained(error.as_ref())),
        };
        let was_away = self.away.swap(trouble.is_some(), Ordering::Relaxed);
        match trouble {
            Some(why) if !was_away => {
                tracing::warn!(
                    "the collector at telemetry.otlp_endpoint takes no spans, they are lost: {why}"
                );
            }
            None if was_away => tracing::info!("the collector at telemetry.otlp_endpoint takes spans again"),
            _ => {}
        }
        answer
    }
}

/// An error with its causes.
fn explained(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sampled_trace_has_spans() {
        let of = |flags: &str| {
            sampled(&format!(
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}"
            ))
        };
        for flags in ["01", "03", "ff"] {
            let parent = of(flags).unwrap();
            assert_eq!(parent.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
            assert_eq!(parent.span_id().to_string(), "00f067aa0ba902b7");
            assert!(parent.is_remote());
        }
        for flags in ["00", "02", "fe"] {
            assert_eq!(of(flags), None, "{flags}");
        }
    }

    #[test]
    fn without_a_collector_nothing_is_asked_for() {
        let never = std::iter::once_with(|| -> Done<'static> { panic!("asked for") });
        Traces::none().tell(Doing::Ingest, Instant::now(), never);
    }
}
