-- Where archived events lie. What these tables say has left the table of events, and nothing else has; the manifests
-- beside the files are for people.

-- The identity by which the folder of an archive knows the store.
CREATE TABLE IF NOT EXISTS archive_store (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    id TEXT NOT NULL,
    folder TEXT                     -- where the last run has found the archive, or put it
) STRICT;

CREATE TABLE IF NOT EXISTS archive_segments (
    no INTEGER PRIMARY KEY,
    aggregate TEXT NOT NULL,        -- of all its events
    file TEXT NOT NULL UNIQUE,      -- within the folder that the program names
    folder TEXT NOT NULL,           -- where it was written
    bytes INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    first INTEGER NOT NULL,         -- positions
    last INTEGER NOT NULL,
    archived_at INTEGER NOT NULL
) STRICT;

-- Parts of the files that are read by themselves. Those of one segment follow each other in the order of positions; those
-- of several overlap.
CREATE TABLE IF NOT EXISTS archive_blocks (
    segment INTEGER NOT NULL,
    block INTEGER NOT NULL,
    start INTEGER NOT NULL,         -- bytes of the file
    length INTEGER NOT NULL,
    lines INTEGER NOT NULL,         -- bytes, not compressed
    events INTEGER NOT NULL,
    first INTEGER NOT NULL,         -- positions
    last INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    types TEXT NOT NULL,            -- of its events: a JSON array of the stored names
    PRIMARY KEY (segment, block)
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS archive_blocks_by_first ON archive_blocks (first);
CREATE INDEX IF NOT EXISTS archive_blocks_by_last ON archive_blocks (segment, last);

-- Which events of a stream lie in which block: those from one sequence to another.
CREATE TABLE IF NOT EXISTS archive_ranges (
    stream INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    block INTEGER NOT NULL,
    PRIMARY KEY (stream, first)
) STRICT, WITHOUT ROWID;
