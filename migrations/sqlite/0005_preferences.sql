-- What readers want, the newest of each: how they are reached, when, how often, and of what not at all.
CREATE TABLE user_preferences (
    user_id    INTEGER NOT NULL PRIMARY KEY,
    -- When the reader said so, or was forgotten: what is older changes nothing.
    updated_at TEXT    NOT NULL,
    -- The message as JSON, every field of it; NULL once the reader was forgotten. Of the same moment the greater text counts.
    preference TEXT    NULL
);
