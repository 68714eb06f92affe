//! Every setting as a type. The defaults stand in `default.toml` and nowhere else, hence no `Default`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use chrono::NaiveTime;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{DatabaseUrl, KafkaProperties, Secret};
use super::{choice, duration};
use crate::contract::{IncentiveType, Priority};

/// Where the rows are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `mysql://`, `mariadb://` or `sqlite://`, checked; shown without its password.
    pub url: DatabaseUrl,
    /// The file that `url` was read from, if any.
    pub url_file: Option<PathBuf>,
    /// Connections in the pool, at most 1000; 0: as many as what runs needs.
    pub max_connections: u32,
}

/// Where the topics are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaSettings {
    /// `host:port`, several separated by commas.
    pub brokers: String,
    /// The consumer group, and the start of the ledger group's name; a legal Kafka name of 1 to 200 characters.
    pub group_id: String,
    /// The file with the token for SASL OAUTHBEARER, to be read again for each new token.
    pub oauthbearer_token_file: Option<PathBuf>,
    /// Any librdkafka property that the program doesn't govern; `<property>_file` has been read already.
    pub properties: KafkaProperties,
}

/// The names of the topics; legal and all different.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicSettings {
    /// Incentive events, read.
    pub events: String,
    /// Events that could not be used, written.
    pub events_dlq: String,
    /// Delivery requests, written.
    pub deliveries: String,
    /// Delivery results, read.
    pub results: String,
    /// Results that could not be used, written.
    pub results_dlq: String,
    /// What readers say of themselves, read; `None`: nothing is read.
    pub preferences: Option<String>,
    /// What of it could not be used, written.
    pub preferences_dlq: String,
    /// Critical failures, written; `None`: not written.
    pub alerts: Option<String>,
}

/// How events become rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestSettings {
    /// Events in a batch at most; 1 to 10,000.
    pub batch_rows: u32,
    /// How long the first event of a batch waits for others; 1 ms to 10 s.
    #[serde(with = "duration")]
    pub batch_wait: Duration,
    /// Bytes of the largest event that is read; 1 KiB to 16 MiB.
    pub max_event_bytes: u32,
}

/// The shortest lease of a claim.
pub const SHORTEST_LEASE: Duration = Duration::from_secs(5);

/// How rows become delivery requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DispatchSettings {
    /// Rows in a claim at most; 1 to 3,000.
    pub batch_rows: u32,
    /// Publishers in this process; 1 to 32.
    pub publishers: u32,
    /// After so long others recover a claim; 5 s to 10 min. Kafka's `transaction.timeout.ms` is derived
    /// from it.
    #[serde(with = "duration")]
    pub lease: Duration,
    /// The longest an idle dispatcher sleeps; 10 ms to 1 min. It bounds the delay of rows that other
    /// processes insert.
    #[serde(with = "duration")]
    pub poll_interval: Duration,
    /// Rules that were evaluated longer ago are evaluated again right before a notification is published; 0 to 1 h.
    #[serde(with = "duration")]
    pub recheck_after: Duration,
    /// What a crash may do to a batch.
    pub semantics: Semantics,
}

/// What is promised of a delivery request when something fails in the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Semantics {
    /// It is published once: claim, Kafka transaction, ledger.
    ExactlyOnce,
    /// It is published, perhaps again; for brokers without transactions.
    AtLeastOnce,
}

impl<'de> Deserialize<'de> for Semantics {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let words = [
            ("exactly_once", Self::ExactlyOnce),
            ("at_least_once", Self::AtLeastOnce),
        ];
        choice::read(from, &words)
    }
}

/// When a failed delivery is tried again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetrySettings {
    /// The delay after the first attempt; 100 ms to `max_interval`.
    #[serde(with = "duration")]
    pub initial: Duration,
    /// By what each further delay is longer; 1 to 100.
    pub multiplier: f64,
    /// The longest delay before jitter; `initial` to 30 d.
    #[serde(with = "duration")]
    pub max_interval: Duration,
    /// By which fraction a delay is varied at random; 0 to 1.
    pub jitter: f64,
    /// Attempts in all, the first included; 1 to 100.
    pub max_attempts: u32,
}

/// What an event gets that does not say it itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultSettings {
    /// For [`IncentiveType::AchievementReward`].
    pub achievement_reward: TypeDefaults,
    /// For [`IncentiveType::PointEarning`].
    pub point_earning: TypeDefaults,
    /// For [`IncentiveType::ChallengeCompletion`].
    pub challenge_completion: TypeDefaults,
    /// For [`IncentiveType::BonusOpportunity`].
    pub bonus_opportunity: TypeDefaults,
    /// For [`IncentiveType::StreakReward`].
    pub streak_reward: TypeDefaults,
    /// For [`IncentiveType::ReferralBonus`].
    pub referral_bonus: TypeDefaults,
}

impl DefaultSettings {
    /// The defaults of a type.
    #[must_use]
    pub fn of(&self, kind: IncentiveType) -> TypeDefaults {
        match kind {
            IncentiveType::AchievementReward => self.achievement_reward,
            IncentiveType::PointEarning => self.point_earning,
            IncentiveType::ChallengeCompletion => self.challenge_completion,
            IncentiveType::BonusOpportunity => self.bonus_opportunity,
            IncentiveType::StreakReward => self.streak_reward,
            IncentiveType::ReferralBonus => self.referral_bonus,
        }
    }
}

/// The defaults of one incentive type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeDefaults {
    /// The notification service's code; 0 to 2,147,483,647.
    pub notification_type: i32,
    /// 0 to 4.
    pub priority: Priority,
}

/// When readers open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BestTimeSettings {
    /// After so long an opening counts for half; 1 d to 365 d, or zero: nothing is learned.
    #[serde(with = "duration")]
    pub half_life: Duration,
}

/// The words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalizationSettings {
    /// The language of who has none that a catalogue knows; a well-formed BCP 47 tag.
    pub fallback: String,
    /// Catalogues that stand before the built-in ones; a directory that exists.
    pub dir: Option<PathBuf>,
    /// How long from one look at `dir` for changes to the next; 100 ms to 1 h.
    #[serde(with = "duration")]
    pub reload_interval: Duration,
}

/// How long notifications are kept after their end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionSettings {
    /// What was sent; 1 h to 3650 d.
    #[serde(with = "duration")]
    pub sent: Duration,
    /// What failed for good; 1 h to 3650 d.
    #[serde(with = "duration")]
    pub failed: Duration,
    /// Where notifications are written before they are deleted, a directory that exists; `None`: nowhere.
    pub archive: Option<PathBuf>,
    /// How long it is remembered who was forgotten; 1 h to 3650 d.
    #[serde(with = "duration")]
    pub forgotten: Duration,
    /// How long from one look for them to the next; 1 min to 7 d.
    #[serde(with = "duration")]
    pub interval: Duration,
    /// The time of the day, in UTC, at which they are looked for instead; written as `HH:MM`.
    #[serde(
        default,
        serialize_with = "write_time_of_day",
        deserialize_with = "time_of_day"
    )]
    pub at: Option<NaiveTime>,
}

const TIME_OF_DAY: &str = "%H:%M";

#[allow(clippy::ref_option)] // the signature is serde's
fn write_time_of_day<S: Serializer>(time: &Option<NaiveTime>, to: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => to.serialize_str(&time.format(TIME_OF_DAY).to_string()),
        None => to.serialize_none(),
    }
}

fn time_of_day<'de, D: Deserializer<'de>>(from: D) -> Result<Option<NaiveTime>, D::Error> {
    let Some(text) = Option::<String>::deserialize(from)? else {
        return Ok(None);
    };
    NaiveTime::parse_from_str(&text, TIME_OF_DAY)
        .map(Some)
        .map_err(|_| D::Error::custom("must be a time of the day in UTC, for example \"03:00\""))
}

/// Health, metrics, the API and the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    /// Anything but loopback comes with a `token`.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// Who has it may look and change; visible ASCII, not empty. `None`: nobody is asked.
    pub token: Option<Secret>,
    /// The file that `token` was read from, if any.
    pub token_file: Option<PathBuf>,
    /// Who has it may look; another than `token`.
    pub read_token: Option<Secret>,
    /// The file that `read_token` was read from, if any.
    pub read_token_file: Option<PathBuf>,
    /// By the operator's name, of 1 to 32 characters: who has it may look and change under that name. All tokens are
    /// different.
    pub tokens: BTreeMap<String, Secret>,
}

fn address<'de, D: Deserializer<'de>>(from: D) -> Result<SocketAddr, D::Error> {
    String::deserialize(from)?.parse().map_err(|_| {
        D::Error::custom("must be an address and a port, for example \"127.0.0.1:8080\" or \"[::1]:8080\"")
    })
}

/// What is logged, to standard error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// A level, or levels by target (`info,inq=debug`); checked.
    pub level: String,
    /// How a line looks.
    pub format: LogFormat,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text, coloured where standard error is a terminal.
    Auto,
    /// Text without colours.
    Text,
    /// One JSON object a line.
    Json,
}

impl<'de> Deserialize<'de> for LogFormat {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let words = [("auto", Self::Auto), ("text", Self::Text), ("json", Self::Json)];
        choice::read(from, &words)
    }
}

/// Where traces go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetrySettings {
    /// A collector that takes OTLP over HTTP, `http://host:port`; `None`: no traces are sent.
    pub otlp_endpoint: Option<String>,
}
