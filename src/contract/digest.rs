//! What a digest carries as its `incentive_data`: the notifications that it tells of, and their points together.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};
use utoipa::ToSchema;

use super::{time, whole};

/// The notifications that a digest tells of, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Digest {
    parts: Vec<DigestPart>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DigestPart {
    /// Its event.
    pub event_id: String,
    /// Its points; `None`: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub points: Option<f64>,
    /// When it happened.
    #[serde(serialize_with = "time::serialize")]
    pub occurred_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Data {
    digest: Parts,
}

#[derive(Deserialize)]
struct Parts {
    parts: Vec<DigestPart>,
}

/// The largest number that is added up and shown, either side of zero: up to here every integer is exact, in JSON as most
/// software reads it and in the arguments of a message.
pub(crate) const LARGEST: f64 = 9_007_199_254_740_991.0;

impl Digest {
    /// From the `incentive_data` of a digest.
    ///
    /// # Errors
    /// If it is none.
    pub fn read(incentive_data: &str) -> serde_json::Result<Self> {
        let data: Data = serde_json::from_str(incentive_data)?;
        Ok(Self {
            parts: data.digest.parts,
        })
    }

    /// Tells of one more.
    pub fn add(&mut self, part: DigestPart) {
        self.parts.push(part);
    }

    /// Tells of one fewer; of nothing else, where it did not tell of it.
    pub fn remove(&mut self, event_id: &str) {
        self.parts.retain(|part| part.event_id != event_id);
    }

    /// Those that it tells of.
    #[must_use]
    pub fn parts(&self) -> &[DigestPart] {
        &self.parts
    }

    /// The points together, to two decimals; `None` where no part has any, or their sum is beyond what numbers carry.
    #[must_use]
    pub fn points(&self) -> Option<f64> {
        let points: Vec<f64> = self.parts.iter().filter_map(|part| part.points).collect();
        let sum = (points.iter().sum::<f64>() * 100.0).round() / 100.0 + 0.0;
        (!points.is_empty() && sum.abs() <= LARGEST).then_some(sum)
    }

    /// As `incentive_data`: the sum where an event has its own points, and the parts.
    #[must_use]
    pub fn to_data(&self) -> Map<String, Value> {
        let mut data = Map::new();
        if let Some(points) = self.points().and_then(number) {
            data.insert("points_earned".to_owned(), points.into());
        }
        let parts = self.parts.iter().map(|part| {
            let mut said = Map::new();
            said.insert("event_id".to_owned(), part.event_id.as_str().into());
            if let Some(points) = part.points.and_then(number) {
                said.insert("points".to_owned(), points.into());
            }
            said.insert("occurred_at".to_owned(), time::format(&part.occurred_at).into());
            Value::Object(said)
        });
        let digest: [(_, Value); 2] = [("count", self.parts.len().into()), ("parts", parts.collect())];
        let digest: Map<_, _> = digest
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        data.insert("digest".to_owned(), Value::Object(digest));
        data
    }
}

/// Whole where it is whole.
fn number(value: f64) -> Option<Number> {
    match whole(value) {
        Some(integer) => Some(Number::from(integer)),
        None => Number::from_f64(value),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn part(event_id: &str, points: Option<f64>) -> DigestPart {
        DigestPart {
            event_id: event_id.to_owned(),
            points,
            occurred_at: "2026-01-15T08:00:00.5Z".parse().unwrap(),
        }
    }

    fn digest(parts: &[(&str, Option<f64>)]) -> Digest {
        let mut digest = Digest::default();
        for (event_id, points) in parts {
            digest.add(part(event_id, *points));
        }
        digest
    }

    #[test]
    fn it_carries_its_parts_and_their_sum() {
        let digest = digest(&[("a", Some(250.0)), ("b", None), ("c", Some(0.5))]);
        let at = "2026-01-15T08:00:00.500Z";
        let expected = json!({
            "points_earned": 250.5,
            "digest": {"count": 3, "parts": [
                {"event_id": "a", "points": 250, "occurred_at": at},
                {"event_id": "b", "occurred_at": at},
                {"event_id": "c", "points": 0.5, "occurred_at": at},
            ]}
        });
        assert_eq!(Value::Object(digest.to_data()), expected);
    }

    #[test]
    fn points_that_nobody_has_are_not_there_and_decimals_add_up() {
        assert_eq!(digest(&[("a", None)]).points(), None);
        assert!(!digest(&[("a", None)]).to_data().contains_key("points_earned"));
        assert_eq!(digest(&[("a", Some(0.1)), ("b", Some(0.2))]).points(), Some(0.3));
        assert_eq!(
            digest(&[("a", Some(LARGEST)), ("b", Some(LARGEST))]).points(),
            None
        );
        assert_eq!(digest(&[("a", Some(-0.001))]).points(), Some(0.0));
    }

    #[test]
    fn what_is_no_digest_is_not_read() {
        for text in [
            "{}",
            "[]",
            r#"{"digest":{}}"#,
            r#"{"digest":{"parts":[{}]}}"#,
            "?",
        ] {
            assert!(Digest::read(text).is_err(), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever comes and is taken out: it is read as it was written, and the sum is that of what is left.
        #[test]
        fn what_is_left_is_what_it_tells(
            came in proptest::collection::vec((0_u8..20, proptest::option::of(-1000_i32..1000)), 0..20),
            gone in proptest::collection::vec(0_u8..20, 0..10),
        ) {
            let mut digest = Digest::default();
            for (event, points) in &came {
                digest.add(part(&event.to_string(), points.map(f64::from)));
            }
            for event in &gone {
                digest.remove(&event.to_string());
            }
            let text = Value::Object(digest.to_data()).to_string();
            prop_assert_eq!(&Digest::read(&text).unwrap(), &digest);
            let left: Vec<_> = came.iter().filter(|(event, _)| !gone.contains(event)).collect();
            prop_assert_eq!(digest.parts().len(), left.len());
            let points: Vec<i32> = left.iter().filter_map(|(_, points)| *points).collect();
            let sum = (!points.is_empty()).then(|| f64::from(points.iter().sum::<i32>()));
            prop_assert_eq!(digest.points(), sum);
        }
    }
}
