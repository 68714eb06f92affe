-- What is kept of a reader so that a new notification can be decided about without a look at the older ones.
CREATE TABLE IF NOT EXISTS incentive_notify_readers (
    user_id    BIGINT      NOT NULL,
    -- When their notifications are due, as far as caps count them: a JSON object of lists by type, in milliseconds since 1970.
    places     MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    -- After it nobody asks for the row any more; a whole hour, so that it rarely changes.
    kept_until DATETIME(3) NOT NULL,
    PRIMARY KEY (user_id),
    KEY kept_order (kept_until)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
