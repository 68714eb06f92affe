//! Ranges, and settings that contradict each other.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use icu_locale_core::Locale;
use tracing_subscriber::EnvFilter;
use url::Url;

use super::caps::HIGHEST_CAP;
use super::duration::text;
use super::error::Fault;
use super::keys::{CAP_SEGMENTS, PROPERTIES, QUIET_SEGMENTS, TOKENS};
use super::sections::SHORTEST_LEASE;
use super::{
    CapSettings, DigestSettings, HttpSettings, KafkaSettings, RetrySettings, Secret, Settings,
    TelemetrySettings, TopicSettings, properties,
};
use crate::contract::{IncentiveType, SEGMENT, is_segment};

/// What Kafka allows for a topic's name.
const TOPIC_CHARS: usize = 249;

/// Room is left for what is added to the group's name.
const GROUP_CHARS: usize = 200;

/// It stands in histories and log lines.
const OPERATOR_CHARS: usize = 32;

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

type Checked = Result<(), Fault>;

/// The first thing that is wrong.
pub(super) fn check(settings: &Settings) -> Checked {
    ranges(settings)?;
    caps(&settings.caps)?;
    digest(&settings.digest)?;
    kafka(&settings.kafka)?;
    topics(&settings.topics)?;
    segments(QUIET_SEGMENTS, &settings.quiet.segments)?;
    segments(CAP_SEGMENTS, &settings.caps.segments)?;
    retry(&settings.retry)?;
    http(&settings.http)?;
    telemetry(&settings.telemetry)?;
    directory("localization.dir", settings.localization.dir.as_deref())?;
    directory("retention.archive", settings.retention.archive.as_deref())?;
    Locale::try_from_str(&settings.localization.fallback).map_err(|_| {
        Fault::new(
            "localization.fallback",
            "must be a BCP 47 tag, for example \"en\" or \"pt-BR\"",
        )
    })?;
    level(&settings.log.level).map_err(|reason| Fault::new("log.level", reason))
}

fn ranges(settings: &Settings) -> Checked {
    let Settings {
        database,
        ingest,
        dispatch,
        retention,
        ..
    } = settings;
    number("database.max_connections", database.max_connections, 0..=1000)?;
    number("ingest.batch_rows", ingest.batch_rows, 1..=10_000)?;
    length("ingest.batch_wait", ingest.batch_wait, MILLISECOND..=10 * SECOND)?;
    number(
        "ingest.max_event_bytes",
        ingest.max_event_bytes,
        1024..=16 * 1024 * 1024,
    )?;
    number("dispatch.batch_rows", dispatch.batch_rows, 1..=3000)?;
    number("dispatch.publishers", dispatch.publishers, 1..=32)?;
    length("dispatch.lease", dispatch.lease, SHORTEST_LEASE..=10 * MINUTE)?;
    length(
        "dispatch.poll_interval",
        dispatch.poll_interval,
        10 * MILLISECOND..=MINUTE,
    )?;
    length(
        "dispatch.recheck_after",
        dispatch.recheck_after,
        Duration::ZERO..=HOUR,
    )?;
    length(
        "localization.reload_interval",
        settings.localization.reload_interval,
        100 * MILLISECOND..=HOUR,
    )?;
    number(
        "quiet.ignore_from_priority",
        settings.quiet.ignore_from_priority,
        0..=5,
    )?;
    length_or_zero(
        "best_time.half_life",
        settings.best_time.half_life,
        DAY..=365 * DAY,
    )?;
    length("retention.sent", retention.sent, HOUR..=3650 * DAY)?;
    length("retention.failed", retention.failed, HOUR..=3650 * DAY)?;
    length("retention.forgotten", retention.forgotten, HOUR..=3650 * DAY)?;
    length("retention.interval", retention.interval, MINUTE..=7 * DAY)?;
    length(
        "shutdown_timeout",
        settings.shutdown_timeout,
        100 * MILLISECOND..=10 * MINUTE,
    )
}

fn caps(caps: &CapSettings) -> Checked {
    number("caps.per_day", caps.per_day, 0..=HIGHEST_CAP)?;
    number("caps.per_window", caps.per_window, 0..=HIGHEST_CAP)?;
    length("caps.window", caps.window, MINUTE..=30 * DAY)?;
    number("caps.ignore_from_priority", caps.ignore_from_priority, 0..=5)?;
    for kind in IncentiveType::ALL {
        let cap = caps.types.of(kind);
        number(
            &format!("caps.types.{kind}.per_day"),
            cap.per_day,
            0..=HIGHEST_CAP,
        )?;
        number(
            &format!("caps.types.{kind}.per_window"),
            cap.per_window,
            0..=HIGHEST_CAP,
        )?;
    }
    Ok(())
}

fn digest(digest: &DigestSettings) -> Checked {
    number("digest.max_parts", digest.max_parts, 2..=200)?;
    number("digest.ignore_from_priority", digest.ignore_from_priority, 0..=5)?;
    for kind in IncentiveType::ALL {
        length_or_zero(
            &format!("digest.windows.{kind}"),
            digest.windows.of(kind),
            SECOND..=DAY,
        )?;
    }
    Ok(())
}

fn number<N: PartialOrd + Copy + fmt::Display>(key: &str, value: N, range: RangeInclusive<N>) -> Checked {
    if range.contains(&value) {
        return Ok(());
    }
    Err(Fault::new(
        key,
        format!("must be {} to {}", range.start(), range.end()),
    ))
}

fn length_or_zero(key: &str, value: Duration, range: RangeInclusive<Duration>) -> Checked {
    if value.is_zero() {
        return Ok(());
    }
    length(key, value, range).map_err(|fault| Fault::new(fault.key, format!("{}, or 0s", fault.reason)))
}

fn length(key: &str, value: Duration, range: RangeInclusive<Duration>) -> Checked {
    if range.contains(&value) {
        return Ok(());
    }
    Err(Fault::new(
        key,
        format!("must be {} to {}", text(*range.start()), text(*range.end())),
    ))
}

/// A name that no reader can have is a slip.
fn segments<R>(section: &str, segments: &BTreeMap<String, R>) -> Checked {
    match segments.keys().find(|name| !is_segment(name)) {
        Some(name) => Err(Fault::new(
            format!("{section}.{name}"),
            format!("the name of a segment must be {SEGMENT}"),
        )),
        None => Ok(()),
    }
}

fn retry(retry: &RetrySettings) -> Checked {
    length(
        "retry.max_interval",
        retry.max_interval,
        100 * MILLISECOND..=30 * DAY,
    )?;
    length("retry.initial", retry.initial, 100 * MILLISECOND..=30 * DAY)?;
    if retry.initial > retry.max_interval {
        let reason = format!(
            "must not be longer than retry.max_interval ({})",
            text(retry.max_interval)
        );
        return Err(Fault::new("retry.initial", reason));
    }
    number("retry.multiplier", retry.multiplier, 1.0..=100.0)?;
    number("retry.jitter", retry.jitter, 0.0..=1.0)?;
    number("retry.max_attempts", retry.max_attempts, 1..=100)
}

fn kafka(kafka: &KafkaSettings) -> Checked {
    for broker in kafka.brokers.split(',') {
        broker_address(broker.trim()).map_err(|reason| Fault::new("kafka.brokers", reason))?;
    }
    name(&kafka.group_id, GROUP_CHARS).map_err(|reason| Fault::new("kafka.group_id", reason))?;
    for (property, value) in kafka.properties.expose() {
        let key = format!("{PROPERTIES}.{property}");
        if property.is_empty() {
            return Err(Fault::new(key, "a property needs a name"));
        }
        properties::decide(property, value).map_err(|reason| Fault::new(key, reason))?;
    }
    let Some(file) = &kafka.oauthbearer_token_file else {
        return Ok(());
    };
    let mechanism = ["sasl.mechanism", "sasl.mechanisms"]
        .iter()
        .find_map(|name| kafka.properties.get(name));
    if mechanism != Some("OAUTHBEARER") {
        let reason =
            "is used with \"sasl.mechanism\" = \"OAUTHBEARER\" in kafka.properties, which is not set";
        return Err(Fault::new("kafka.oauthbearer_token_file", reason));
    }
    std::fs::File::open(file)
        .map(drop)
        .map_err(|error| Fault::new("kafka.oauthbearer_token_file", format!("cannot be read: {error}")))
}

fn broker_address(broker: &str) -> Result<(), String> {
    if broker.contains("://") {
        return Err(
            "must be host:port without a protocol; set \"security.protocol\" in kafka.properties".into(),
        );
    }
    if host_and_port(broker) {
        return Ok(());
    }
    Err("must be host:port, several separated by commas, for example \"kafka-1:9092,kafka-2:9092\"".into())
}

fn host_and_port(address: &str) -> bool {
    address.rsplit_once(':').is_some_and(|(host, port)| {
        let bracketed = host.starts_with('[') && host.ends_with(']') && host.len() > 2;
        let plain = !host.is_empty() && !host.contains(|c: char| c == ':' || c == '@' || c.is_whitespace());
        (bracketed || plain) && port.parse::<u16>().is_ok_and(|port| port != 0)
    })
}

fn topics(topics: &TopicSettings) -> Checked {
    let named = [
        ("events", Some(&topics.events)),
        ("events_dlq", Some(&topics.events_dlq)),
        ("deliveries", Some(&topics.deliveries)),
        ("results", Some(&topics.results)),
        ("results_dlq", Some(&topics.results_dlq)),
        ("preferences", topics.preferences.as_ref()),
        ("preferences_dlq", Some(&topics.preferences_dlq)),
        ("alerts", topics.alerts.as_ref()),
    ];
    let mut taken = BTreeMap::new();
    for (key, topic) in named {
        let Some(topic) = topic else { continue };
        let key = format!("topics.{key}");
        name(topic, TOPIC_CHARS).map_err(|reason| Fault::new(&key, reason))?;
        // Kafka refuses names that differ in `.` and `_` only: its metrics can't tell them apart.
        if let Some((other, same)) = taken.insert(topic.replace('_', "."), (key.clone(), topic)) {
            let alike = if same == topic {
                "the same topic as"
            } else {
                "for Kafka the same name as"
            };
            return Err(Fault::new(key, format!("is {alike} {other}; each needs its own")));
        }
    }
    Ok(())
}

fn name(name: &str, longest: usize) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > longest || name == "." || name == ".." || !name.chars().all(legal) {
        return Err(format!(
            "must be 1 to {longest} letters, digits, \".\", \"_\" and \"-\""
        ));
    }
    Ok(())
}

fn http(http: &HttpSettings) -> Checked {
    for operator in http.tokens.keys() {
        let key = format!("{TOKENS}.{operator}");
        name(operator, OPERATOR_CHARS).map_err(|must| Fault::new(key, format!("the name {must}")))?;
    }
    let fixed = [("http.token", &http.token), ("http.read_token", &http.read_token)];
    let fixed = fixed
        .into_iter()
        .filter_map(|(key, token)| Some((key.to_owned(), token.as_ref()?)));
    let named = http
        .tokens
        .iter()
        .map(|(name, token)| (format!("{TOKENS}.{name}"), token));
    let tokens: Vec<(String, &Secret)> = fixed.chain(named).collect();
    for (index, (key, token)) in tokens.iter().enumerate() {
        let text = token.expose();
        if text.is_empty() || !text.chars().all(|c| c.is_ascii_graphic()) {
            let reason = "must be visible ASCII without spaces, and not empty";
            return Err(Fault::new(key, reason));
        }
        if let Some((other, _)) = tokens[..index].iter().find(|(_, other)| other == token) {
            return Err(Fault::new(key, format!("must not be the same as {other}")));
        }
    }
    let nobody_may_change = http.token.is_none() && http.tokens.is_empty();
    if nobody_may_change && !http.listen.ip().to_canonical().is_loopback() {
        let reason = "others can reach this address: set http.token (or http.token_file) or http.tokens, or listen on \
                      127.0.0.1";
        return Err(Fault::new("http.listen", reason));
    }
    Ok(())
}

/// The path is the protocol's own, and TLS is the collector's business.
fn telemetry(telemetry: &TelemetrySettings) -> Checked {
    let fits = |endpoint: &String| {
        let address = endpoint.strip_prefix("http://");
        let address = address.map(|address| address.strip_suffix('/').unwrap_or(address));
        address.is_some_and(|address| !address.contains('/') && host_and_port(address))
            && endpoint.is_ascii()
            && Url::parse(endpoint).is_ok()
    };
    if telemetry.otlp_endpoint.as_ref().is_none_or(fits) {
        return Ok(());
    }
    Err(Fault::new(
        "telemetry.otlp_endpoint",
        "must be http://host:port of a collector that takes OTLP over HTTP, for example \"http://127.0.0.1:4318\"",
    ))
}

fn directory(key: &str, path: Option<&Path>) -> Checked {
    match path {
        Some(path) if !path.is_dir() => Err(Fault::new(key, "must be a directory that exists")),
        _ => Ok(()),
    }
}

/// A word that is no level would be taken for a target, and everything else would fall silent.
fn level(directives: &str) -> Result<(), String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let wrong = || {
        format!(
            "must be one of {}, or levels by target, for example \"info,inq=debug\"",
            LEVELS.join(", ")
        )
    };
    if directives.trim().is_empty() {
        return Err(wrong());
    }
    for directive in directives.split(',').map(str::trim) {
        if !directive.contains(['=', '[']) && !LEVELS.contains(&directive.to_ascii_lowercase().as_str()) {
            return Err(wrong());
        }
    }
    EnvFilter::builder()
        .with_regex(false)
        .parse(directives)
        .map(drop)
        .map_err(|_| wrong())
}

#[cfg(test)]
mod tests;
