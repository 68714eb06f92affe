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
//! | [`ingest`] | events become rows |
//! | [`dispatch`] | rows become delivery requests, exactly once |
//! | [`feedback`] | results change rows |
//!
//! A stage ([`ingest`], [`dispatch`], [`feedback`]) knows the contracts, the store and the bus,
//! never another stage; [`service`] starts and stops them.

pub mod contract;
pub mod localize;
pub mod store;
