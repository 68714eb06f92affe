-- Which database this is: a backup that is restored has the same identity, a database that is made anew another.
CREATE TABLE incentive_notify_identity (
    id CHAR(36) CHARACTER SET ascii NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB;

INSERT INTO incentive_notify_identity (id) VALUES (UUID());
