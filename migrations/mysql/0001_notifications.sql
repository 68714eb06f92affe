-- The queue. Readers know `id` to `metrics_data`; what was added stands below them.
CREATE TABLE incentive_notify_queue (
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

    PRIMARY KEY (id),
    UNIQUE KEY one_row_per_event (event_id),
    -- A claim reads one range of it per priority, in its order.
    KEY claim_order (status, priority DESC, scheduled_at, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- One row for each claim between claim and settle: what recovery needs to judge it.
CREATE TABLE incentive_notify_claims (
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

-- What happened to a notification beyond what its row tells.
CREATE TABLE incentive_notify_history (
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
CREATE TABLE incentive_notify_lock_probe (
    id INT NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

INSERT INTO incentive_notify_lock_probe (id) VALUES (1);
