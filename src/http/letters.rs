//! Dead letters: a look at the newest, and one put back.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, State};
use serde::{Deserialize, Deserializer, Serialize};
use tokio::sync::Mutex;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};

use super::Served;
use super::access::Caller;
use super::desk::to_its_end;
use super::problem::{Kind, Problem};
use super::said::{Query, Said, checked, fitting, integer};
use crate::bus::{BusError, Cluster, DeadLetterTopic, Letter, Stretch, Wanted};
use crate::config::TopicSettings;
use crate::contract::Reason;
use crate::ingest::Planner;
use crate::replay::{Content, Refusal, Replay};

/// How long a search for letters of one reason goes on; less than a request may take.
const SEARCH: Duration = Duration::from_secs(6);
/// The most letters of an answer: each is as long as its record.
const MOST: i64 = 200;

/// The dead-letter topics, and the way back.
#[derive(Clone)]
pub struct Letters {
    cluster: Cluster,
    group_id: String,
    topics: TopicSettings,
    planner: Planner,
    /// Opened for the first letter. Looks and replays take turns: each look makes a client of its own.
    replay: Arc<Mutex<Option<Arc<Replay>>>>,
}

/// Whose dead letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DeadLettersOf)]
pub(super) enum Whose {
    /// Events that could not be used.
    #[default]
    Events,
    /// Results that could not be used.
    Results,
    /// Preferences that could not be used.
    Preferences,
}

/// Which dead letters.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Whose; without it, those of events.
    #[serde(default, deserialize_with = "whose")]
    #[param(inline, nullable = false)]
    topic: Option<Whose>,
    /// Only those that were put aside for this reason.
    #[serde(default, deserialize_with = "reason")]
    #[param(schema_with = reasons)]
    reason: Option<Reason>,
    /// How many at most; without it, 50.
    #[serde(default, deserialize_with = "limit")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, nullable = false)]
    limit: Option<usize>,
    /// The `next_cursor` of the answer before, of the same topic.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>, pattern = "^[0-7]?[0-9a-f]{1,7}-[0-7]?[0-9a-f]{1,15}(\\.[0-7]?[0-9a-f]{1,7}-[0-7]?[0-9a-f]{1,15})*$", nullable = false)]
    cursor: Option<Stretch>,
}

/// Dead letters.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetters)]
pub(super) struct Found {
    /// The newest first, as `inq dead-letters list --json` tells them.
    #[schema(value_type = Vec<Object>)]
    letters: Vec<Letter>,
    /// Whether there may be more of them.
    more: bool,
    /// For `cursor`, to get those that are older, whatever comes meanwhile; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// A dead letter that is to go back to its topic.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Replay)]
pub(super) struct Order {
    /// Whose dead letter it is.
    #[serde(deserialize_with = "one_of_them")]
    topic: Whose,
    /// Its partition in the dead-letter topic.
    #[serde(deserialize_with = "partition")]
    #[schema(minimum = 0, maximum = 2_147_483_647_i64)]
    partition: i32,
    /// Its offset there.
    #[serde(deserialize_with = "offset")]
    #[schema(minimum = 0, maximum = 9_223_372_036_854_775_807_i64)]
    offset: i64,
    /// The corrected record, as text, to go instead of its own content.
    #[serde(default)]
    #[schema(min_length = 1)]
    payload: Option<String>,
    /// Only look whether it could go back.
    #[serde(default)]
    dry_run: bool,
}

/// A dead letter that has gone back.
#[derive(Serialize, ToSchema)]
pub(super) struct PutBack {
    /// The topic to which it has gone, or would go.
    topic: String,
    /// Whether it was written: not so after a dry run.
    written: bool,
}

impl Letters {
    /// Nothing is connected yet.
    #[must_use]
    pub fn new(cluster: Cluster, group_id: String, topics: TopicSettings, planner: Planner) -> Self {
        Self {
            cluster,
            group_id,
            topics,
            planner,
            replay: Arc::default(),
        }
    }

    fn of(&self, whose: Whose) -> DeadLetterTopic {
        let topic = match whose {
            Whose::Events => &self.topics.events_dlq,
            Whose::Results => &self.topics.results_dlq,
            Whose::Preferences => &self.topics.preferences_dlq,
        };
        DeadLetterTopic::new(self.cluster.clone(), topic.clone(), self.group_id.clone())
    }

    async fn put_back(&self, order: Order, by: String) -> Result<PutBack, Problem> {
        let mut turn = Arc::clone(&self.replay).lock_owned().await;
        let letters = self.clone();
        to_its_end((), async move {
            letters.put_back_in_turn(&mut turn, order, &by).await
        })
        .await?
    }

    async fn put_back_in_turn(
        &self,
        opened: &mut Option<Arc<Replay>>,
        order: Order,
        by: &str,
    ) -> Result<PutBack, Problem> {
        let letter = self.of(order.topic).letter(order.partition, order.offset).await?;
        let letter = letter.ok_or_else(|| gone(&order))?;
        let replay = if let Some(replay) = opened {
            Arc::clone(replay)
        } else {
            let replay = Replay::open(&self.cluster, &self.topics, self.planner.clone()).await?;
            Arc::clone(opened.insert(Arc::new(replay)))
        };
        let content = order
            .payload
            .map_or(Content::Own, |payload| Content::Corrected(payload.into_bytes()));
        let place = letter.place();
        let prepared = replay.prepare(letter, content).map_err(refused)?;
        let topic = prepared.topic.clone();
        if order.dry_run {
            return Ok(PutBack {
                topic,
                written: false,
            });
        }
        for became in replay.put_back(vec![prepared]).await? {
            became.map_err(refused)?;
        }
        tracing::info!(by, place, topic, "a dead letter was put back by hand");
        Ok(PutBack { topic, written: true })
    }
}

fn whose<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Whose>, D::Error> {
    one_of_them(from).map(Some)
}

fn one_of_them<'de, D: Deserializer<'de>>(from: D) -> Result<Whose, D::Error> {
    fitting(from, "events, results or preferences", |value| {
        match value.as_str() {
            Some("events") => Some(Whose::Events),
            Some("results") => Some(Whose::Results),
            Some("preferences") => Some(Whose::Preferences),
            _ => None,
        }
    })
}

fn partition<'de, D: Deserializer<'de>>(from: D) -> Result<i32, D::Error> {
    fitting(from, "an integer from 0 to 2147483647", |value| {
        let number = integer(value).filter(|number| *number >= 0)?;
        i32::try_from(number).ok()
    })
}

fn offset<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    fitting(from, "an integer from 0 to 9223372036854775807", |value| {
        integer(value).filter(|number| *number >= 0)
    })
}

fn reasons() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("Only those that were put aside for this reason."))
        .enum_values(Some(Reason::ALL.map(Reason::as_str)))
        .build()
}

fn reason<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Reason>, D::Error> {
    let names = Reason::ALL.map(Reason::as_str).join(", ");
    checked(from, &format!("one of {names}"), |value| {
        value.as_str().and_then(Reason::from_code)
    })
}

fn limit<'de, D: Deserializer<'de>>(from: D) -> Result<Option<usize>, D::Error> {
    checked(from, &format!("an integer from 1 to {MOST}"), |value| {
        let limit = integer(value).filter(|limit| (1..=MOST).contains(limit))?;
        usize::try_from(limit).ok()
    })
}

fn cursor<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Stretch>, D::Error> {
    checked(from, "the next_cursor of an answer", |value| {
        value.as_str()?.parse().ok()
    })
}

fn gone(order: &Order) -> Problem {
    Problem::new(
        Kind::NotFound,
        format!("there is no dead letter {}/{}", order.partition, order.offset),
    )
}

fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::WronglyCorrected(rejection) => Problem::of_message_in("payload", rejection),
        other => Problem::new(Kind::NotInThisState, other.to_string()),
    }
}

/// The newest dead letters, with why each was put aside; page by page, those that are older.
#[utoipa::path(
    get,
    path = "/v1/dead-letters",
    tag = "dead letters",
    params(Asked),
    responses((status = 200, description = "What was put aside", body = Found))
)]
pub(super) async fn list_dead_letters(
    State(served): State<Served>,
    query: Query,
) -> Result<Json<Found>, Problem> {
    let asked: Asked = query.read()?;
    let letters = &served.letters;
    let turn = Arc::clone(&letters.replay).lock_owned().await;
    let topic = letters.of(asked.topic.unwrap_or_default());
    let wanted = Wanted {
        limit: asked.limit.unwrap_or(Wanted::USUAL),
        reason: asked.reason,
        of: asked.cursor,
        within: SEARCH,
    };
    let found: Result<_, BusError> = to_its_end(turn, async move { topic.newest(wanted).await }).await?;
    let found = found?;
    Ok(Json(Found {
        letters: found.letters,
        more: found.rest.is_some(),
        next_cursor: found.rest.map(|rest| rest.to_string()),
    }))
}

/// Put a dead letter back into the topic that it came from, corrected where a payload is given.
///
/// It is checked first: what would come back as a dead letter is refused. Putting back twice changes nothing: an event
/// that has its row, and a result that was applied, are known.
#[utoipa::path(
    post,
    path = "/v1/dead-letters/replay",
    tag = "dead letters",
    request_body = Order,
    responses(
        (status = 200, description = "It is in its topic", body = PutBack),
        (status = 404, description = "There is no such letter", body = Problem,
         content_type = "application/problem+json"),
        (status = 409, description = "It cannot go back as it is", body = Problem,
         content_type = "application/problem+json")
    )
)]
pub(super) async fn replay_dead_letter(
    State(served): State<Served>,
    Extension(caller): Extension<Caller>,
    Said(order): Said<Order>,
) -> Result<Json<PutBack>, Problem> {
    let by = caller.signature();
    served.letters.put_back(order, by).await.map(Json)
}
