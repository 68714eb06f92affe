//! librdkafka's own properties, handed through: which are ours alone, and which are secret.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use super::secret::HIDDEN;

/// Properties that the program governs, because its promises rest on them, and what to do instead.
const GOVERNED: &[(&str, &str)] = &[
    ("bootstrap.servers", "set kafka.brokers"),
    ("metadata.broker.list", "set kafka.brokers"),
    ("group.id", "set kafka.group_id"),
    (
        "group.instance.id",
        "the consumers of events, results and preferences are members of one group, and members of one name shut each other out",
    ),
    ("transaction.timeout.ms", "it follows from dispatch.lease"),
    ("message.timeout.ms", "it follows from dispatch.lease"),
    ("delivery.timeout.ms", "it follows from dispatch.lease"),
    (
        "transactional.id",
        "each publisher has its own; see dispatch.semantics",
    ),
    ("enable.idempotence", "it is always on; see dispatch.semantics"),
    ("acks", "a record counts when all in-sync replicas have it"),
    (
        "request.required.acks",
        "a record counts when all in-sync replicas have it",
    ),
    ("retries", "a record is sent again until its time is up"),
    (
        "message.send.max.retries",
        "a record is sent again until its time is up",
    ),
    ("queuing.strategy", "records keep their order"),
    (
        "delivery.report.only.error",
        "the program waits for the report of each record",
    ),
    (
        "enable.auto.commit",
        "an offset is committed when its row is durable",
    ),
    (
        "auto.commit.enable",
        "an offset is committed when its row is durable",
    ),
    (
        "auto.commit.interval.ms",
        "an offset is committed when its row is durable",
    ),
    (
        "enable.auto.offset.store",
        "an offset is committed when its row is durable",
    ),
    (
        "auto.offset.reset",
        "a partition without an offset is read from its beginning, or the first events of a new partition would be lost; only `earliest` is taken",
    ),
    ("offset.store.method", "offsets are kept by the broker"),
    ("offset.store.path", "offsets are kept by the broker"),
    ("offset.store.sync.interval.ms", "offsets are kept by the broker"),
    ("isolation.level", "aborted records are never read"),
    ("partition.assignment.strategy", "rebalancing is cooperative"),
    ("group.protocol", "rebalancing is cooperative"),
    ("group.protocol.type", "rebalancing is cooperative"),
    ("group.remote.assignor", "rebalancing is cooperative"),
    ("enable.partition.eof", "the consumer needs it as it is"),
    (
        "enable.gapless.guarantee",
        "nothing is given up after a gap; transactions see to it",
    ),
    (
        "consume.callback.max.messages",
        "the program reads without callbacks",
    ),
    (
        "log_level",
        "set log.level; the program itself reads librdkafka's warnings",
    ),
    ("log.queue", "the program itself reads librdkafka's log"),
    ("statistics.interval.ms", "nothing reads them; see /metrics"),
    ("topic.blacklist", "the topics are named in [topics]"),
    (
        "enable.sasl.oauthbearer.unsecure.jwt",
        "tokens come from kafka.oauthbearer_token_file",
    ),
    (
        "plugin.library.paths",
        "no foreign code is loaded into the service",
    ),
    ("interceptors", "no foreign code is loaded into the service"),
    ("internal.termination.signal", "signals belong to the program"),
    ("builtin.features", "it only tells what librdkafka was built with"),
    ("ssl_key", "set ssl.key.pem or ssl.key.location"),
    (
        "ssl_certificate",
        "set ssl.certificate.pem or ssl.certificate.location",
    ),
    ("ssl_ca", "set ssl.ca.pem or ssl.ca.location"),
    ("enabled_events", "it is set in a program, not by text"),
    ("opaque", "it is set in a program, not by text"),
    ("default_topic_conf", "it is set in a program, not by text"),
    ("ssl_engine_callback_data", "it is set in a program, not by text"),
    ("ssl.certificate.verify_cb", "it is set in a program, not by text"),
    ("msg_order_cmp", "it is set in a program, not by text"),
    ("error_cb", "it is set in a program, not by text"),
    ("throttle_cb", "it is set in a program, not by text"),
    ("stats_cb", "it is set in a program, not by text"),
    ("log_cb", "it is set in a program, not by text"),
    ("background_event_cb", "it is set in a program, not by text"),
    ("socket_cb", "it is set in a program, not by text"),
    ("connect_cb", "it is set in a program, not by text"),
    ("closesocket_cb", "it is set in a program, not by text"),
    ("open_cb", "it is set in a program, not by text"),
    ("resolve_cb", "it is set in a program, not by text"),
    (
        "oauthbearer_token_refresh_cb",
        "it is set in a program, not by text",
    ),
    ("consume_cb", "it is set in a program, not by text"),
    ("rebalance_cb", "it is set in a program, not by text"),
    ("offset_commit_cb", "it is set in a program, not by text"),
    ("dr_cb", "it is set in a program, not by text"),
    ("dr_msg_cb", "it is set in a program, not by text"),
    ("partitioner_cb", "it is set in a program, not by text"),
    ("test.mock.num.brokers", "`inq dev` has a broker of its own"),
    ("test.mock.broker.rtt", "`inq dev` has a broker of its own"),
];

/// Every other property of librdkafka 2.12: what it does, it does for each client alike.
const ALLOWED: &[&str] = &[
    "allow.auto.create.topics",
    "api.version.fallback.ms",
    "api.version.request",
    "api.version.request.timeout.ms",
    "batch.num.messages",
    "batch.size",
    "broker.address.family",
    "broker.address.ttl",
    "broker.version.fallback",
    "check.crcs",
    "client.dns.lookup",
    "client.id",
    "client.rack",
    "compression.codec",
    "compression.level",
    "compression.type",
    "connections.max.idle.ms",
    "coordinator.query.interval.ms",
    "debug",
    "enable.metrics.push",
    "enable.random.seed",
    "enable.ssl.certificate.verification",
    "fetch.error.backoff.ms",
    "fetch.max.bytes",
    "fetch.message.max.bytes",
    "fetch.min.bytes",
    "fetch.queue.backoff.ms",
    "fetch.wait.max.ms",
    "heartbeat.interval.ms",
    "https.ca.location",
    "https.ca.pem",
    "linger.ms",
    "log.connection.close",
    "log.thread.name",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "max.partition.fetch.bytes",
    "max.poll.interval.ms",
    "message.copy.max.bytes",
    "message.max.bytes",
    "metadata.max.age.ms",
    "metadata.recovery.rebootstrap.trigger.ms",
    "metadata.recovery.strategy",
    "partitioner",
    "produce.offset.report",
    "queue.buffering.backpressure.threshold",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "queue.buffering.max.ms",
    "queued.max.messages.kbytes",
    "queued.min.messages",
    "receive.message.max.bytes",
    "reconnect.backoff.jitter.ms",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "request.timeout.ms",
    "retry.backoff.max.ms",
    "retry.backoff.ms",
    "sasl.kerberos.keytab",
    "sasl.kerberos.kinit.cmd",
    "sasl.kerberos.min.time.before.relogin",
    "sasl.kerberos.principal",
    "sasl.kerberos.service.name",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.oauthbearer.assertion.algorithm",
    "sasl.oauthbearer.assertion.claim.aud",
    "sasl.oauthbearer.assertion.claim.exp.seconds",
    "sasl.oauthbearer.assertion.claim.iss",
    "sasl.oauthbearer.assertion.claim.jti.include",
    "sasl.oauthbearer.assertion.claim.nbf.seconds",
    "sasl.oauthbearer.assertion.claim.sub",
    "sasl.oauthbearer.assertion.file",
    "sasl.oauthbearer.assertion.jwt.template.file",
    "sasl.oauthbearer.assertion.private.key.file",
    "sasl.oauthbearer.assertion.private.key.passphrase",
    "sasl.oauthbearer.assertion.private.key.pem",
    "sasl.oauthbearer.client.credentials.client.id",
    "sasl.oauthbearer.client.credentials.client.secret",
    "sasl.oauthbearer.client.id",
    "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.config",
    "sasl.oauthbearer.extensions",
    "sasl.oauthbearer.grant.type",
    "sasl.oauthbearer.metadata.authentication.type",
    "sasl.oauthbearer.method",
    "sasl.oauthbearer.scope",
    "sasl.oauthbearer.token.endpoint.url",
    "sasl.password",
    "sasl.username",
    "security.protocol",
    "session.timeout.ms",
    "socket.blocking.max.ms",
    "socket.connection.setup.timeout.ms",
    "socket.keepalive.enable",
    "socket.max.fails",
    "socket.nagle.disable",
    "socket.receive.buffer.bytes",
    "socket.send.buffer.bytes",
    "socket.timeout.ms",
    "ssl.ca.certificate.stores",
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.certificate.location",
    "ssl.certificate.pem",
    "ssl.cipher.suites",
    "ssl.crl.location",
    "ssl.curves.list",
    "ssl.endpoint.identification.algorithm",
    "ssl.engine.id",
    "ssl.engine.location",
    "ssl.key.location",
    "ssl.key.password",
    "ssl.key.pem",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.providers",
    "ssl.sigalgs.list",
    "sticky.partitioning.linger.ms",
    "topic.metadata.propagation.max.ms",
    "topic.metadata.refresh.fast.cnt",
    "topic.metadata.refresh.fast.interval.ms",
    "topic.metadata.refresh.interval.ms",
    "topic.metadata.refresh.sparse",
];

/// librdkafka properties by name. Their secrets print and serialise as `***`.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct KafkaProperties(BTreeMap<String, String>);

impl KafkaProperties {
    /// Name and value of each, secrets included, for a Kafka client's configuration.
    pub fn expose(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of one, secret or not.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn shown(&self) -> BTreeMap<&str, &str> {
        self.expose()
            .map(|(name, value)| (name, if is_secret(name, value) { HIDDEN } else { value }))
            .collect()
    }
}

impl fmt::Debug for KafkaProperties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown().fmt(f)
    }
}

impl Serialize for KafkaProperties {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.shown().serialize(to)
    }
}

/// Whether a property may be set to that value.
///
/// # Errors
/// With the reason, and what to do instead.
pub(super) fn decide(name: &str, value: &str) -> Result<(), String> {
    const FROM_THE_BEGINNING: [&str; 3] = ["earliest", "smallest", "beginning"];
    if name == "auto.offset.reset" && FROM_THE_BEGINNING.contains(&value) {
        return Ok(());
    }
    if let Some((_, instead)) = GOVERNED.iter().find(|(governed, _)| *governed == name) {
        return Err(format!("is governed by the program: {instead}"));
    }
    if ALLOWED.contains(&name) {
        return Ok(());
    }
    Err("librdkafka 2.12 has no such property".to_owned())
}

/// Whether a property's value is kept from logs: a guess by its name, on the safe side.
pub(super) fn is_secret(name: &str, value: &str) -> bool {
    if name.ends_with("_file") {
        return false;
    }
    let secret_name = [
        "password",
        "secret",
        "passphrase",
        "credential",
        "key.pem",
        "jwt",
        "jaas",
        "oauthbearer.config",
        "oauthbearer.extensions",
    ]
    .iter()
    .any(|part| name.contains(part));
    let login_in_url = value.contains("://") && value.contains('@');
    let token = name.contains("token") && !name.contains("token.endpoint");
    secret_name || login_in_url || token
}

/// The property that the end of a variable's name stands for, lower-cased: librdkafka's names have dots
/// and no underscores, but for our suffix `_file`.
pub(super) fn from_variable(name: &str) -> String {
    let dotted = name.replace('_', ".");
    // These are files to librdkafka itself.
    let own_file = dotted.starts_with("sasl.oauthbearer.assertion.");
    match dotted.strip_suffix(".file") {
        Some(property) if !own_file => format!("{property}_file"),
        _ => dotted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_properties_are_shown() {
        let properties = KafkaProperties(
            [
                ("sasl.password", "hunter2"),
                ("ssl.key.password", "hunter2"),
                ("ssl.key.pem", "hunter2"),
                ("sasl.oauthbearer.client.secret", "hunter2"),
                ("sasl.oauthbearer.config", "hunter2"),
                ("sasl.oauthbearer.assertion.private.key.passphrase", "hunter2"),
                (
                    "sasl.oauthbearer.token.endpoint.url",
                    "https://me:hunter2@idp/token",
                ),
                ("sasl.username", "inq"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        );
        let shown = format!("{properties:?} {}", serde_json::to_string(&properties).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains(r#""sasl.username":"inq""#), "{shown}");
        assert_eq!(properties.get("sasl.password"), Some("hunter2"));
    }

    #[test]
    fn what_is_not_secret_is_shown() {
        assert!(!is_secret(
            "sasl.oauthbearer.token.endpoint.url",
            "https://idp/token"
        ));
        assert!(!is_secret("sasl.password_file", "/run/secrets/kafka"));
        assert!(!is_secret("ssl.ca.pem", "-----BEGIN CERTIFICATE-----"));
    }

    #[test]
    fn every_property_is_decided_once() {
        let mut names: Vec<&str> = GOVERNED.iter().map(|(name, _)| *name).collect();
        names.extend(ALLOWED);
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for name in names {
            let decided = decide(name, "x").err();
            assert!(decided.is_none_or(|why| why.starts_with("is governed")), "{name}");
        }
        assert_eq!(decide("auto.offset.reset", "earliest"), Ok(()));
        assert!(decide("auto.offset.reset", "latest").is_err());
        assert!(decide("no.such.thing", "x").is_err());
    }

    /// librdkafka itself is asked: the list above must not fall behind it, nor name what it does not have.
    #[test]
    fn librdkafka_knows_what_is_allowed() {
        // A build for a machine without them refuses their values, not their names.
        let unknown: Vec<_> = ALLOWED
            .iter()
            .filter(|name| !crate::bus::has_property(name))
            .collect();
        assert_eq!(unknown, Vec::<&&str>::new());
    }

    #[test]
    fn a_variable_has_underscores_for_dots() {
        assert_eq!(from_variable("sasl_mechanism"), "sasl.mechanism");
        assert_eq!(from_variable("sasl_password_file"), "sasl.password_file");
        assert_eq!(
            from_variable("sasl_oauthbearer_assertion_file"),
            "sasl.oauthbearer.assertion.file"
        );
    }
}
