-- In which hours readers open what they are sent, and all readers together, for events that leave the moment to the service.
CREATE TABLE user_habits (
    -- Below zero: a part of what is known of all readers.
    user_id  INTEGER NOT NULL PRIMARY KEY,
    -- The moment to which the counts have faded.
    as_of    TEXT    NOT NULL,
    -- What the openings of each hour of the day count for, as a JSON array of 24 numbers, midnight first.
    hours    TEXT    NOT NULL,
    -- The zone of the newest opening; NULL where it is not known.
    timezone TEXT    NULL
);
