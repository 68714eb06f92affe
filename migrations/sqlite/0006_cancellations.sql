-- Cancels that came as events: remembered for events that are yet to come, and so that a repeat does nothing.
CREATE TABLE incentive_notify_cancellations (
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

CREATE INDEX age ON incentive_notify_cancellations (came_at);
CREATE INDEX cancellations_of_user ON incentive_notify_cancellations (user_id);

-- When a cancel came that could not call the notification back: should it come back by itself, it does not leave again.
ALTER TABLE incentive_notify_queue ADD COLUMN cancel_requested_at TEXT;
