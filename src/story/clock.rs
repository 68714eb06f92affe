//! Times as a story says them: in UTC, and by the clock on the reader's wall.

use chrono::{DateTime, LocalResult, TimeZone, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use crate::contract::time;

/// The clock on a reader's wall, as far as it is known in which zone that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    zone: Option<Tz>,
}

/// The times in details that a rule has decided by, or that something happened at.
const TIMES: [&str; 12] = [
    "due_at",
    "was_due_at",
    "as_of",
    "held_until",
    "retry_at",
    "expires_at",
    "from",
    "to",
    "since",
    "requested_at",
    "occurred_at",
    "published_at",
];

/// What another rule decided at the same moment, within a detail.
const WITHIN: [&str; 2] = ["held", "over"];

impl Clock {
    /// In the zone of that name, if there is one.
    pub(super) fn in_zone(name: Option<&str>) -> Self {
        Self {
            zone: name.and_then(|name| name.parse().ok()),
        }
    }

    /// In the zone that a detail names; where it names none, as this one.
    pub(super) fn of(self, detail: &Map<String, Value>) -> Self {
        let own = Self::in_zone(detail.get("timezone").and_then(Value::as_str));
        Self {
            zone: own.zone.or(self.zone),
        }
    }

    /// The name of the zone.
    pub(super) fn zone(self) -> Option<&'static str> {
        self.zone.map(Tz::name)
    }

    /// What the clock shows: `2026-01-16 07:00`; in an hour that it shows twice with the offset, `2026-10-25 02:30 +02:00`.
    pub(super) fn local(self, at: DateTime<Utc>) -> Option<String> {
        let zone = self.zone?;
        let local = zone.from_utc_datetime(&at.naive_utc());
        let is_shown_twice = matches!(
            zone.offset_from_local_datetime(&local.naive_local()),
            LocalResult::Ambiguous(..)
        );
        let format = if is_shown_twice {
            "%Y-%m-%d %H:%M %:z"
        } else {
            "%Y-%m-%d %H:%M"
        };
        Some(local.format(format).to_string())
    }

    /// `2026-01-16T06:00:00.000Z (2026-01-16 07:00 in Europe/Berlin)`
    pub(super) fn time(self, at: DateTime<Utc>) -> String {
        match self.beside_utc(at) {
            Some((local, zone)) => format!("{} ({local} in {zone})", time::format(&at)),
            None => time::format(&at),
        }
    }

    /// The time in a detail of that name; what is no time stays as it is.
    pub(super) fn said(self, detail: &Map<String, Value>, name: &str) -> String {
        match moment(detail, name) {
            Some(at) => self.time(at),
            None => text(detail, name).to_owned(),
        }
    }

    /// From one time in a detail to another, with `between` between them:
    /// `2026-01-15T21:30:00.000Z until 2026-01-16T06:00:00.000Z (2026-01-15 22:30 until 2026-01-16 07:00 in Europe/Berlin)`
    pub(super) fn span(self, detail: &Map<String, Value>, from: &str, between: &str, to: &str) -> String {
        let utc = format!("{} {between} {}", text(detail, from), text(detail, to));
        let local = |name| self.beside_utc(moment(detail, name)?);
        match (local(from), local(to)) {
            (Some((from, zone)), Some((to, _))) => format!("{utc} ({from} {between} {to} in {zone})"),
            _ => utc,
        }
    }

    /// Adds `due_at_local` to a detail that has `due_at`, and so on.
    pub(super) fn add_local_times(self, detail: &mut Map<String, Value>) {
        let clock = self.of(detail);
        for name in TIMES {
            if let Some(local) = moment(detail, name).and_then(|at| clock.local(at)) {
                detail.insert(format!("{name}_local"), local.into());
            }
        }
        for name in WITHIN {
            if let Some(within) = detail.get_mut(name).and_then(Value::as_object_mut) {
                clock.add_local_times(within);
            }
        }
    }

    /// Who lives by UTC has read it already.
    fn beside_utc(self, at: DateTime<Utc>) -> Option<(String, &'static str)> {
        let zone = self.zone.filter(|zone| *zone != Tz::UTC)?;
        Some((self.local(at)?, zone.name()))
    }
}

/// The time in a detail of that name.
pub(super) fn moment(detail: &Map<String, Value>, name: &str) -> Option<DateTime<Utc>> {
    time::parse(detail.get(name)?.as_str()?)
}

/// The text in a detail of that name; empty where there is none.
pub(super) fn text<'d>(detail: &'d Map<String, Value>, name: &str) -> &'d str {
    detail.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDateTime;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn local(zone: &str, text: &str) -> Option<String> {
        Clock::in_zone(Some(zone)).local(at(text))
    }

    fn with_local_times(zone: Option<&str>, mut detail: Value) -> Value {
        Clock::in_zone(zone).add_local_times(detail.as_object_mut().unwrap());
        detail
    }

    #[test]
    fn a_time_is_said_in_utc_and_by_the_clock_on_the_wall() {
        let berlin = Clock::in_zone(Some("Europe/Berlin"));
        assert_eq!(
            berlin.time(at("2026-11-26T07:00:00Z")),
            "2026-11-26T07:00:00.000Z (2026-11-26 08:00 in Europe/Berlin)"
        );
        for zone in [None, Some("Europe/Nowhere"), Some("UTC")] {
            let clock = Clock::in_zone(zone);
            assert_eq!(clock.time(at("2026-11-26T07:00:00Z")), "2026-11-26T07:00:00.000Z");
        }
        assert_eq!(
            local("UTC", "2026-11-26T07:00:00Z").as_deref(),
            Some("2026-11-26 07:00")
        );
        assert_eq!(local("Europe/Nowhere", "2026-11-26T07:00:00Z"), None);
    }

    #[test]
    fn an_hour_that_the_clock_shows_twice_has_its_offset() {
        for (zone, at, shown) in [
            ("Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25 02:30 +02:00"),
            ("Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25 02:30 +01:00"),
            ("Europe/Berlin", "2026-10-25T02:00:00Z", "2026-10-25 03:00"),
            ("Europe/Berlin", "2026-03-29T00:59:00Z", "2026-03-29 01:59"),
            ("Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29 03:00"),
            (
                "Australia/Lord_Howe",
                "2026-04-04T14:45:00Z",
                "2026-04-05 01:45 +11:00",
            ),
            (
                "Australia/Lord_Howe",
                "2026-04-04T15:15:00Z",
                "2026-04-05 01:45 +10:30",
            ),
            ("Pacific/Apia", "2011-12-30T09:59:00Z", "2011-12-29 23:59"),
            ("Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31 00:00"),
            ("Asia/Kathmandu", "9999-12-31T23:59:00Z", "+10000-01-01 05:44"),
        ] {
            assert_eq!(local(zone, at).as_deref(), Some(shown), "{zone} {at}");
        }
    }

    #[test]
    fn local_times_stand_beside_those_of_a_detail_in_the_zone_that_it_names() {
        let detail = json!({
            "rule": "cap", "timezone": "Asia/Kathmandu", "due_at": "2026-01-15T12:00:00.000Z",
            "held_until": "2026-01-15T18:15:00.000Z", "held_until_local": "as it was stored",
            "held": {"from": "22:00", "to": "07:00", "timezone": "Europe/Berlin", "due_at": "2026-01-15T18:15:00.000Z"},
            "error_message": "2026-01-15T18:15:00.000Z",
        });
        let told = with_local_times(Some("America/Sao_Paulo"), detail.clone());
        let mut expected = detail;
        expected["due_at_local"] = "2026-01-15 17:45".into();
        expected["held_until_local"] = "2026-01-16 00:00".into();
        expected["held"]["due_at_local"] = "2026-01-15 19:15".into();
        assert_eq!(told, expected);
    }

    #[test]
    fn where_no_zone_is_known_a_detail_stays_as_it_is() {
        let detail =
            json!({ "retry_at": "2026-01-15T12:00:00.000Z", "held_until_local": "2026-01-15 12:00" });
        assert_eq!(with_local_times(None, detail.clone()), detail);
        let told = with_local_times(Some("Europe/Berlin"), detail);
        assert_eq!(told["retry_at_local"], "2026-01-15 13:00");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever the zone and the minute: what is shown leads back to it. Offsets have had no seconds since 1972.
        #[test]
        fn what_the_clock_shows_is_one_moment(
            zone in proptest::sample::select(chrono_tz::TZ_VARIANTS.to_vec()), minutes in 2_000_000_i64..60_000_000,
        ) {
            let at = DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(minutes);
            let shown = Clock { zone: Some(zone) }.local(at).unwrap();
            let back = if let Ok(with_offset) = DateTime::parse_from_str(&shown, "%Y-%m-%d %H:%M %:z") {
                with_offset.to_utc()
            } else {
                let local = NaiveDateTime::parse_from_str(&shown, "%Y-%m-%d %H:%M").unwrap();
                zone.from_local_datetime(&local).single().unwrap().to_utc()
            };
            prop_assert_eq!(back, at, "{} {}", zone, shown);
        }
    }
}
