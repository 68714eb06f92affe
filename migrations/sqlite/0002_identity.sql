-- Which database this is: a backup that is restored has the same identity, a database that is made anew another.
CREATE TABLE incentive_notify_identity (
    id TEXT NOT NULL PRIMARY KEY
) STRICT;

INSERT INTO incentive_notify_identity (id) VALUES (lower(hex(randomblob(16))));
