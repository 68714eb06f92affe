//! A database that is older than what was published from it: restored from a backup, or a replica that was behind.
//!
//! What left since then would leave again, and new notifications would get numbers that others have had. Both the
//! claims and the notifications are numbered upwards, so it shows: Kafka knows a claim that the database has yet to make.

use super::recovery::RecoveryError;
use crate::bus::Ledger;
use crate::store::Store;

/// Compares the database with what Kafka knows to have been published from it. `None` if they agree, else what is wrong and
/// what to do.
///
/// # Errors
/// If the database or the broker is away.
pub async fn rewound(store: &dyn Store, ledger: &Ledger) -> Result<Option<String>, RecoveryError> {
    let Some(newest) = ledger.newest_claim(store.identity().await?).await? else {
        return Ok(None);
    };
    let next = store.next_claim_number().await?;
    Ok((next <= newest).then(|| explain(next, newest)))
}

/// What is wrong where a claim that is numbered `next` comes after one that was numbered `newest`, and what to do.
pub(super) fn explain(next: i64, newest: i64) -> String {
    format!(
        "the database is older than what was published from it: its next claim is {next}, and claim {newest} was published. \
         Was it restored from a backup? See \"After a restore\" in the README; then \
         `ALTER TABLE incentive_notify_claims AUTO_INCREMENT = {}`",
        newest.saturating_add(1_000_000)
    )
}
