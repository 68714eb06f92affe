-- What readers want, the newest of each: how they are reached, when, how often, and of what not at all.
CREATE TABLE user_preferences (
    user_id    BIGINT      NOT NULL,
    -- When the reader said so, or was forgotten: what is older changes nothing.
    updated_at DATETIME(3) NOT NULL,
    -- The message as JSON, every field of it; NULL once the reader was forgotten. Of the same moment the greater text counts.
    preference TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    PRIMARY KEY (user_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
