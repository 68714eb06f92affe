-- The event of the digest that tells of a notification which does not leave on its own.
ALTER TABLE incentive_notify_queue ADD COLUMN digest_event_id TEXT;
