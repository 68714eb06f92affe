-- Who asked to be forgotten, and how far that is.
CREATE TABLE incentive_notify_forgotten (
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
