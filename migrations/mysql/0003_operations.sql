-- A reader's notifications, for those who ask about one reader.
ALTER TABLE incentive_notify_queue ADD KEY of_user (user_id, id);

-- Who does the maintenance, and until when nobody else does.
CREATE TABLE incentive_notify_maintenance (
    id          TINYINT      NOT NULL,
    holder      VARCHAR(64)  NOT NULL,
    lease_until DATETIME(3)  NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

INSERT INTO incentive_notify_maintenance (id, holder, lease_until) VALUES (1, '', UTC_TIMESTAMP(3));
