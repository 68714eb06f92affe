//! librdkafka's own properties, handed through: which are ours alone, and which are secret.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use super::secret::HIDDEN;

/// Properties that the program governs, because its promises rest on them, and what to do instead.
const GOVERNED: [(&str, &str); 22] = [
    ("bootstrap.servers", "set kafka.brokers"),
    ("metadata.broker.list", "set kafka.brokers"),
    ("group.id", "set kafka.group_id"),
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
    ("offset.store.method", "offsets are kept by the broker"),
    ("isolation.level", "aborted records are never read"),
    ("partition.assignment.strategy", "rebalancing is cooperative"),
    ("group.protocol", "rebalancing is cooperative"),
    ("group.remote.assignor", "rebalancing is cooperative"),
    ("enable.partition.eof", "the consumer needs it as it is"),
    (
        "enable.gapless.guarantee",
        "nothing is given up after a gap; transactions see to it",
    ),
    ("test.mock.num.brokers", "`inq dev` has a broker of its own"),
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

/// What to do instead of setting a property that the program governs.
pub(super) fn governed(name: &str) -> Option<&'static str> {
    GOVERNED
        .iter()
        .find(|(governed, _)| *governed == name)
        .map(|(_, instead)| *instead)
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
    fn a_variable_has_underscores_for_dots() {
        assert_eq!(from_variable("sasl_mechanism"), "sasl.mechanism");
        assert_eq!(from_variable("sasl_password_file"), "sasl.password_file");
        assert_eq!(
            from_variable("sasl_oauthbearer_assertion_file"),
            "sasl.oauthbearer.assertion.file"
        );
    }
}
