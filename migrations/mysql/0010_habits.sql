-- In which hours readers open what they are sent, and all readers together, for events that leave the moment to the service.
CREATE TABLE user_habits (
    -- Below zero: a part of what is known of all readers, in parts so that those who add to it seldom wait for each other.
    user_id  BIGINT      NOT NULL,
    -- The moment to which the counts have faded.
    as_of    DATETIME(3) NOT NULL,
    -- What the openings of each hour of the day count for, as a JSON array of 24 numbers, midnight first.
    hours    TEXT        NOT NULL,
    -- The zone of the newest opening; NULL where it is not known.
    timezone VARCHAR(64) NULL,
    PRIMARY KEY (user_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
