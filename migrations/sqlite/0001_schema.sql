-- The same tables as on MySQL; times are text, `YYYY-MM-DD HH:MM:SS.SSS` in UTC, which sorts as it reads.
CREATE TABLE IF NOT EXISTS incentive_notify_queue (
    id                INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id           INTEGER NOT NULL,
    incentive_type    TEXT    NOT NULL,
    notification_type INTEGER NOT NULL,
    message_title     TEXT    NOT NULL,
    message_body      TEXT    NOT NULL,
    incentive_data    TEXT    NOT NULL CHECK (json_valid(incentive_data)),
    status            TEXT    NOT NULL DEFAULT 'pending',
    priority          INTEGER NOT NULL DEFAULT 0,
    scheduled_at      TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    sent_at           TEXT,
    created_at        TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    updated_at        TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    metrics_data      TEXT,

    event_id          TEXT    NOT NULL UNIQUE,
    -- When the service last evaluated rules for the row; NULL: written without the service.
    rules_evaluated_at TEXT,
    attempts          INTEGER NOT NULL DEFAULT 0,
    claim_id          INTEGER,
    occurred_at       TEXT    NOT NULL,
    expires_at        TEXT,
    language          TEXT    NOT NULL,
    timezone          TEXT,
    device_type       TEXT,
    traceparent       TEXT,
    last_error        TEXT,
    delivered_at      TEXT,
    opened_at         TEXT,
    clicked_at        TEXT,
    dismissed_at      TEXT,
    -- Which wording of its message a notification has; NULL where there is one only.
    variant           TEXT,
    -- When a cancel came that could not call the notification back: should it come back by itself, it does not leave again.
    cancel_requested_at TEXT,
    -- The event of the digest that tells of a notification which does not leave on its own.
    digest_event_id   TEXT
) STRICT;

CREATE INDEX IF NOT EXISTS claim_order ON incentive_notify_queue (status, priority DESC, scheduled_at, id);
-- A reader's notifications, for those who ask about one reader.
CREATE INDEX IF NOT EXISTS of_user ON incentive_notify_queue (user_id, id);

CREATE TABLE IF NOT EXISTS incentive_notify_claims (
    id               INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    transactional_id TEXT,
    cluster_id       TEXT,
    notification_ids TEXT    NOT NULL,
    claimed_at       TEXT    NOT NULL,
    lease_until      TEXT    NOT NULL,
    doubt            TEXT
) STRICT;

CREATE INDEX IF NOT EXISTS lease_order ON incentive_notify_claims (lease_until);

CREATE TABLE IF NOT EXISTS incentive_notify_ended_claims (
    claim_id INTEGER NOT NULL PRIMARY KEY,
    outcome  TEXT    NOT NULL,
    ended_at TEXT    NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS ended_claims_age ON incentive_notify_ended_claims (ended_at);

CREATE TABLE IF NOT EXISTS incentive_notify_history (
    id              INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    notification_id INTEGER NOT NULL,
    at              TEXT    NOT NULL,
    kind            TEXT    NOT NULL,
    attempt         INTEGER NOT NULL,
    detail          TEXT    NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS of_notification ON incentive_notify_history (notification_id, id);

-- Which database this is: a backup that is restored has the same identity, a database that is made anew another.
CREATE TABLE IF NOT EXISTS incentive_notify_identity (
    id TEXT NOT NULL PRIMARY KEY
) STRICT;

INSERT INTO incentive_notify_identity (id)
SELECT lower(hex(randomblob(16))) WHERE NOT EXISTS (SELECT 1 FROM incentive_notify_identity);

-- Who does the maintenance, and until when nobody else does.
CREATE TABLE IF NOT EXISTS incentive_notify_maintenance (
    id          INTEGER NOT NULL PRIMARY KEY,
    holder      TEXT    NOT NULL,
    lease_until TEXT    NOT NULL
) STRICT;

INSERT OR IGNORE INTO incentive_notify_maintenance (id, holder, lease_until)
VALUES (1, '', strftime('%Y-%m-%d %H:%M:%f', 'now'));

-- What readers want, the newest of each: how they are reached, when, how often, and of what not at all.
CREATE TABLE IF NOT EXISTS user_preferences (
    user_id    INTEGER NOT NULL PRIMARY KEY,
    -- When the reader said so, or was forgotten: what is older changes nothing.
    updated_at TEXT    NOT NULL,
    -- The message as JSON, every field of it; NULL once the reader was forgotten. Of the same moment the greater text counts.
    preference TEXT    NULL
);

-- Cancels that came as events: remembered for events that are yet to come, and so that a repeat does nothing.
CREATE TABLE IF NOT EXISTS incentive_notify_cancellations (
    event_id    TEXT    NOT NULL,
    -- Whoever cancels another's event takes nobody's place.
    user_id     INTEGER NOT NULL,
    came_at     TEXT    NOT NULL,
    occurred_at TEXT,
    reason      TEXT,
    -- When it met its notification; NULL while that is yet to come.
    met_at      TEXT,
    PRIMARY KEY (event_id, user_id)
) STRICT;

CREATE INDEX IF NOT EXISTS age ON incentive_notify_cancellations (came_at);
CREATE INDEX IF NOT EXISTS cancellations_of_user ON incentive_notify_cancellations (user_id);

-- Who asked to be forgotten, and how far that is.
CREATE TABLE IF NOT EXISTS incentive_notify_forgotten (
    user_id      INTEGER NOT NULL PRIMARY KEY,
    -- What occurred or was stored until then goes, and is not stored when it comes again.
    as_of        TEXT    NOT NULL,
    requested_at TEXT    NOT NULL,
    requested_by TEXT    NOT NULL,
    -- When nothing of the user was left in the other tables.
    erased_at    TEXT,
    -- When nothing was left in the archive either.
    done_at      TEXT
) STRICT;

-- What is kept of a reader so that a new notification can be decided about without a look at the older ones.
CREATE TABLE IF NOT EXISTS incentive_notify_readers (
    user_id    INTEGER NOT NULL PRIMARY KEY,
    -- When their notifications are due, as far as caps count them: a JSON object of lists by type, in milliseconds since 1970.
    places     TEXT    NOT NULL,
    -- After it nobody asks for the row any more.
    kept_until TEXT    NOT NULL,
    -- What of a reader's is gathered at the moment: a JSON object, by type the event of the row that will leave.
    gathering  TEXT
) STRICT;

CREATE INDEX IF NOT EXISTS kept_order ON incentive_notify_readers (kept_until);

-- In which hours readers open what they are sent, and all readers together, for events that leave the moment to the service.
CREATE TABLE IF NOT EXISTS user_habits (
    -- Below zero: a part of what is known of all readers.
    user_id  INTEGER NOT NULL PRIMARY KEY,
    -- The moment to which the counts have faded.
    as_of    TEXT    NOT NULL,
    -- What the openings of each hour of the day count for, as a JSON array of 24 numbers, midnight first.
    hours    TEXT    NOT NULL,
    -- The zone of the newest opening; NULL where it is not known.
    timezone TEXT    NULL
);

-- Events that are made once for each reader of a segment, and how far that has come.
CREATE TABLE IF NOT EXISTS incentive_notify_broadcasts (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    -- Given by whoever starts it, so that a repeat does not start another.
    name        TEXT    NULL UNIQUE,
    -- The event as JSON, without event_id and user_id.
    event       TEXT    NOT NULL,
    -- NULL: every reader who is known.
    segment     TEXT    NULL,
    -- The most events a second.
    rate        INTEGER NOT NULL,
    state       TEXT    NOT NULL,
    started_by  TEXT    NOT NULL,
    -- Readers of the segment, counted before the start; NULL where nobody counted to the end.
    expected    INTEGER NULL,
    -- The events of readers up to this one are in the topic.
    after_user  INTEGER NOT NULL,
    looked_at   INTEGER NOT NULL,
    produced    INTEGER NOT NULL,
    created_at  TEXT    NOT NULL,
    -- When it was moved on last, by hand or by its work.
    updated_at  TEXT    NOT NULL,
    ended_at    TEXT    NULL,
    -- Who does it, and until when nobody else does.
    holder      TEXT    NOT NULL,
    lease_until TEXT    NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS of_state ON incentive_notify_broadcasts (state, id);
