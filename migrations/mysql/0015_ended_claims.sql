-- Claims that somebody else than their publisher has ended. A publisher that comes back finds here that its claim is not lost.
CREATE TABLE incentive_notify_ended_claims (
    claim_id BIGINT      NOT NULL,
    outcome  VARCHAR(16) CHARACTER SET ascii NOT NULL,
    ended_at DATETIME(3) NOT NULL,
    PRIMARY KEY (claim_id),
    KEY age (ended_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
