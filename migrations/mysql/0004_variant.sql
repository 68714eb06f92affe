-- Which wording of its message a notification has; NULL where there is one only.
ALTER TABLE incentive_notify_queue ADD COLUMN variant VARCHAR(32) NULL;
