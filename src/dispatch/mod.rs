//! Rows become delivery requests, exactly once.
//!
//! # The protocol
//!
//! A publisher is a transactional producer whose `transactional.id` no other producer ever had; the id is recorded with each
//! of its claims. It publishes one claim at a time, and ends it before it publishes the next; where there is a backlog, it
//! makes the next claim while the last one is being published.
//!
//! 1. **Claim**, one database transaction: due rows become `processing` with `attempts + 1`; the claim row keeps their
//!    ids, the `transactional.id`, the cluster's id and the end of the lease.
//! 2. **Publish**, one Kafka transaction: every delivery request and, as the publisher's committed offset in its
//!    ledger (the consumer group of its name), the claim's number, with the time of the claim beside it.
//!    It has happened when the commit has answered and the ledger, read back, shows the claim: Kafka may lose the end of a
//!    transaction between the two.
//! 3. **Settle**, one database transaction: the claim's rows, exactly these, become `sent`; the claim row goes.
//!
//! **Recovery** of a claim whose lease has ended (by any instance), or of its own after an unknown outcome (by the
//! publisher, at once): *fence* (initialise a producer with the claim's `transactional.id`), then *read* the ledger. If it
//! holds the claim, the claim was published: settle it. If it holds an older one, the claim was not published and never
//! will be: release its rows with the attempt not counted. Anything else proves nothing, and an operator decides: a ledger
//! without an entry is one that Kafka has forgotten, for each begins with one; a ledger beyond the claim tells of a
//! database that has gone back in time, for a publisher ends each claim before it makes the next. Where Kafka, after the
//! fence, still calls the ledger undecided, it has lost the end of a transaction; then what it left open is aborted, the
//! deliveries topic is searched for the claim's requests, and each row ends as its own request was found.
//!
//! # Why each crash is safe
//!
//! - Before the claim commits: the database forgets it.
//! - Between claim and commit of the publish: the ledger does not hold the claim. Fencing has ended the open transaction,
//!   and the publisher, should it only be slow, can commit nothing more. Rows go back.
//! - Between the publish's commit and settle: the ledger holds the claim. Recovery settles.
//! - While the publish's commit is under way: the fencing call returns only after the broker has finished it, one way
//!   or the other; the read after it sees which.
//! - During recovery: fencing and reading may be repeated by anybody; ending a claim deletes its row first, so that
//!   only one of two recoverers changes anything.
//! - A publisher that was fenced, or has recovered itself, goes on under a new `transactional.id`: a claim is only ever
//!   published by the producer that existed when it was committed, so "not in the ledger" stays true for ever. What it had
//!   claimed ahead under the old id is recovered with the rest.
//! - While a claim is open, its publisher's ledger is never beyond it: the next one is published only after it has ended.
//! - A database that was restored from a backup gives numbers of claims once more. The time beside the number tells two
//!   such claims apart, and a publisher stops at a number that is no higher than its last.
//!
//! What the protocol decides stands in [`protocol`], without I/O.

mod debt;
mod encode;
mod loops;
pub mod protocol;
mod publisher;
mod recovery;
mod rewound;
mod told;

pub use encode::encode;
pub use loops::Dispatch;
pub use publisher::{PublisherSettings, PublisherTask, Step};
pub use recovery::{Outlook, Recovered, Recovery, RecoveryError};
pub use rewound::rewound;
