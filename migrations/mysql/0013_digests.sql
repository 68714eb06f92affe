-- The event of the digest that tells of a notification which does not leave on its own.
ALTER TABLE incentive_notify_queue ADD COLUMN digest_event_id VARCHAR(128) CHARACTER SET utf8mb4
    /*!80017 COLLATE utf8mb4_0900_bin */ /*M!100200 COLLATE utf8mb4_nopad_bin */ NULL;
