-- Version 2: where archived events lie. What these tables say has left the table of events, and nothing else has; the
-- manifests beside the files are for people.

-- The identity by which the folder of an archive knows the store.
CREATE TABLE eventloom.archive_store (
    only_one boolean PRIMARY KEY CHECK (only_one),
    id text COLLATE "C" NOT NULL
);

CREATE TABLE eventloom.archive_segments (
    no bigint PRIMARY KEY,
    file text COLLATE "C" NOT NULL UNIQUE,      -- within the folder that the program names
    folder text COLLATE "C" NOT NULL,           -- where it was written
    bytes bigint NOT NULL,
    sha256 bytea NOT NULL,
    first bigint NOT NULL,                      -- positions
    last bigint NOT NULL,
    archived_at timestamptz NOT NULL
);

-- Parts of the files that are read by themselves. Those of one segment follow each other in the order of positions; those
-- of several overlap.
CREATE TABLE eventloom.archive_blocks (
    segment bigint NOT NULL,
    block integer NOT NULL,
    start bigint NOT NULL,                      -- bytes of the file
    length bigint NOT NULL,
    lines bigint NOT NULL,                      -- bytes, not compressed
    events bigint NOT NULL,
    first bigint NOT NULL,                      -- positions
    last bigint NOT NULL,
    sha256 bytea NOT NULL,
    PRIMARY KEY (segment, block)
);

CREATE INDEX archive_blocks_by_first ON eventloom.archive_blocks (first);
CREATE INDEX archive_blocks_by_last ON eventloom.archive_blocks (segment, last);

-- Which events of a stream lie in which block: those from one sequence to another.
CREATE TABLE eventloom.archive_ranges (
    stream bigint NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    segment bigint NOT NULL,
    block integer NOT NULL,
    PRIMARY KEY (stream, first)
);

-- The identity of the store, the proposed one where it had none.
CREATE FUNCTION eventloom.archive_identity(proposed text) RETURNS text
LANGUAGE sql SECURITY DEFINER
SET search_path TO eventloom, pg_temp
AS $$
    INSERT INTO archive_store (only_one, id) VALUES (true, proposed) ON CONFLICT DO NOTHING;
    SELECT id FROM archive_store
$$;

-- Notes where events are archived, and deletes them: all that are named, as they are named, or none. What is left of
-- each stream follows on what has left, and its last event stays: appends find there what they need.
CREATE FUNCTION eventloom.archive(
    new_no bigint, new_file text, new_folder text, new_bytes bigint, new_sha256 bytea, new_first bigint,
    new_last bigint, new_archived_at timestamptz,
    block_no integer[], block_start bigint[], block_length bigint[], block_lines bigint[], block_sha256 bytea[],
    event_block integer[], event_position bigint[], event_stream bigint[], event_sequence bigint[]
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO eventloom, pg_temp
SET lock_timeout TO '20s'
-- Everything here is found by an index, whatever the planner believes of how much there is.
SET enable_seqscan TO off
SET enable_hashjoin TO off
SET enable_mergejoin TO off
SET enable_bitmapscan TO off
SET jit TO off
AS $$
DECLARE
    noted bigint;
    deleted bigint;
    torn bigint;
BEGIN
    -- Reads go by the bounds of segments.
    IF EXISTS (SELECT 1 FROM unnest(event_position) AS e (position) WHERE e.position NOT BETWEEN new_first AND new_last) THEN
        RAISE EXCEPTION 'events are to leave with segment % that are not between % and %, which it is said to hold',
            new_no, new_first, new_last USING ERRCODE = 'check_violation';
    END IF;

    INSERT INTO archive_segments (no, file, folder, bytes, sha256, first, last, archived_at)
    VALUES (new_no, new_file, new_folder, new_bytes, new_sha256, new_first, new_last, new_archived_at)
    ON CONFLICT (no) DO NOTHING;
    IF NOT EXISTS (SELECT 1 FROM archive_segments s WHERE s.no = new_no AND s.sha256 = new_sha256) THEN
        RAISE EXCEPTION 'somebody else has archived as segment % meanwhile', new_no
            USING ERRCODE = 'serialization_failure';
    END IF;

    INSERT INTO archive_blocks (segment, block, start, length, lines, events, first, last, sha256)
    SELECT new_no, b.block, b.start, b.length, b.lines, n.events, n.first, n.last, b.sha256
    FROM unnest(block_no, block_start, block_length, block_lines, block_sha256)
        AS b (block, start, length, lines, sha256)
    JOIN (
        SELECT e.block, count(*) AS events, min(e.position) AS first, max(e.position) AS last
        FROM unnest(event_block, event_position) AS e (block, position) GROUP BY e.block
    ) n ON n.block = b.block
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS noted = ROW_COUNT;
    IF noted <> cardinality(block_no) THEN
        RAISE EXCEPTION 'somebody else has archived as segment % meanwhile', new_no
            USING ERRCODE = 'serialization_failure';
    END IF;

    INSERT INTO archive_ranges (stream, first, last, segment, block)
    SELECT e.stream, min(e.sequence), max(e.sequence), new_no, e.block
    FROM unnest(event_block, event_stream, event_sequence) AS e (block, stream, sequence)
    GROUP BY e.stream, e.block;

    DELETE FROM events e
    USING unnest(event_position, event_stream, event_sequence) AS l (position, stream, sequence)
    WHERE e.position = l.position AND e.stream = l.stream AND e.sequence = l.sequence;
    GET DIAGNOSTICS deleted = ROW_COUNT;

    SELECT count(*) INTO torn
    FROM (
        SELECT e.stream, min(e.sequence) AS first, max(e.sequence) AS last, count(*) AS events
        FROM unnest(event_stream, event_sequence) AS e (stream, sequence) GROUP BY e.stream
    ) g
    WHERE g.events <> g.last - g.first + 1
        OR g.last + 1 IS DISTINCT FROM
            (SELECT e.sequence FROM events e WHERE e.stream = g.stream ORDER BY e.sequence LIMIT 1);

    IF deleted <> cardinality(event_position) OR torn > 0 THEN
        RAISE EXCEPTION 'of % events that were archived % may leave the live table, and % streams would be torn: somebody '
            'else has archived them, or has changed the tables by hand', cardinality(event_position), deleted, torn
            USING ERRCODE = 'serialization_failure';
    END IF;
END
$$;

REVOKE ALL ON FUNCTION eventloom.archive, eventloom.archive_identity FROM PUBLIC;

-- Who reads events reads archived ones too.
DO $$
DECLARE
    reader record;
BEGIN
    FOR reader IN
        SELECT DISTINCT a.grantee FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.oid = 'eventloom.events'::regclass AND a.privilege_type = 'SELECT' AND a.grantee <> c.relowner
    LOOP
        EXECUTE format(
            'GRANT SELECT ON eventloom.archive_segments, eventloom.archive_blocks, eventloom.archive_ranges TO %s',
            CASE WHEN reader.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(reader.grantee)) END
        );
    END LOOP;
END
$$;
