-- Version 4: of which aggregate a segment is and which types its blocks have, so that readers of others leave them alone;
-- and the folder in which the archive was found last.

-- Whoever archives at this moment has ended before it is looked whether there are segments.
LOCK TABLE eventloom.archive_segments IN ACCESS EXCLUSIVE MODE;

DO $$
BEGIN
    IF EXISTS (SELECT FROM eventloom.archive_segments) THEN
        RAISE EXCEPTION 'events were archived by a program from before the first release, whose archives this one does not '
            'read: copy the store with that program into a new one, where they lie with the rest, and open that'
            USING ERRCODE = 'EVOLD';
    END IF;
END
$$;

ALTER TABLE eventloom.archive_store ADD COLUMN folder text COLLATE "C"; -- where the last run has found the archive, or put it
ALTER TABLE eventloom.archive_segments ADD COLUMN aggregate text COLLATE "C" NOT NULL; -- of all its events
-- Of its events: a JSON array of the stored names.
ALTER TABLE eventloom.archive_blocks ADD COLUMN types text COLLATE "C" NOT NULL;

ALTER FUNCTION eventloom.archive RENAME TO archive_untyped;

-- Notes the folder in which an archiver has found the archive whole.
CREATE FUNCTION eventloom.archive_moved(new_folder text) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path TO eventloom, pg_temp
AS $$
    UPDATE archive_store SET folder = new_folder WHERE folder IS DISTINCT FROM new_folder
$$;

-- Notes where events are archived, and deletes them: all that are named, as they are named, or none. What is left of
-- each stream follows on what has left, and its last event stays: appends find there what they need.
CREATE FUNCTION eventloom.archive(
    new_no bigint, new_file text, new_folder text, new_bytes bigint, new_sha256 bytea, new_first bigint,
    new_last bigint, new_archived_at timestamptz, new_aggregate text,
    block_no integer[], block_start bigint[], block_length bigint[], block_lines bigint[], block_sha256 bytea[],
    block_types text[],
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

    INSERT INTO archive_segments (no, aggregate, file, folder, bytes, sha256, first, last, archived_at)
    VALUES (new_no, new_aggregate, new_file, new_folder, new_bytes, new_sha256, new_first, new_last, new_archived_at)
    ON CONFLICT (no) DO NOTHING;
    IF NOT EXISTS (SELECT 1 FROM archive_segments s WHERE s.no = new_no AND s.sha256 = new_sha256) THEN
        RAISE EXCEPTION 'somebody else has archived as segment % meanwhile', new_no
            USING ERRCODE = 'serialization_failure';
    END IF;

    INSERT INTO archive_blocks (segment, block, start, length, lines, events, first, last, sha256, types)
    SELECT new_no, b.block, b.start, b.length, b.lines, n.events, n.first, n.last, b.sha256, b.types
    FROM unnest(block_no, block_start, block_length, block_lines, block_sha256, block_types)
        AS b (block, start, length, lines, sha256, types)
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

    PERFORM archive_moved(new_folder);

    IF deleted <> cardinality(event_position) OR torn > 0 THEN
        RAISE EXCEPTION 'of % events that were archived % may leave the live table, and % streams would be torn: somebody '
            'else has archived them, or has changed the tables by hand', cardinality(event_position), deleted, torn
            USING ERRCODE = 'serialization_failure';
    END IF;
END
$$;

REVOKE ALL ON FUNCTION eventloom.archive, eventloom.archive_moved FROM PUBLIC;

-- Whoever may archive may go on, and who reads events learns where those are that are archived.
DO $$
DECLARE
    may record;
BEGIN
    FOR may IN
        SELECT a.grantee::regrole AS role
        FROM pg_proc p, aclexplode(p.proacl) a
        WHERE p.oid = 'eventloom.archive_untyped'::regproc AND a.grantee NOT IN (0, p.proowner)
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION eventloom.archive, eventloom.archive_moved TO %s', may.role);
    END LOOP;
    FOR may IN
        SELECT DISTINCT a.grantee FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.oid = 'eventloom.events'::regclass AND a.privilege_type = 'SELECT' AND a.grantee <> c.relowner
    LOOP
        EXECUTE format(
            'GRANT SELECT ON eventloom.archive_store TO %s',
            CASE WHEN may.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(may.grantee)) END
        );
    END LOOP;
END
$$;

DROP FUNCTION eventloom.archive_untyped;
