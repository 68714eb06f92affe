//! Open claims, and a person's decision on one that recovery could not decide.

use serde::Serialize;
use thiserror::Error;
use utoipa::ToSchema;

use crate::contract::time;
use crate::store::{Claimant, Ended, OpenClaim, Store, StoreError};

/// An open claim, as `inq claims list --json` and the API show it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShownClaim {
    /// The claim's id.
    #[schema(minimum = 1)]
    pub id: i64,
    /// How many notifications it holds.
    pub rows: usize,
    /// When it was made.
    #[schema(format = DateTime)]
    pub claimed_at: String,
    /// When recovery may look at it (again).
    #[schema(format = DateTime)]
    pub lease_until: String,
    /// The producer that claimed; null without Kafka's transactions.
    pub transactional_id: Option<String>,
    /// The Kafka cluster to which it publishes; null without Kafka's transactions.
    pub cluster_id: Option<String>,
    /// Why recovery could not decide it; null while its publisher or recovery is at it.
    pub doubt: Option<String>,
    /// The notifications' ids.
    pub notification_ids: Vec<i64>,
}

impl From<OpenClaim> for ShownClaim {
    fn from(claim: OpenClaim) -> Self {
        let (transactional_id, cluster_id) = match claim.claimant {
            Claimant::Transactional {
                transactional_id,
                cluster_id,
            } => (Some(transactional_id), Some(cluster_id)),
            Claimant::Plain => (None, None),
        };
        Self {
            id: claim.id,
            rows: claim.notification_ids.len(),
            claimed_at: time::format(&claim.claimed_at),
            lease_until: time::format(&claim.lease_until),
            transactional_id,
            cluster_id,
            doubt: claim.doubt,
            notification_ids: claim.notification_ids,
        }
    }
}

/// What a person says of a claim in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It was published: its notifications become `sent`.
    MarkPublished,
    /// It was not: its notifications become `pending`, the attempt not counted.
    Release,
}

/// A claim that a person has decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DecidedClaim {
    /// The claim's id.
    #[schema(minimum = 1)]
    pub id: i64,
    /// How many notifications it held.
    pub rows: usize,
    /// What they are now; those that were cancelled meanwhile and are released are `cancelled`.
    pub status: &'static str,
}

/// Why a decision was not carried out; nothing was changed.
#[derive(Debug, Error)]
pub enum DecisionError {
    /// There is no such claim, or somebody has just ended it.
    #[error("there is no open claim {0}: it does not exist, or has been ended")]
    Unknown(i64),
    /// It is not a person's to decide.
    #[error("claim {0} is not in doubt: its publisher or recovery ends it by itself")]
    NotInDoubt(i64),
    /// Its rows are not those that it has claimed.
    #[error(
        "claim {id}: only {found} of its {expected} rows still belong to it; nothing was changed: the database has lost a \
         commit, see the guarantees in the README"
    )]
    RowsLost {
        /// The claim.
        id: i64,
        /// Rows of the claim.
        expected: u64,
        /// Rows that still belong to it.
        found: u64,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Carries out a person's decision on a claim in doubt. Any other is still its publisher's or recovery's.
///
/// # Errors
/// If there is no such claim in doubt, or the database is away.
pub async fn decide(
    store: &dyn Store,
    id: i64,
    decision: Decision,
    by: &str,
) -> Result<DecidedClaim, DecisionError> {
    let claim = store.open_claim(id).await?.ok_or(DecisionError::Unknown(id))?;
    if claim.doubt.is_none() {
        return Err(DecisionError::NotInDoubt(id));
    }
    let rows = &claim.notification_ids;
    let (ended, status) = match decision {
        Decision::MarkPublished => (store.settle(id, rows, true).await?, "sent"),
        Decision::Release => (store.release(id, rows, true).await?, "pending"),
    };
    match ended {
        Ended::Done => {
            tracing::info!(
                by,
                claim = id,
                rows = rows.len(),
                status,
                "a claim in doubt was decided by hand"
            );
            Ok(DecidedClaim {
                id,
                rows: rows.len(),
                status,
            })
        }
        Ended::Gone => Err(DecisionError::Unknown(id)),
        Ended::Short { expected, found } => Err(DecisionError::RowsLost { id, expected, found }),
    }
}
