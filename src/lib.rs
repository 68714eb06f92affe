//! A notification queue for incentive events: Kafka in, MySQL between, Kafka out.
//!
//! Rooms, in the order in which data flows through them:
//!
//! | room | decides |
//! | --- | --- |
//! | [`contract`] | what the messages on the topics look like, and what is wrong with one that is refused |
//! | [`config`] | every setting: its type, default, unit and check |
//! | [`bus`] | how records are read and written; the only room that knows Kafka |
//! | [`store`] | how rows are kept; the only room that knows SQL |
//! | [`localize`] | the words of a notification, in its reader's language |
//! | [`schedule`] | when a notification leaves, and whether it is tried again (pure functions) |
//! | [`preferences`] | what readers say of themselves becomes rows |
//! | [`ingest`] | events become rows |
//! | [`dispatch`] | rows become delivery requests, exactly once |
//! | [`feedback`] | results change rows |
//! | [`broadcast`] | one event for each reader of a segment, at a set rate |
//! | [`maintain`] | rows that were kept long enough are archived and removed |
//! | [`rehearsal`] | whom a broadcast would reach, and what it would tell them |
//! | [`replay`] | whether a dead letter goes back to its topic, and its way there |
//! | [`stage`], [`patience`], [`health`] | what the stages share: batches until the stop, waiting, readiness |
//! | [`alerts`] | critical failures, told on a topic of their own |
//! | [`service`] | which stages run, how they start and how they stop |
//! | [`status`], [`story`], [`claims`] | how the queue stands; what happened to one notification, in words; a person's decision on a claim |
//! | [`http`] | health, metrics and the API |
//! | [`measures`], [`telemetry`] | every metric by name; logs, the metrics' recorder, spans for a collector |
//! | [`mod@bench`] | the service under load, held against yardsticks |
//! | [`cli`] | one file a command |
//!
//! A stage ([`preferences`], [`ingest`], [`dispatch`], [`feedback`]) knows the contracts, the store and the bus,
//! never another stage.

#[macro_use]
mod failpoint;

pub mod alerts;
pub mod bench;
pub mod broadcast;
pub mod bus;
pub mod claims;
pub mod cli;
pub mod config;
pub mod contract;
pub mod dispatch;
pub mod feedback;
pub mod health;
pub mod http;
pub mod ingest;
pub mod localize;
pub mod maintain;
pub mod measures;
pub mod patience;
pub mod preferences;
pub mod rehearsal;
pub mod replay;
mod sample;
pub mod schedule;
pub mod service;
pub mod stage;
pub mod status;
pub mod store;
pub mod story;
pub mod telemetry;
