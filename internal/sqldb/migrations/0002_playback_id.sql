-- +goose Up
-- A random id for public links: counting finds no stream. Its form is
-- that of sluice.NewPlaybackID, "pb_" and 128 random bits.
ALTER TABLE streams ADD COLUMN playback_id TEXT NOT NULL DEFAULT '';
UPDATE streams SET playback_id = 'pb_' || lower(hex(randomblob(16)));
CREATE UNIQUE INDEX streams_by_playback_id ON streams (playback_id);
