//! What the cluster tells of its settings, and the end of groups that nobody needs any more.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, ConfigResource, OwnedResourceSpecifier, ResourceSpecifier};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::runtime::Handle;

use super::context::Context;
use super::{BusError, Cluster, ClusterView, blocking};

/// A ledger is written again every hour; offsets that are kept for less than a day do not outlive an outage.
const LEAST_OFFSETS_RETENTION_MINUTES: i64 = 24 * 60;
/// Kafka's own topics in which transactions and offsets are kept.
const INTERNAL: [&str; 2] = ["__consumer_offsets", "__transaction_state"];

/// The settings of topics and of the brokers on which the guarantees rest, as the cluster tells them.
#[derive(Clone, Debug, Default)]
pub struct ClusterPolicies {
    /// By topic: its settings, by name; or why they are not known.
    topics: BTreeMap<String, Result<Settings, RDKafkaErrorCode>>,
    /// Those of one broker.
    broker: Option<Result<Settings, RDKafkaErrorCode>>,
    /// By topic: how many brokers have each record.
    replicas: BTreeMap<String, usize>,
}

type Settings = BTreeMap<String, String>;

impl Cluster {
    /// Asks for the settings of these topics and of a broker.
    ///
    /// # Errors
    /// If nobody answers within `patience`.
    pub async fn policies(
        &self,
        view: &ClusterView,
        topics: Vec<String>,
        patience: Duration,
    ) -> Result<ClusterPolicies, BusError> {
        let broker_id = view.broker_ids.first().copied();
        let replicas = topics
            .iter()
            .map(String::as_str)
            .chain(INTERNAL)
            .filter_map(|topic| Some((topic.to_owned(), *view.replicas.get(topic)?)))
            .collect();
        let (cluster, runtime) = (self.clone(), Handle::current());
        blocking(move || {
            let admin = cluster.admin()?;
            let options = AdminOptions::new().request_timeout(Some(patience));
            let mut policies = ClusterPolicies {
                replicas,
                ..ClusterPolicies::default()
            };
            for topic in topics {
                let asked = [ResourceSpecifier::Topic(&topic)];
                let answer = runtime.block_on(admin.describe_configs(&asked, &options));
                let settings = settings_of(answer)?;
                policies.topics.insert(topic, settings);
            }
            if let Some(id) = broker_id {
                let asked = [ResourceSpecifier::Broker(id)];
                let answer = runtime.block_on(admin.describe_configs(&asked, &options));
                policies.broker = Some(settings_of(answer)?);
            }
            Ok(policies)
        })
        .await
    }

    /// Deletes a consumer group that has no member. One that there is not is no error.
    ///
    /// # Errors
    /// If the brokers are away or refuse us.
    pub(super) fn delete_group(
        &self,
        group: &str,
        patience: Duration,
        runtime: &Handle,
    ) -> Result<(), BusError> {
        let admin = self.admin()?;
        let options = AdminOptions::new().request_timeout(Some(patience));
        let deleted = runtime.block_on(admin.delete_groups(&[group], &options));
        let failed = match deleted {
            Ok(groups) => groups
                .into_iter()
                .find_map(|group| group.err().map(|(_, code)| code)),
            Err(error) => return Err(BusError::from_kafka(&error)),
        };
        match failed {
            None | Some(RDKafkaErrorCode::GroupIdNotFound) => Ok(()),
            Some(code) => Err(BusError::from_kafka(&KafkaError::AdminOp(code))),
        }
    }

    pub(super) fn admin(&self) -> Result<AdminClient<Context>, BusError> {
        self.client_config(&[])
            .create_with_context(self.context())
            .map_err(|error| BusError::from_kafka(&error))
    }
}

type Described = Result<Vec<Result<ConfigResource, RDKafkaErrorCode>>, KafkaError>;

/// The settings of the one resource that was asked for.
fn settings_of(answer: Described) -> Result<Result<Settings, RDKafkaErrorCode>, BusError> {
    let resource = answer
        .map_err(|error| BusError::from_kafka(&error))?
        .into_iter()
        .next()
        .ok_or_else(|| BusError::Away("the broker does not tell its settings".to_owned()))?;
    Ok(resource.map(|ConfigResource { specifier, entries }| {
        debug_assert!(!matches!(specifier, OwnedResourceSpecifier::Group(_)));
        entries
            .into_iter()
            .filter_map(|entry| Some((entry.name, entry.value?)))
            .collect()
    }))
}

fn number(settings: &Settings, name: &str) -> Option<i64> {
    settings.get(name)?.parse().ok()
}

impl ClusterPolicies {
    /// Topics that lose records by their settings, however well the brokers do: each with what to do. A topic in
    /// `may_compact` holds the newest of each key and nothing else.
    #[must_use]
    pub fn faults(&self, may_compact: Option<&str>) -> Vec<String> {
        let known = self.topics.iter().filter_map(|(topic, settings)| {
            let policy = settings.as_ref().ok()?.get("cleanup.policy")?;
            (policy.contains("compact") && Some(topic.as_str()) != may_compact).then_some(topic)
        });
        known
            .map(|topic| {
                format!(
                    "the topic {topic} is compacted (cleanup.policy): Kafka deletes all but the newest record of a key, \
                     read or not: kafka-configs.sh --alter --topic {topic} --add-config cleanup.policy=delete"
                )
            })
            .collect()
    }

    /// What a failing broker could take away, each with what to do.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let single: Vec<&str> = self
            .replicas
            .iter()
            .filter(|(_, replicas)| **replicas < 2)
            .map(|(topic, _)| topic.as_str())
            .collect();
        if !single.is_empty() {
            warnings.push(format!(
                "one broker alone has {}: what it loses is lost. Make topics with --replication-factor 3 (Kafka's own \
                 with offsets.topic.replication.factor and transaction.state.log.replication.factor)",
                single.join(", ")
            ));
        }
        for (topic, settings) in &self.topics {
            match settings {
                Ok(settings) => self.warn_of_topic(topic, settings, &mut warnings),
                Err(code) => warnings.push(format!(
                    "the settings of the topic {topic} are not known ({code}): give our user DescribeConfigs on it"
                )),
            }
        }
        match &self.broker {
            Some(Ok(settings)) => warn_of_broker(settings, &mut warnings),
            Some(Err(code)) => warnings.push(format!(
                "the broker's settings are not known ({code}): give our user DescribeConfigs on the cluster, or look at \
                 offsets.retention.minutes yourself"
            )),
            None => {}
        }
        warnings
    }

    fn warn_of_topic(&self, topic: &str, settings: &Settings, warnings: &mut Vec<String>) {
        let replicas = self.replicas.get(topic).copied().unwrap_or(1);
        let replicas = i64::try_from(replicas).unwrap_or(i64::MAX);
        match number(settings, "min.insync.replicas") {
            Some(in_sync) if in_sync < 2 && replicas > 1 => warnings.push(format!(
                "a record of the topic {topic} counts as written when one broker has it: kafka-configs.sh --alter \
                 --topic {topic} --add-config min.insync.replicas=2"
            )),
            Some(in_sync) if in_sync >= replicas && replicas > 1 => warnings.push(format!(
                "the topic {topic} takes nothing while one broker is away (min.insync.replicas = {in_sync}, {replicas} \
                 replicas): set min.insync.replicas={}",
                replicas - 1
            )),
            _ => {}
        }
        if settings
            .get("unclean.leader.election.enable")
            .is_some_and(|on| on == "true")
        {
            warnings.push(format!(
                "a broker that lacks records may become the leader of the topic {topic}: kafka-configs.sh --alter \
                 --topic {topic} --add-config unclean.leader.election.enable=false"
            ));
        }
    }
}

fn warn_of_broker(settings: &Settings, warnings: &mut Vec<String>) {
    if let Some(minutes) = number(settings, "offsets.retention.minutes")
        && minutes < LEAST_OFFSETS_RETENTION_MINUTES
    {
        warnings.push(format!(
            "Kafka forgets the offsets of a group without members after {minutes} minutes: claims that are open when all \
             instances are down for longer end in doubt, and events are read again. Set offsets.retention.minutes to \
             {LEAST_OFFSETS_RETENTION_MINUTES} or more on the brokers"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policies(replicas: usize, topic: &[(&str, &str)], broker: &[(&str, &str)]) -> ClusterPolicies {
        let settings = |all: &[(&str, &str)]| {
            all.iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect::<Settings>()
        };
        ClusterPolicies {
            topics: BTreeMap::from([("events".to_owned(), Ok(settings(topic)))]),
            broker: Some(Ok(settings(broker))),
            replicas: BTreeMap::from([("events".to_owned(), replicas)]),
        }
    }

    #[test]
    fn a_safe_cluster_is_not_warned_of() {
        let topic = [("cleanup.policy", "delete"), ("min.insync.replicas", "2")];
        let safe = policies(3, &topic, &[("offsets.retention.minutes", "10080")]);
        assert_eq!(safe.faults(None), Vec::<String>::new());
        assert_eq!(safe.warnings(), Vec::<String>::new());
    }

    #[test]
    fn each_risk_is_named_with_its_remedy() {
        for (policies, remedy) in [
            (policies(1, &[], &[]), "--replication-factor 3"),
            (
                policies(3, &[("min.insync.replicas", "1")], &[]),
                "min.insync.replicas=2",
            ),
            (
                policies(2, &[("min.insync.replicas", "2")], &[]),
                "min.insync.replicas=1",
            ),
            (
                policies(3, &[("unclean.leader.election.enable", "true")], &[]),
                "unclean.leader.election.enable=false",
            ),
            (
                policies(3, &[], &[("offsets.retention.minutes", "60")]),
                "offsets.retention.minutes to 1440",
            ),
        ] {
            let warnings = policies.warnings();
            assert_eq!(warnings.len(), 1, "{warnings:?}");
            assert!(warnings[0].contains(remedy), "{warnings:?}");
        }
    }

    #[test]
    fn a_compacted_topic_loses_records_unless_it_holds_the_newest_of_each_key() {
        let compacted = policies(3, &[("cleanup.policy", "compact,delete")], &[]);
        assert!(compacted.faults(None)[0].contains("cleanup.policy=delete"));
        assert_eq!(compacted.faults(Some("events")), Vec::<String>::new());
    }

    #[test]
    fn settings_that_are_not_shown_name_the_right_that_is_missing() {
        let mut hidden = policies(3, &[], &[]);
        let refused = RDKafkaErrorCode::TopicAuthorizationFailed;
        hidden.topics.insert("events".to_owned(), Err(refused));
        assert!(hidden.warnings()[0].contains("DescribeConfigs"), "{hidden:?}");
    }
}
