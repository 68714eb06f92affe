-- The same tables as on MySQL; times are text, `YYYY-MM-DD HH:MM:SS.SSS` in UTC, which sorts as it reads.
CREATE TABLE incentive_notify_queue (
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
    dismissed_at      TEXT
) STRICT;

CREATE INDEX claim_order ON incentive_notify_queue (status, priority DESC, scheduled_at, id);

CREATE TABLE incentive_notify_claims (
    id               INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    transactional_id TEXT,
    cluster_id       TEXT,
    notification_ids TEXT    NOT NULL,
    claimed_at       TEXT    NOT NULL,
    lease_until      TEXT    NOT NULL,
    doubt            TEXT
) STRICT;

CREATE INDEX lease_order ON incentive_notify_claims (lease_until);

CREATE TABLE incentive_notify_history (
    id              INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    notification_id INTEGER NOT NULL,
    at              TEXT    NOT NULL,
    kind            TEXT    NOT NULL,
    attempt         INTEGER NOT NULL,
    detail          TEXT    NOT NULL
) STRICT;

CREATE INDEX of_notification ON incentive_notify_history (notification_id, id);
