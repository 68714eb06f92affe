//! Which notifications a request means, and which page of them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;
use super::said::{self, Query, checked, integer, parameters};
use crate::contract::{IncentiveType, Priority, time};
use crate::store::{Filter, Status};

/// The most ids in one request.
const MOST_IDS: usize = 1000;
const MOST_ON_A_PAGE: u32 = 500;
const ON_A_PAGE: u32 = 50;

/// Conditions that must all hold; at least one must be given where something is changed.
#[derive(Debug, Default, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Filter)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Those of this user.
    #[serde(default, deserialize_with = "said::id")]
    #[schema(minimum = 1, maximum = 9_223_372_036_854_775_807_i64, nullable = false)]
    #[param(minimum = 1, maximum = 9_223_372_036_854_775_807_i64, nullable = false)]
    user_id: Option<i64>,
    /// Those that reward this.
    #[serde(default, deserialize_with = "incentive_type")]
    #[schema(nullable = false)]
    #[param(nullable = false)]
    incentive_type: Option<IncentiveType>,
    /// Those that stand so.
    #[serde(default, deserialize_with = "status")]
    #[schema(nullable = false)]
    #[param(nullable = false)]
    status: Option<Status>,
    /// Those that are so urgent.
    #[serde(default, deserialize_with = "priority")]
    #[schema(value_type = Option<u8>, minimum = 0, maximum = 4, nullable = false)]
    #[param(value_type = Option<u8>, minimum = 0, maximum = 4, nullable = false)]
    priority: Option<Priority>,
    /// The one of this event.
    #[serde(default, deserialize_with = "event_id")]
    #[schema(min_length = 1, max_length = 128, nullable = false)]
    #[param(min_length = 1, max_length = 128, nullable = false)]
    event_id: Option<String>,
    /// Stored then or later.
    #[serde(default, deserialize_with = "moment")]
    #[schema(nullable = false)]
    #[param(nullable = false)]
    created_from: Option<DateTime<Utc>>,
    /// Stored before then.
    #[serde(default, deserialize_with = "moment")]
    #[schema(nullable = false)]
    #[param(nullable = false)]
    created_to: Option<DateTime<Utc>>,
    /// Some of these.
    #[serde(default, deserialize_with = "ids")]
    #[schema(min_items = 1, max_items = 1000, nullable = false)]
    #[param(ignore)]
    ids: Option<Vec<i64>>,
}

/// Which part of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// How many at most; a page of long texts may have fewer.
    #[serde(default, deserialize_with = "limit")]
    #[param(minimum = 1, maximum = 500, default = 50, nullable = false)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>, pattern = "^[0-7][0-9a-f]{15}$", nullable = false)]
    cursor: Option<Cursor>,
}

/// A place in a list, for whoever got it to hand back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor(pub i64);

/// A list that is asked for.
#[derive(Debug)]
pub(super) struct List {
    pub filter: Filter,
    pub limit: u32,
    /// Only ids below it.
    pub before: Option<i64>,
}

impl From<Wanted> for Filter {
    fn from(wanted: Wanted) -> Self {
        Self {
            ids: wanted.ids.unwrap_or_default(),
            event_id: wanted.event_id,
            user_id: wanted.user_id,
            incentive_type: wanted.incentive_type,
            status: wanted.status,
            priority: wanted.priority,
            created_from: wanted.created_from,
            created_to: wanted.created_to,
        }
    }
}

impl List {
    /// As the parameters say it.
    ///
    /// # Errors
    /// With the parameter at fault.
    pub(super) fn read(query: Query) -> Result<Self, Problem> {
        query.only(&known())?;
        Self::of(query)
    }

    /// As the parameters say it, of the user that the path names.
    ///
    /// # Errors
    /// With the parameter at fault.
    pub(super) fn of_user(query: Query, user_id: i64) -> Result<Self, Problem> {
        let mut known = known();
        known.retain(|name| name != "user_id");
        query.only(&known)?;
        let mut list = Self::of(query)?;
        list.filter.user_id = Some(user_id);
        Ok(list)
    }

    fn of(mut query: Query) -> Result<Self, Problem> {
        let page: Page = query.take(&parameters::<Page>()).read()?;
        let wanted: Wanted = query.read()?;
        Ok(Self {
            filter: wanted.into(),
            limit: page.limit.unwrap_or(ON_A_PAGE),
            before: page.cursor.map(|cursor| cursor.0),
        })
    }
}

/// The parameters of a list.
fn known() -> Vec<String> {
    [parameters::<Wanted>(), parameters::<Page>()].concat()
}

impl Cursor {
    /// As it is handed out.
    pub(super) fn text(self) -> String {
        format!("{:016x}", self.0)
    }

    fn read(text: &str) -> Option<Self> {
        let is_ours = text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        is_ours
            .then(|| i64::from_str_radix(text, 16).ok().map(Self))
            .flatten()
    }
}

fn incentive_type<'de, D: Deserializer<'de>>(from: D) -> Result<Option<IncentiveType>, D::Error> {
    let names = IncentiveType::ALL.map(IncentiveType::as_str).join(", ");
    checked(from, &format!("one of {names}"), |value| {
        value.as_str().and_then(IncentiveType::from_name)
    })
}

fn status<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Status>, D::Error> {
    let names = Status::ALL.map(Status::as_str).join(", ");
    checked(from, &format!("one of {names}"), |value| {
        value.as_str().and_then(Status::from_name)
    })
}

fn priority<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Priority>, D::Error> {
    checked(from, "an integer from 0 to 4", |value| {
        Priority::new(integer(value)?).ok()
    })
}

fn event_id<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    checked(from, "a string of 1 to 128 characters", |value| {
        let text = value.as_str()?;
        (1..=128).contains(&text.chars().count()).then(|| text.to_owned())
    })
}

pub(super) fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    checked(from, time::RULE, |value| time::parse(value.as_str()?))
}

fn ids<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<i64>>, D::Error> {
    checked(from, &format!("a list of 1 to {MOST_IDS} ids"), |value| {
        let ids = value
            .as_array()
            .filter(|ids| (1..=MOST_IDS).contains(&ids.len()))?;
        ids.iter().map(integer).collect()
    })
}

fn limit<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    checked(from, &format!("an integer from 1 to {MOST_ON_A_PAGE}"), |value| {
        let limit = u32::try_from(integer(value)?).ok()?;
        (1..=MOST_ON_A_PAGE).contains(&limit).then_some(limit)
    })
}

pub(super) fn cursor<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Cursor>, D::Error> {
    checked(from, "the next_cursor of an answer", |value| {
        Cursor::read(value.as_str()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        for id in [1, 42, i64::MAX] {
            assert_eq!(Cursor::read(&Cursor(id).text()), Some(Cursor(id)));
        }
        for text in [
            "",
            "42",
            "+00000000000002a",
            "000000000000002A",
            "ffffffffffffffff",
            "0000000000000002a",
        ] {
            assert_eq!(Cursor::read(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_filter_names_the_field() {
        let read = |json: &str| serde_json::from_str::<Wanted>(json).map(Filter::from);
        assert!(read("{}").unwrap().is_empty());
        assert_eq!(read(r#"{"ids": [3]}"#).unwrap(), Filter::id(3));
        assert_eq!(read(r#"{"ids": [3.0]}"#).unwrap(), Filter::id(3));
        for wrong in [
            r#"{"user_id": 0}"#,
            r#"{"user_id": null}"#,
            r#"{"user_id": "7"}"#,
            r#"{"user_id": 7.5}"#,
            r#"{"user_id": 9223372036854775808}"#,
            r#"{"ids": []}"#,
            r#"{"status": "Pending"}"#,
            r#"{"priority": 5}"#,
            r#"{"created_from": "2026-01-31"}"#,
            r#"{"user": 1}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let said = read(r#"{"priority": 5}"#).unwrap_err().to_string();
        assert!(
            said.starts_with("must be an integer from 0 to 4, found 5"),
            "{said}"
        );
    }
}
