//! What `inq check` looks at in Kafka beyond that it answers: rights, and settings on which the guarantees rest.

use crate::bus::{Cluster, ClusterPolicies, ClusterView, Ledger, Needs};
use crate::config::{Semantics, Settings};
use crate::service::check_id;

use super::check::{Check, LOOK};

/// The topics that the service reads and writes with these settings.
fn needs(settings: &Settings) -> Needs {
    let topics = &settings.topics;
    let mut read = vec![topics.events.clone(), topics.results.clone()];
    let mut write = vec![
        topics.deliveries.clone(),
        topics.events_dlq.clone(),
        topics.results_dlq.clone(),
    ];
    if settings.dispatch.semantics == Semantics::ExactlyOnce {
        // Recovery looks there where Kafka does not tell how a transaction has ended.
        read.push(topics.deliveries.clone());
    }
    if let Some(preferences) = &topics.preferences {
        read.push(preferences.clone());
        write.push(topics.preferences_dlq.clone());
    }
    write.extend(topics.alerts.clone());
    Needs { read, write }
}

/// Tries the rights that the service needs; nothing is changed by it.
pub(super) async fn rights(settings: &Settings, cluster: &Cluster) -> Check {
    if settings.dispatch.semantics == Semantics::AtLeastOnce {
        return Check::new(
            "rights",
            Ok("not tried: dispatch.semantics = \"at_least_once\"".to_owned()),
        );
    }
    let queue = &settings.kafka.group_id;
    let ledger = Ledger::new(cluster.clone(), settings.topics.deliveries.clone(), queue.clone());
    let (missing, useful) = match ledger.missing_rights(needs(settings), check_id(queue)).await {
        Ok(found) => found,
        Err(error) => return Check::new("rights", Err(error.to_string())),
    };
    let user = settings.kafka.properties.get("sasl.username").unwrap_or("NAME");
    let all = |rights: &[crate::bus::MissingRight]| {
        let rights: Vec<_> = rights
            .iter()
            .map(|right| {
                format!(
                    "our user lacks {right}: {}",
                    right.remedy(cluster.brokers(), user)
                )
            })
            .collect();
        rights.join("; ")
    };
    if !missing.is_empty() {
        return Check::new("rights", Err(all(&missing)));
    }
    let check = Check::new(
        "rights",
        Ok("our user may do all that the service does".to_owned()),
    );
    match useful {
        None => check,
        Some(right) => check.warning(format!(
            "{}; without it the groups of publishers stay until Kafka forgets them",
            all(&[right])
        )),
    }
}

/// The settings of the brokers and of the topics.
pub(super) async fn policies(settings: &Settings, cluster: &Cluster, view: &ClusterView) -> Check {
    let Needs { mut read, write } = needs(settings);
    read.extend(write);
    read.sort_unstable();
    read.dedup();
    let policies: ClusterPolicies = match cluster.policies(view, read, LOOK).await {
        Ok(policies) => policies,
        Err(error) => {
            return Check::new("safety", Ok("looked at".to_owned()))
                .warning(format!("the settings of the cluster are not known: {error}"));
        }
    };
    let faults = policies.faults(settings.topics.preferences.as_deref());
    if !faults.is_empty() {
        return Check::new("safety", Err(faults.join("; ")));
    }
    policies.warnings().into_iter().fold(
        Check::new(
            "safety",
            Ok("the settings of brokers and topics were looked at".to_owned()),
        ),
        Check::warning,
    )
}
