-- What Eventloom keeps of read models beside their rows. People read the views named as the targets of
-- their projections; these tables are for the program and its operators.

-- One row per projection, target and meaning, and a second one while that is rebuilt. A projection is
-- an aggregate's: another aggregate's may have the same name. Greater ids are newer
-- versions of a projection: a public view moves from a lower one to a greater one, never back.
CREATE TABLE IF NOT EXISTS eventloom_read_models (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    aggregate TEXT NOT NULL,
    projection TEXT NOT NULL,
    meaning TEXT NOT NULL,              -- 16 hexadecimal digits
    shadow INTEGER NOT NULL,            -- 1 while it is rebuilt beside the one that serves reads
    target TEXT NOT NULL COLLATE NOCASE,
    position INTEGER NOT NULL,          -- the checkpoint
    revision INTEGER NOT NULL,          -- number of commits
    complete INTEGER NOT NULL,          -- 1 after it has once caught up with the events
    seen_position INTEGER,              -- an event at or before the checkpoint, and
    seen_event BLOB,                    -- its id: what tells whether the events are still the same
    runner BLOB,                        -- who keeps the rows up to date; others stand by
    UNIQUE (aggregate, projection, target, meaning, shadow)
) STRICT;

-- Events that could not be folded and wait for an operator's decision.
CREATE TABLE IF NOT EXISTS eventloom_poison (
    read_model INTEGER NOT NULL,
    position INTEGER NOT NULL,
    stream_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    event_type TEXT NOT NULL,
    version INTEGER NOT NULL,
    reason TEXT NOT NULL,
    found_at TEXT NOT NULL,
    stops INTEGER NOT NULL,             -- 1 where the whole projection stands still before it
    PRIMARY KEY (read_model, position)
) STRICT, WITHOUT ROWID;

-- Events that an operator decided to leave out of the rows for good.
CREATE TABLE IF NOT EXISTS eventloom_skipped (
    aggregate TEXT NOT NULL,
    projection TEXT NOT NULL,
    target TEXT NOT NULL COLLATE NOCASE,
    meaning TEXT NOT NULL,
    position INTEGER NOT NULL,
    stream_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    event_type TEXT NOT NULL,
    version INTEGER NOT NULL,
    failure TEXT NOT NULL,              -- why it could not be folded
    operator TEXT NOT NULL,
    reason TEXT NOT NULL,               -- why it was skipped
    decided_at TEXT NOT NULL,
    PRIMARY KEY (aggregate, projection, target, meaning, position)
) STRICT, WITHOUT ROWID;
