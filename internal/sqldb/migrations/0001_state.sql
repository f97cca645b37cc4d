-- Times are whole microseconds since 1970 in UTC: one number that sorts and
-- compares alike in every database.

-- +goose Up
CREATE TABLE accounts (
    -- AUTOINCREMENT: the number of a deleted row is never given again.
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE keys (
    id           TEXT   PRIMARY KEY,
    account_id   BIGINT NOT NULL REFERENCES accounts (id),
    name         TEXT   NOT NULL,
    hint         TEXT   NOT NULL,
    hash         BLOB   NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at   BIGINT
);
CREATE INDEX keys_by_account ON keys (account_id, created_at);

CREATE TABLE streams (
    -- A stream's number stands in URLs whose answers caches keep for ever.
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id  BIGINT NOT NULL REFERENCES accounts (id),
    name        TEXT   NOT NULL,
    slug        TEXT   NOT NULL,
    description TEXT   NOT NULL,
    quality     TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX streams_by_account ON streams (account_id, id);
CREATE INDEX streams_by_slug ON streams (slug, id); -- not unique: slugs may repeat

CREATE TABLE broadcasts (
    stream_id     BIGINT  PRIMARY KEY REFERENCES streams (id) ON DELETE CASCADE,
    prepared_at   BIGINT,
    anchor        BIGINT,
    started_at    BIGINT,
    last_media_at BIGINT,
    ended_at      BIGINT,
    end_cause     TEXT    NOT NULL,
    failure       TEXT    NOT NULL,
    away          BOOLEAN NOT NULL
);
-- What is open now is a handful among all that ever was.
CREATE INDEX broadcasts_open ON broadcasts (stream_id) WHERE prepared_at IS NOT NULL AND ended_at IS NULL;
