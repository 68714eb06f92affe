//! `inq config show`: the settings in force, and where those come from that are not the default.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Failure, output};
use crate::config::{Effective, Settings};

/// Print the settings in force, secrets hidden.
///
/// As TOML, with a comment behind each setting that is not the default: the file or the variable that it
/// comes from.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq config show
  INQ_DISPATCH__BATCH_ROWS=100 inq config show
  inq --config /etc/inq.toml config show --json | jq .settings.dispatch")]
pub struct Args {
    /// Print one JSON object: `settings`, and `sources` by key.
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Shown {
    settings: Settings,
    sources: BTreeMap<String, String>,
}

/// Prints the settings.
///
/// # Errors
/// If standard output can't be written.
#[allow(clippy::unused_async)] // every command is called in the same way
pub async fn run(args: Args, effective: Effective) -> Result<(), Failure> {
    let Effective { settings, sources } = effective;
    if args.json {
        return output::print_json(&Shown { settings, sources });
    }
    let table = toml::Table::try_from(&settings).map_err(|error| Failure::Failed(error.to_string()))?;
    let mut text = String::new();
    section("", &table, &sources, &mut text);
    output::print(&text)
}

/// A section's own settings, then the sections in it.
fn section(path: &str, table: &toml::Table, sources: &BTreeMap<String, String>, text: &mut String) {
    let below = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    let (sections, values): (Vec<_>, Vec<_>) = table.iter().partition(|(_, value)| value.is_table());
    if !values.is_empty() && !path.is_empty() {
        if !text.is_empty() {
            text.push('\n');
        }
        text.extend(["[", path, "]\n"]);
    }
    for (name, value) in values {
        let line = toml::Table::from_iter([(name.clone(), value.clone())]).to_string();
        text.push_str(line.trim_end());
        if let Some(source) = sources.get(&below(name)) {
            text.push_str(" # ");
            text.extend(source.escape_debug());
        }
        text.push('\n');
    }
    for (name, value) in sections {
        if let toml::Value::Table(table) = value {
            section(&below(name), table, sources, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(toml: &str) -> String {
        let table: toml::Table = toml.parse().unwrap();
        let sources = BTreeMap::from([("dispatch.lease".to_owned(), "INQ_DISPATCH__LEASE".to_owned())]);
        let mut text = String::new();
        section("", &table, &sources, &mut text);
        assert_eq!(text.parse::<toml::Table>().unwrap(), table);
        text
    }

    #[test]
    fn a_setting_says_where_it_comes_from() {
        let text = shown("top = 1\n[dispatch]\nlease = '1m'\nbatch_rows = 5");
        assert_eq!(
            text,
            "top = 1\n\n[dispatch]\nlease = \"1m\" # INQ_DISPATCH__LEASE\nbatch_rows = 5\n"
        );
    }

    #[test]
    fn what_is_printed_is_toml_whatever_is_in_it() {
        shown("[kafka.properties]\n'ssl.ca.location' = 'x'\n'a b' = \"two\\nlines # and \\\"quotes\\\"\"");
    }
}
