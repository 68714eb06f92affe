-- Every statement can be run again: the server commits each of them by itself, so a migration that broke off half-way is
-- repeated from its beginning. A statement ends with a semicolon at the end of a line.

-- The queue. Readers know `id` to `metrics_data`; what was added stands below them.
CREATE TABLE IF NOT EXISTS incentive_notify_queue (
    id                BIGINT       NOT NULL AUTO_INCREMENT,
    user_id           BIGINT       NOT NULL,
    incentive_type    ENUM ('achievement_reward', 'point_earning', 'challenge_completion', 'bonus_opportunity',
                            'streak_reward', 'referral_bonus') NOT NULL,
    notification_type INT          NOT NULL,
    message_title     VARCHAR(255) NOT NULL,
    message_body      TEXT         NOT NULL,
    -- MariaDB's JSON refuses what is nested deeper than 32 levels, which the contract allows.
    incentive_data    /*!80000 JSON */ /*M!100600 LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */ NOT NULL,
    status            ENUM ('pending', 'processing', 'sent', 'failed', 'cancelled', 'expired', 'suppressed', 'digested')
                                   NOT NULL DEFAULT 'pending',
    priority          TINYINT      NOT NULL DEFAULT 0,
    scheduled_at      DATETIME(3)  NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    sent_at           DATETIME(3)  NULL,
    created_at        DATETIME(3)  NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    updated_at        DATETIME(3)  NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
    metrics_data      JSON         NULL,

    -- Compared byte by byte and without padding, as producers compare it: 'a', 'A' and 'a ' are three events.
    event_id          VARCHAR(128) CHARACTER SET utf8mb4
        /*!80017 COLLATE utf8mb4_0900_bin */ /*M!100200 COLLATE utf8mb4_nopad_bin */ NOT NULL,
    -- When the service last evaluated rules for the row, which it does when it stores it. NULL: written without the service, so
    -- that no rule has been evaluated yet.
    rules_evaluated_at DATETIME(3) NULL,
    attempts          INT UNSIGNED NOT NULL DEFAULT 0,
    -- The claim that a `processing` row belongs to. The claim row has the ids of its rows, so no index is needed here.
    claim_id          BIGINT       NULL,
    occurred_at       DATETIME(3)  NOT NULL,
    expires_at        DATETIME(3)  NULL,
    language          VARCHAR(35)  NOT NULL,
    timezone          VARCHAR(64)  NULL,
    device_type       VARCHAR(32)  NULL,
    traceparent       VARCHAR(64)  NULL,
    last_error        VARCHAR(1024) NULL,
    delivered_at      DATETIME(3)  NULL,
    opened_at         DATETIME(3)  NULL,
    clicked_at        DATETIME(3)  NULL,
    dismissed_at      DATETIME(3)  NULL,
    -- Which wording of its message a notification has; NULL where there is one only.
    variant           VARCHAR(32)  NULL,
    -- When a cancel came that could not call the notification back: should it come back by itself, it does not leave again.
    cancel_requested_at DATETIME(3) NULL,
    -- The event of the digest that tells of a notification which does not leave on its own.
    digest_event_id   VARCHAR(128) CHARACTER SET utf8mb4
        /*!80017 COLLATE utf8mb4_0900_bin */ /*M!100200 COLLATE utf8mb4_nopad_bin */ NULL,

    PRIMARY KEY (id),
    UNIQUE KEY one_row_per_event (event_id),
    -- A claim reads one range of it per priority, in its order.
    KEY claim_order (status, priority DESC, scheduled_at, id),
    -- A reader's notifications, for those who ask about one reader.
    KEY of_user (user_id, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- One row for each claim between claim and settle: what recovery needs to judge it.
CREATE TABLE IF NOT EXISTS incentive_notify_claims (
    id               BIGINT       NOT NULL AUTO_INCREMENT,
    -- Both NULL where the publisher has no transactions.
    transactional_id VARCHAR(255) NULL,
    cluster_id       VARCHAR(255) NULL,
    -- A JSON array of the ids of the claim's rows.
    notification_ids MEDIUMTEXT   NOT NULL,
    claimed_at       DATETIME(3)  NOT NULL,
    lease_until      DATETIME(3)  NOT NULL,
    -- Why recovery could not decide it.
    doubt            VARCHAR(1024) NULL,
    PRIMARY KEY (id),
    KEY lease_order (lease_until)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- Claims that somebody else than their publisher has ended. A publisher that comes back finds here that its claim is not lost.
CREATE TABLE IF NOT EXISTS incentive_notify_ended_claims (
    claim_id BIGINT      NOT NULL,
    outcome  VARCHAR(16) CHARACTER SET ascii NOT NULL,
    ended_at DATETIME(3) NOT NULL,
    PRIMARY KEY (claim_id),
    KEY age (ended_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- What happened to a notification beyond what its row tells.
CREATE TABLE IF NOT EXISTS incentive_notify_history (
    id              BIGINT       NOT NULL AUTO_INCREMENT,
    notification_id BIGINT       NOT NULL,
    at              DATETIME(3)  NOT NULL,
    kind            VARCHAR(32)  NOT NULL,
    attempt         INT UNSIGNED NOT NULL,
    detail          JSON         NOT NULL,
    PRIMARY KEY (id),
    KEY of_notification (notification_id, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- One row that two connections contend for at each start, to prove that a claim excludes another.
CREATE TABLE IF NOT EXISTS incentive_notify_lock_probe (
    id INT NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

INSERT IGNORE INTO incentive_notify_lock_probe (id) VALUES (1);

-- Which database this is: a backup that is restored has the same identity, a database that is made anew another.
CREATE TABLE IF NOT EXISTS incentive_notify_identity (
    id CHAR(36) CHARACTER SET ascii NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB;

INSERT INTO incentive_notify_identity (id)
SELECT made.id FROM (SELECT UUID() AS id) AS made
WHERE NOT EXISTS (SELECT 1 FROM incentive_notify_identity);

-- Who does the maintenance, and until when nobody else does.
CREATE TABLE IF NOT EXISTS incentive_notify_maintenance (
    id          TINYINT      NOT NULL,
    holder      VARCHAR(64)  NOT NULL,
    lease_until DATETIME(3)  NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

INSERT IGNORE INTO incentive_notify_maintenance (id, holder, lease_until) VALUES (1, '', UTC_TIMESTAMP(3));

-- What readers want, the newest of each: how they are reached, when, how often, and of what not at all.
CREATE TABLE IF NOT EXISTS user_preferences (
    user_id    BIGINT      NOT NULL,
    -- When the reader said so, or was forgotten: what is older changes nothing.
    updated_at DATETIME(3) NOT NULL,
    -- The message as JSON, every field of it; NULL once the reader was forgotten. Of the same moment the greater text counts.
    preference TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    PRIMARY KEY (user_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- Cancels that came as events: remembered for events that are yet to come, and so that a repeat does nothing.
CREATE TABLE IF NOT EXISTS incentive_notify_cancellations (
    -- Compared as in the queue.
    event_id    VARCHAR(128) CHARACTER SET utf8mb4
        /*!80017 COLLATE utf8mb4_0900_bin */ /*M!100200 COLLATE utf8mb4_nopad_bin */ NOT NULL,
    -- Whoever cancels another's event takes nobody's place.
    user_id     BIGINT       NOT NULL,
    came_at     DATETIME(3)  NOT NULL,
    occurred_at DATETIME(3)  NULL,
    reason      VARCHAR(256) CHARACTER SET utf8mb4 NULL,
    -- When it met its notification; NULL while that is yet to come.
    met_at      DATETIME(3)  NULL,
    PRIMARY KEY (event_id, user_id),
    KEY age (came_at),
    KEY of_user (user_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- Who asked to be forgotten, and how far that is.
CREATE TABLE IF NOT EXISTS incentive_notify_forgotten (
    user_id      BIGINT       NOT NULL,
    -- What occurred or was stored until then goes, and is not stored when it comes again.
    as_of        DATETIME(3)  NOT NULL,
    requested_at DATETIME(3)  NOT NULL,
    requested_by VARCHAR(255) NOT NULL,
    -- When nothing of the user was left in the other tables.
    erased_at    DATETIME(3)  NULL,
    -- When nothing was left in the archive either.
    done_at      DATETIME(3)  NULL,
    PRIMARY KEY (user_id),
    KEY by_end (done_at, user_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- What is kept of a reader so that a new notification can be decided about without a look at the older ones.
CREATE TABLE IF NOT EXISTS incentive_notify_readers (
    user_id    BIGINT      NOT NULL,
    -- When their notifications are due, as far as caps count them: a JSON object of lists by type, in milliseconds since 1970.
    places     MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    -- After it nobody asks for the row any more; a whole hour, so that it rarely changes.
    kept_until DATETIME(3) NOT NULL,
    -- What of a reader's is gathered at the moment: a JSON object, by type the event of the row that will leave.
    gathering  TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    PRIMARY KEY (user_id),
    KEY kept_order (kept_until)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- In which hours readers open what they are sent, and all readers together, for events that leave the moment to the service.
CREATE TABLE IF NOT EXISTS user_habits (
    -- Below zero: a part of what is known of all readers, in parts so that those who add to it seldom wait for each other.
    user_id  BIGINT      NOT NULL,
    -- The moment to which the counts have faded.
    as_of    DATETIME(3) NOT NULL,
    -- What the openings of each hour of the day count for, as a JSON array of 24 numbers, midnight first.
    hours    TEXT        NOT NULL,
    -- The zone of the newest opening; NULL where it is not known.
    timezone VARCHAR(64) NULL,
    PRIMARY KEY (user_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- Events that are made once for each reader of a segment, and how far that has come.
CREATE TABLE IF NOT EXISTS incentive_notify_broadcasts (
    id          BIGINT        NOT NULL AUTO_INCREMENT,
    -- Given by whoever starts it, so that a repeat does not start another.
    name        VARCHAR(128)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    -- The event as JSON, without event_id and user_id.
    event       MEDIUMTEXT    CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    -- NULL: every reader who is known.
    segment     VARCHAR(64)   CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    -- The most events a second.
    rate        INT           NOT NULL,
    state       VARCHAR(16)   CHARACTER SET ascii NOT NULL,
    started_by  VARCHAR(255)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    -- Readers of the segment, counted before the start; NULL where nobody counted to the end.
    expected    BIGINT        NULL,
    -- The events of readers up to this one are in the topic.
    after_user  BIGINT        NOT NULL,
    looked_at   BIGINT        NOT NULL,
    produced    BIGINT        NOT NULL,
    created_at  DATETIME(3)   NOT NULL,
    -- When it was moved on last, by hand or by its work.
    updated_at  DATETIME(3)   NOT NULL,
    ended_at    DATETIME(3)   NULL,
    -- Who does it, and until when nobody else does.
    holder      VARCHAR(64)   CHARACTER SET ascii NOT NULL,
    lease_until DATETIME(3)   NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY one_of_a_name (name),
    KEY of_state (state, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
