-- Who asked to be forgotten, and how far that is.
CREATE TABLE incentive_notify_forgotten (
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
