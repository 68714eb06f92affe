-- When the service last evaluated rules for the row, which it does when it stores it. NULL: written without the service, so that no
-- rule has been evaluated yet.
ALTER TABLE incentive_notify_queue ADD COLUMN rules_evaluated_at TEXT;
