-- Events that are made once for each reader of a segment, and how far that has come.
CREATE TABLE incentive_notify_broadcasts (
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
