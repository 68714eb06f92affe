//! Where the database is: shown without its password.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use super::secret::HIDDEN;

/// Which store a URL asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// MySQL or MariaDB, `mysql://` or `mariadb://`.
    MySql,
    /// A SQLite file, `sqlite://`.
    Sqlite,
}

/// A checked URL of a database; prints and serialises with `***` for its password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct DatabaseUrl {
    url: String,
    shown: String,
    database: Database,
}

impl DatabaseUrl {
    /// The URL with its password, for the store.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.url
    }

    /// The URL in the file of `database.url_file`, as it is now.
    ///
    /// # Errors
    /// If the file cannot be read or has no such URL; nothing of its text is in the message.
    pub fn from_file(path: &Path) -> Result<Self, String> {
        super::secret_files::read(path)
            .map_err(|fault| fault.to_string())
            .and_then(Self::try_from)
            .map_err(|fault| format!("database.url_file {}: {fault}", path.display()))
    }

    /// Which store it asks for.
    #[must_use]
    pub fn database(&self) -> Database {
        self.database
    }
}

impl TryFrom<String> for DatabaseUrl {
    /// What is wrong and what would be right; nothing of the URL but its scheme.
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        let (scheme, rest) = url
            .split_once("://")
            .ok_or("must be a URL: mysql://USER:PASSWORD@HOST/DATABASE, mariadb://... or sqlite://FILE")?;
        match scheme {
            "sqlite" if rest.split('?').next().is_none_or(str::is_empty) => {
                Err("names no file; write sqlite://FILE, for example \"sqlite://inq.db\"".into())
            }
            "sqlite" => Ok(Self {
                shown: url.clone(),
                url,
                database: Database::Sqlite,
            }),
            "mysql" | "mariadb" => {
                let shown = shown(&parse_server(&url)?);
                Ok(Self {
                    url,
                    shown,
                    database: Database::MySql,
                })
            }
            other if other.chars().all(|c| c.is_ascii_alphanumeric() || c == '+') => Err(format!(
                "{other}:// is not supported; use mysql://, mariadb:// or sqlite://"
            )),
            _ => Err("must start with mysql://, mariadb:// or sqlite://".into()),
        }
    }
}

fn parse_server(url: &str) -> Result<Url, String> {
    let parsed = Url::parse(url).map_err(|error| {
        format!("is not a URL ({error}); characters such as @ : / # in the password must be percent-encoded")
    })?;
    if parsed.host_str().is_none_or(str::is_empty) {
        return Err("names no host; write mysql://USER:PASSWORD@HOST/DATABASE".into());
    }
    if parsed.path().trim_matches('/').is_empty() {
        return Err("names no database; write mysql://USER:PASSWORD@HOST/DATABASE".into());
    }
    if parsed.fragment().is_some() || parsed.path().contains('@') {
        return Err("has a # or / in the wrong place; in a password write %23 and %2F".into());
    }
    check_parameters(&parsed)?;
    Ok(parsed)
}

/// What a server's URL may say behind its `?`; the driver ignores other names, misspelt ones of TLS among them.
const PARAMETERS: [&str; 14] = [
    "ssl-mode",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "sslmode",
    "sslca",
    "sslcert",
    "sslkey",
    "socket",
    "statement-cache-capacity",
    "charset",
    "collation",
    "timezone",
    "time-zone",
];

fn check_parameters(url: &Url) -> Result<(), String> {
    for pair in url
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
    {
        let (name, _) = pair
            .split_once('=')
            .filter(|(name, _)| {
                name.chars()
                    .all(|c| c.is_ascii_alphabetic() || matches!(c, '-' | '_'))
            })
            .ok_or("has a ? in the wrong place, or a parameter without a value; in a password write %3F")?;
        if !PARAMETERS.contains(&name) {
            let known = &PARAMETERS[..4];
            return Err(match nearest(name) {
                Some(meant) => format!("has an unknown parameter {name:?}: did you mean {meant:?}?"),
                None => format!(
                    "has an unknown parameter {name:?}; known are {} and socket",
                    known.join(", ")
                ),
            });
        }
    }
    Ok(())
}

/// The parameter that a slip of the fingers was meant to be.
fn nearest(name: &str) -> Option<&'static str> {
    const LIKENESS: f64 = 0.7;
    let name = name
        .get(..32)
        .unwrap_or(name)
        .to_ascii_lowercase()
        .replace('_', "-");
    PARAMETERS
        .into_iter()
        .map(|known| (strsim::normalized_damerau_levenshtein(known, &name), known))
        .filter(|(likeness, _)| *likeness >= LIKENESS)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

/// The URL with the password hidden.
fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    if shown.password().is_some() && shown.set_password(Some(HIDDEN)).is_err() {
        return format!("{}://{HIDDEN}", url.scheme());
    }
    shown.to_string()
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Serialize for DatabaseUrl {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<DatabaseUrl, String> {
        DatabaseUrl::try_from(url.to_owned())
    }

    #[test]
    fn the_password_is_hidden_and_the_rest_is_shown() {
        let url = read("mysql://inq:hunt%40er2@db:3306/inq?ssl-mode=REQUIRED&socket=/run/db").unwrap();
        assert_eq!(
            url.to_string(),
            "mysql://inq:***@db:3306/inq?ssl-mode=REQUIRED&socket=/run/db"
        );
        assert_eq!(format!("{url:?}"), url.to_string());
        assert_eq!(
            url.expose(),
            "mysql://inq:hunt%40er2@db:3306/inq?ssl-mode=REQUIRED&socket=/run/db"
        );
        assert_eq!(
            read("mariadb://inq@[::1]/inq").unwrap().to_string(),
            "mariadb://inq@[::1]/inq"
        );
    }

    #[test]
    fn sqlite_is_a_file() {
        assert_eq!(
            read("sqlite:///var/lib/inq.db").unwrap().database(),
            Database::Sqlite
        );
        assert_eq!(
            read("sqlite://:memory:").unwrap().to_string(),
            "sqlite://:memory:"
        );
        assert!(read("sqlite://").unwrap_err().contains("names no file"));
        assert!(read("sqlite://?mode=rwc").unwrap_err().contains("names no file"));
    }

    #[test]
    fn what_is_not_supported_says_what_is() {
        let said = read("postgres://inq:hunter2@db/inq").unwrap_err();
        assert_eq!(
            said,
            "postgres:// is not supported; use mysql://, mariadb:// or sqlite://"
        );
    }

    #[test]
    fn an_unknown_parameter_is_told_with_the_one_that_was_meant() {
        for (slip, meant) in [
            ("ssl-moed", "ssl-mode"),
            ("SSL_MODE", "ssl-mode"),
            ("sslCa", "sslca"),
            ("ssl_key", "ssl-key"),
        ] {
            let said = read(&format!("mysql://inq@db/inq?{slip}=x")).unwrap_err();
            assert_eq!(
                said,
                format!("has an unknown parameter {slip:?}: did you mean {meant:?}?")
            );
        }
        let said = read("mysql://inq@db/inq?allowPublicKeyRetrieval=true").unwrap_err();
        assert!(
            said.contains("known are ssl-mode, ssl-ca, ssl-cert, ssl-key"),
            "{said}"
        );
    }

    #[test]
    fn a_broken_url_shows_nothing_of_itself() {
        for url in [
            "hunter2",
            "mysql:inq:hunter2@db/inq",
            "mysql://inq:hunter2@db:port/inq",
            "mysql://inq:hunter2@/inq",
            "mysql://inq:hunter2@db",
            "mysql://inq:hunter2@db/",
            "mysql://inq:hun#hunter2@db/inq",
            "mysql://inq:12/hunter2@db/inq",
            "mysql://inq:12?hunter2@db/inq",
            "mysql://inq:12/x?hunter2@db/inq",
            "mysql://inq@db/inq?password=hunter2",
            "mysql://",
            "hunter2 @://x",
        ] {
            let said = read(url).unwrap_err();
            assert!(!said.contains("hunter2"), "{url}: {said}");
        }
    }
}
