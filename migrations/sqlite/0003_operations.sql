-- A reader's notifications, for those who ask about one reader.
CREATE INDEX of_user ON incentive_notify_queue (user_id, id);

-- Who does the maintenance, and until when nobody else does.
CREATE TABLE incentive_notify_maintenance (
    id          INTEGER NOT NULL PRIMARY KEY,
    holder      TEXT    NOT NULL,
    lease_until TEXT    NOT NULL
) STRICT;

INSERT INTO incentive_notify_maintenance (id, holder, lease_until)
VALUES (1, '', strftime('%Y-%m-%d %H:%M:%f', 'now'));
