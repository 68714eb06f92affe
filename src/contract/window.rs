//! The time in which an event asks to be delivered.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::field::Field;
use super::wire::Text;
use super::{Rejection, time};

/// From one moment to another, at least a millisecond and at most 7 days later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Not before.
    pub from: DateTime<Utc>,
    /// Before this.
    pub to: DateTime<Utc>,
}

/// A window as it is written.
#[derive(Deserialize)]
pub(super) struct Times<'a> {
    #[serde(borrow)]
    from: Option<Text<'a>>,
    to: Option<Text<'a>>,
}

const FROM: Field = Field::new("deliver_between.from", time::RULE);
const TO: Field = Field::new("deliver_between.to", time::RULE);
const LONGEST: TimeDelta = TimeDelta::days(7);

impl Window {
    /// The window, if it is one.
    pub(super) fn read(times: &Times<'_>) -> Result<Self, Rejection> {
        let at = |field: &Field, text: &Option<Text<'_>>| field.time(field.required(text.as_ref())?);
        let (from, to) = (at(&FROM, &times.from)?, at(&TO, &times.to)?);
        if from >= to || to - from > LONGEST {
            return Err(Rejection::of_field(
                TO.name,
                format_args!(
                    "must be after deliver_between.from, {}, by at most 7 days, found {}",
                    time::format(&from),
                    time::format(&to)
                ),
            ));
        }
        Ok(Self { from, to })
    }
}
