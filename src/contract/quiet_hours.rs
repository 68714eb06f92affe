//! The hours in which somebody is left alone, by the clock on the wall.

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Weekday, WeekdaySet};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// The names of the days, as messages and settings have them.
const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Mon),
    ("tue", Weekday::Tue),
    ("wed", Weekday::Wed),
    ("thu", Weekday::Thu),
    ("fri", Weekday::Fri),
    ("sat", Weekday::Sat),
    ("sun", Weekday::Sun),
];

/// Quiet hours of each week: from one local time to another, beginning on certain days.
///
/// `to` is the first moment that is not quiet. Where it is not later than `from` it is of the next day, so that hours from
/// and to the same time last a whole day. The whole week is never quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    from: NaiveTime,
    to: NaiveTime,
    days: WeekdaySet,
}

impl QuietHours {
    /// Hours that begin at `from` on these days.
    ///
    /// # Errors
    /// With what is wrong, to be read after "quiet hours": they begin on no day, or never end.
    pub fn new(from: NaiveTime, to: NaiveTime, days: WeekdaySet) -> Result<Self, &'static str> {
        if days.is_empty() {
            return Err("must begin on at least one day");
        }
        if from == to && days == WeekdaySet::ALL {
            return Err("must leave some time of the week: from and to are the same on every day");
        }
        Ok(Self { from, to, days })
    }

    /// When they begin.
    #[must_use]
    pub fn from(&self) -> String {
        self.from.format(TIME).to_string()
    }

    /// When they end.
    #[must_use]
    pub fn to(&self) -> String {
        self.to.format(TIME).to_string()
    }

    /// The days on which they begin, Monday first.
    #[must_use]
    pub fn days(&self) -> Vec<&'static str> {
        DAYS.iter()
            .filter(|(_, day)| self.days.contains(*day))
            .map(|(name, _)| *name)
            .collect()
    }

    /// The end of the quiet hours that a local time falls into, where it falls into some.
    #[must_use]
    pub(crate) fn end_at(&self, local: NaiveDateTime) -> Option<NaiveDateTime> {
        let (today, time) = (local.date(), local.time());
        if self.from < self.to {
            let inside = self.begin_on(today) && self.from <= time && time < self.to;
            return inside.then(|| today.and_time(self.to));
        }
        if self.begin_on(today) && self.from <= time {
            return Some((today + Days::new(1)).and_time(self.to));
        }
        let since_yesterday = time < self.to && today.pred_opt().is_some_and(|day| self.begin_on(day));
        since_yesterday.then(|| today.and_time(self.to))
    }

    fn begin_on(&self, day: NaiveDate) -> bool {
        self.days.contains(day.weekday())
    }
}

impl Serialize for QuietHours {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_struct("QuietHours", 3)?;
        object.serialize_field("from", &self.from())?;
        object.serialize_field("to", &self.to())?;
        object.serialize_field("days", &self.days())?;
        object.end()
    }
}

const TIME: &str = "%H:%M";

/// A local time, written as `HH:MM`, two digits each.
pub(crate) fn local_time(text: &str) -> Option<NaiveTime> {
    let bytes = text.as_bytes();
    let digits = |at: usize| {
        bytes
            .get(at..at + 2)?
            .iter()
            .all(u8::is_ascii_digit)
            .then_some(())
    };
    (bytes.len() == 5 && bytes[2] == b':').then_some(())?;
    digits(0).and(digits(3))?;
    NaiveTime::parse_from_str(text, TIME).ok()
}

/// The day of that name.
pub(crate) fn day(name: &str) -> Option<Weekday> {
    DAYS.iter().find(|(known, _)| *known == name).map(|(_, day)| *day)
}
