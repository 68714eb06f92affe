//! The words follow the directory of catalogues.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::localize::{Reload, Words};
use crate::measures;

/// Looks at the directory every `interval` until `stop`.
pub(super) async fn keep_up(words: Arc<Words>, interval: Duration, stop: CancellationToken) {
    let mut looks = tokio::time::interval(interval);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(looks.tick()).await.is_some() {
        let words = Arc::clone(&words);
        // Reads files and renders every message to check it: not on the threads that others wait for.
        match tokio::task::spawn_blocking(move || words.reload()).await {
            Ok(reload) => tell(&reload),
            Err(fault) => tracing::error!(%fault, "the look for changed catalogues has failed"),
        }
    }
}

fn tell(reload: &Reload) {
    let outcome = match reload {
        Reload::Unchanged => return,
        Reload::Loaded(catalogues) => {
            let languages: Vec<_> = catalogues.languages().collect();
            tracing::info!(
                languages = languages.join(", "),
                "the catalogues have changed, and are in force"
            );
            measures::LOADED
        }
        Reload::Refused(errors) => {
            let fault = errors.iter().next().map(ToString::to_string).unwrap_or_default();
            tracing::warn!(
                fault,
                more = errors.iter().count().saturating_sub(1),
                "the catalogues have changed, but are wrong: those from before stay in force; see `inq catalogue check`"
            );
            measures::REFUSED
        }
    };
    metrics::counter!(measures::CATALOGUE_RELOADS.name, "outcome" => outcome).increment(1);
}
