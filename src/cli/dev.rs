//! `inq dev`: everything in one process, to try it.

/// Run everything in one process, with a broker and a database of its own, to try it.
///
/// The broker speaks the Kafka protocol on 127.0.0.1:9092 and keeps nothing past the end; the database is
/// a SQLite file. Delivery is at least once: that broker has no transactions.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq dev --sample 20
  kcat -b 127.0.0.1:9092 -t incentive.events -P -k 42 <<< \\
    '{\"event_id\":\"e-1\",\"user_id\":42,\"incentive_type\":\"point_earning\",\"incentive_data\":{\"points_earned\":50}}'
  kcat -b 127.0.0.1:9092 -t incentive.deliveries -C

Settings: database.url (DATABASE_URL) names the SQLite file, http.listen (INQ_HTTP__LISTEN) the address of \
the page.")]
pub struct Args {
    /// Write so many sample events first.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub sample: u32,
}
