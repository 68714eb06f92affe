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

-- When a cancel came that could not call the notification back: should it come back by itself, it does not leave again.
ALTER TABLE incentive_notify_queue ADD COLUMN cancel_requested_at DATETIME(3) NULL;
