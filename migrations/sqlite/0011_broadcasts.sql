-- Events that are made once for each reader of a segment, and how far that has come.
CREATE TABLE incentive_notify_broadcasts (
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

CREATE INDEX of_state ON incentive_notify_broadcasts (state, id);
