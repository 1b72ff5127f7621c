-- The tables of the event store. Numbers stand for texts that repeat: `shape` for aggregate, type and
-- version, `stream` for aggregate and id, `field` for aggregate and field. Times are microseconds
-- since 1970 in UTC. People read the view `event_log`.

-- Every version of every event type that was ever registered or stored.
CREATE TABLE IF NOT EXISTS shapes (
    id INTEGER PRIMARY KEY,
    aggregate TEXT NOT NULL,
    event_type TEXT NOT NULL,
    version INTEGER NOT NULL,
    shape TEXT,                     -- null until a program registers it
    UNIQUE (aggregate, event_type, version)
) STRICT;

CREATE TABLE IF NOT EXISTS streams (
    no INTEGER PRIMARY KEY,
    aggregate TEXT NOT NULL,
    id TEXT NOT NULL,
    UNIQUE (aggregate, id)
) STRICT;

-- The version of a stream is its greatest sequence; no second place says so.
CREATE TABLE IF NOT EXISTS events (
    position INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    shape INTEGER NOT NULL,
    event_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    actor TEXT,
    correlation_id ANY,             -- 0 where it is the causation_id
    causation_id TEXT,
    traceparent TEXT,
    data TEXT NOT NULL,
    UNIQUE (stream, sequence)
) STRICT;

CREATE TABLE IF NOT EXISTS unique_fields (
    id INTEGER PRIMARY KEY,
    aggregate TEXT NOT NULL,
    field TEXT NOT NULL,
    UNIQUE (aggregate, field)
) STRICT;

-- By value before scope: ids that grow with time are then claimed side by side.
CREATE TABLE IF NOT EXISTS unique_keys (
    field INTEGER NOT NULL,
    value TEXT NOT NULL,
    scope INTEGER NOT NULL,         -- the stream, or 0 for all streams of the aggregate
    stream INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (field, value, scope)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS commands (
    id TEXT PRIMARY KEY,
    stream INTEGER NOT NULL,
    first INTEGER,                  -- null where the command neither appended nor repeated anything
    last INTEGER,
    content BLOB NOT NULL,
    refusal TEXT,
    message TEXT
) STRICT, WITHOUT ROWID;

-- Refusals that kept events are found by these too: a retry may bring only a unique key along.
CREATE INDEX IF NOT EXISTS refusals_with_events ON commands (stream, first)
    WHERE refusal IS NOT NULL AND first IS NOT NULL;

CREATE TABLE IF NOT EXISTS snapshots (
    stream INTEGER NOT NULL,
    meaning INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    data TEXT NOT NULL,
    UNIQUE (stream, meaning)
) STRICT;

CREATE VIEW IF NOT EXISTS event_log AS
SELECT
    position,
    streams.aggregate,
    streams.id AS stream_id,
    sequence,
    event_type,
    version,
    strftime('%Y-%m-%dT%H:%M:%S', (at - ((at % 1000000 + 1000000) % 1000000)) / 1000000, 'unixepoch')
        || printf('.%06dZ', (at % 1000000 + 1000000) % 1000000) AS at,
    strftime('%Y-%m-%dT%H:%M:%S', (recorded_at - ((recorded_at % 1000000 + 1000000) % 1000000)) / 1000000, 'unixepoch')
        || printf('.%06dZ', (recorded_at % 1000000 + 1000000) % 1000000) AS recorded_at,
    data,
    actor,
    iif(correlation_id = 0, causation_id, correlation_id) AS correlation_id,
    causation_id,
    traceparent,
    lower(hex(event_id)) AS event_id
FROM events
JOIN shapes ON shapes.id = events.shape
JOIN streams ON streams.no = events.stream;
