//! What an event would become if its reader had got nothing before: decided without I/O.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::admit::{Rules, Together};
use super::digest::Teller;
use super::plan::{Announced, Plan, Planner};
use crate::contract::Preference;
use crate::store::{Admission, KnownReader};

/// Foretells rows.
#[derive(Clone)]
pub struct Forecast {
    /// Plans them.
    pub planner: Planner,
    /// What a reader's notifications have to do with each other.
    pub together: Arc<Together>,
}

impl Forecast {
    /// The row of an event that is stored `now`, the first of its reader: where it is gathered, it is what others would be
    /// gathered with.
    #[must_use]
    pub fn of(&self, announced: Announced, preference: Option<&Preference>, now: DateTime<Utc>) -> Plan {
        let mut plan = self.planner.plan_for(announced, preference, now);
        let rules = Rules {
            together: Arc::clone(&self.together),
            teller: Teller::now(&self.planner, &self.together),
            preferences: preference
                .map(|preference| (preference.user_id, preference.clone()))
                .into_iter()
                .collect(),
        };
        if rules.concerns(&plan.row) {
            rules.admit(&mut plan.row, &mut KnownReader::default(), now);
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::super::Asked;
    use super::super::rehearsal::WORDS;
    use super::*;
    use crate::bus::Record;
    use crate::config::Settings;
    use crate::store::{HistoryKind, NewNotification, Status};

    /// At noon.
    fn foretold(settings: &str, more: &str, preference: Option<&str>) -> NewNotification {
        let settings = Settings::from_toml(settings).unwrap();
        let forecast = Forecast {
            planner: Planner {
                words: Arc::clone(&WORDS),
                defaults: settings.defaults.clone(),
                quiet: (&settings.quiet).into(),
                half_life: settings.best_time.half_life,
                max_event_bytes: 10_000,
            },
            together: Arc::new(Together::from(&settings)),
        };
        let event = format!(r#"{{"event_id":"e","user_id":1,"incentive_type":"point_earning"{more}}}"#);
        let record = Record {
            topic: String::new(),
            partition: 0,
            offset: 0,
            key: None,
            payload: Some(event.into_bytes()),
            headers: Vec::new(),
            timestamp: None,
        };
        let now = "2026-01-15T12:00:00Z".parse().unwrap();
        let Asked::Notify(announced) = forecast.planner.read(&record, now).unwrap() else {
            panic!("a cancel");
        };
        let preference = preference.map(|json| Preference::decode(Some(json.as_bytes()), 10_000).unwrap());
        forecast.of(announced, preference.as_ref(), now).row
    }

    const HOUR: &str = "digest.windows.point_earning = \"1h\"\n";

    #[test]
    fn what_would_be_gathered_says_for_how_long() {
        let row = foretold(HOUR, "", None);
        assert_eq!(row.scheduled_at, Some("2026-01-15T13:00:00Z".parse().unwrap()));
        assert_eq!(row.status, Status::Pending);
        assert_eq!(row.beginning[0].kind, HistoryKind::Held);
        assert_eq!(row.beginning[0].detail["rule"], "digest");
        assert_eq!(row.beginning[0].detail["window"], "1h");
    }

    #[test]
    fn what_would_leave_on_its_own_says_nothing_of_it() {
        for (settings, more) in [
            ("", ""),
            ("digest.windows.streak_reward = \"1h\"", ""),
            (HOUR, r#","priority":3"#),
            (HOUR, r#","expires_at":"2026-01-16T12:00:00Z""#),
            (HOUR, r#","incentive_data":{"rewards":{"discount_codes":["A"]}}"#),
        ] {
            let row = foretold(settings, more, None);
            assert_eq!(
                (row.scheduled_at, row.beginning),
                (None, vec![]),
                "{settings} {more}"
            );
        }
    }

    #[test]
    fn who_wants_nothing_gets_nothing() {
        let none = r#"{"user_id":1,"max_per_day":0,"updated_at":"2026-01-01T00:00:00Z"}"#;
        let row = foretold("caps.over = \"drop\"", "", Some(none));
        assert_eq!(row.status, Status::Suppressed);
        assert_eq!(row.beginning[0].detail["rule"], "cap");
    }
}
