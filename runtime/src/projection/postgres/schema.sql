-- What Eventloom keeps of read models beside their rows, version 1. People read the views named as the targets of
-- their projections; these tables are for the program and its operators. The rows of a read model lie in
-- `eventloom.rows_` and its id.

CREATE SEQUENCE eventloom.read_model_ids;

-- One row per projection, target and meaning, and a second one while that is rebuilt. A projection is
-- an aggregate's: another aggregate's may have the same name. Greater ids are newer
-- versions of a projection: a public view moves from a lower one to a greater one, never back.
CREATE TABLE eventloom.read_models (
    id bigint PRIMARY KEY,
    aggregate text COLLATE "C" NOT NULL,
    projection text COLLATE "C" NOT NULL,
    meaning text COLLATE "C" NOT NULL,          -- 16 hexadecimal digits
    shadow boolean NOT NULL,                    -- whether it is rebuilt beside the one that serves reads
    schema text COLLATE "C" NOT NULL,           -- where the view of the target is
    target text COLLATE "C" NOT NULL,
    position bigint NOT NULL,                   -- the checkpoint
    revision bigint NOT NULL,                   -- number of commits
    complete boolean NOT NULL,                  -- whether it has once caught up with the events
    seen_position bigint,                       -- an event at or before the checkpoint, and
    seen_event uuid,                            -- its id: what tells whether the events are still the same
    UNIQUE (aggregate, projection, target, meaning, shadow)
) WITH (fillfactor = 50);

-- Events that could not be folded and wait for an operator's decision.
CREATE TABLE eventloom.poison (
    read_model bigint NOT NULL,
    position bigint NOT NULL,
    stream_id text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    reason text COLLATE "C" NOT NULL,
    found_at timestamptz NOT NULL,
    stops boolean NOT NULL,                     -- whether the whole projection stands still before it
    PRIMARY KEY (read_model, position)
);

-- Events that an operator decided to leave out of the rows for good.
CREATE TABLE eventloom.skipped (
    aggregate text COLLATE "C" NOT NULL,
    projection text COLLATE "C" NOT NULL,
    target text COLLATE "C" NOT NULL,
    meaning text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    stream_id text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    failure text COLLATE "C" NOT NULL,          -- why it could not be folded
    operator text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,           -- why it was skipped
    decided_at timestamptz NOT NULL,
    PRIMARY KEY (aggregate, projection, target, meaning, position)
);
