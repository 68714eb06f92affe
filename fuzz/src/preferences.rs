//! Preferences: what is read is written and read as the same, and holds nothing for longer than a week and a day.

use chrono::{Duration, Timelike};
use chrono_tz::Tz;
use inq::contract::{Preference, PreferenceChange};
use inq::schedule::next_allowed;

use super::{MAX_BYTES, is_put_aside, noon, record};

/// Any value of a record on the preferences topic.
pub fn check(payload: &[u8]) {
    let change = match PreferenceChange::decode(Some(b"42"), Some(payload), noon(), MAX_BYTES) {
        Ok(change) => change,
        Err(rejection) => return is_put_aside(&record(Some(payload.to_vec()), Vec::new()), &rejection),
    };
    assert_eq!(change.user_id, 42);
    let Some(preference) = change.preference else {
        assert!(payload.is_empty() && change.updated_at == noon());
        return;
    };
    assert_eq!(change.updated_at, preference.updated_at);
    let written = preference.to_json();
    assert!(written.len() < 65_536, "longer than its column");
    let again = Preference::decode(Some(written.as_bytes()), MAX_BYTES);
    assert_eq!(again.as_ref(), Ok(&preference));
    if let Some(hours) = preference.quiet_hours {
        let zone = preference
            .timezone
            .as_deref()
            .map_or(Tz::UTC, |name| name.parse().expect("a zone"));
        let allowed = next_allowed(&hours, noon(), zone);
        assert!(
            allowed >= noon() && allowed - noon() <= Duration::days(8),
            "{allowed}"
        );
        assert!(allowed == noon() || allowed.second() == 0);
        assert_eq!(next_allowed(&hours, allowed, zone), allowed);
    }
}
