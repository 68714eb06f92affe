-- What is kept of a reader so that a new notification can be decided about without a look at the older ones.
CREATE TABLE incentive_notify_readers (
    user_id    INTEGER NOT NULL PRIMARY KEY,
    -- When their notifications are due, as far as caps count them: a JSON object of lists by type, in milliseconds since 1970.
    places     TEXT    NOT NULL,
    -- After it nobody asks for the row any more.
    kept_until TEXT    NOT NULL
) STRICT;

CREATE INDEX kept_order ON incentive_notify_readers (kept_until);
