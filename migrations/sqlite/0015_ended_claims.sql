-- Claims that somebody else than their publisher has ended. A publisher that comes back finds here that its claim is not lost.
CREATE TABLE incentive_notify_ended_claims (
    claim_id INTEGER NOT NULL PRIMARY KEY,
    outcome  TEXT    NOT NULL,
    ended_at TEXT    NOT NULL
) STRICT;

CREATE INDEX ended_claims_age ON incentive_notify_ended_claims (ended_at);
