//! `inq preview`: what an event would become.

/// Read an event from standard input and print the notification it would become; nothing is written.
///
/// Needs neither a database nor a broker: the user's preferences and caps are not known to it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq preview < event.json
  echo '{\"event_id\":\"e-1\",\"user_id\":42,\"incentive_type\":\"streak_reward\",\"language\":\"de\",
    \"incentive_data\":{\"streak_count\":7}}' | inq preview --json

Settings: defaults.* (INQ_DEFAULTS__STREAK_REWARD__PRIORITY, ...), localization.* (INQ_LOCALIZATION__DIR, ...).
Exit status: 0 it would become a notification, 1 it would become a dead letter (and why).")]
pub struct Args {
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}
