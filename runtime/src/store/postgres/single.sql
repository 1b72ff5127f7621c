-- The event store, version 3: the append that comes most often, alone and in fewer steps.

-- One append of one event, without keys and without a snapshot. What it says is a number: the position; or 0, where the
-- command is known; or the stream's version as -1 - version, where it has moved on.
--
-- Where the stream is there, and where it is expected to be, and the command is a new one, this is all that `append` would
-- do. Everything else is for that one to decide.
CREATE FUNCTION eventloom.append_one(
    of_aggregate text, of_id text, expected bigint, content bytea,
    event_shape integer, event_id uuid, event_at timestamptz, event_recorded_at timestamptz, event_actor text,
    event_correlation text, event_causation text, event_traceparent text, event_data text,
    command text, command_whole text
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO eventloom, pg_temp
SET lock_timeout TO '20s'
-- What `append` is told of plans is told to the connection, once.
AS $$
DECLARE
    is_known boolean := false;
    appended record;
    told record;
BEGIN
    -- As `begin_append`, whose call would take longer than what it does.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM begin_append();
    END IF;
    LOCK TABLE appending IN EXCLUSIVE MODE;

    IF command IS NOT NULL THEN
        is_known := EXISTS (SELECT FROM commands c WHERE c.id = command);
    END IF;
    IF NOT is_known THEN
        INSERT INTO events
        SELECT
            (SELECT e.position FROM events e ORDER BY e.position DESC LIMIT 1) + 1,
            s.no, expected + 1, event_shape, event_id, event_at, event_recorded_at, event_actor, event_correlation,
            event_causation, event_traceparent, event_data
        FROM streams s
        WHERE s.aggregate = of_aggregate AND s.id = of_id
            AND (SELECT e.sequence FROM events e WHERE e.stream = s.no ORDER BY e.sequence DESC LIMIT 1) = expected
        RETURNING position, stream INTO appended;
        IF FOUND THEN
            IF command IS NOT NULL THEN
                INSERT INTO commands (id, stream, first, last, content, whole)
                VALUES (command, appended.stream, expected + 1, expected + 1, content, command_whole);
            END IF;
            RETURN appended.position;
        END IF;
    END IF;

    SELECT a.outcomes[1] AS outcome, a.details[1] AS detail INTO told
    FROM append(
        ARRAY[of_aggregate], ARRAY[of_id], ARRAY[expected], ARRAY[1], ARRAY[content], ARRAY[true],
        ARRAY[1], ARRAY[expected + 1], ARRAY[event_shape], ARRAY[event_id], ARRAY[event_at], ARRAY[event_recorded_at],
        ARRAY[event_actor], ARRAY[event_correlation], ARRAY[event_causation], ARRAY[event_traceparent],
        ARRAY[event_data],
        '{}', '{}', '{}', '{}', '{}', '{}', '{}',
        CASE WHEN command IS NULL THEN '{}' ELSE '{1}'::integer[] END, ARRAY[command], '{NULL}', '{NULL}', '{NULL}',
        '{NULL}', ARRAY[command_whole],
        '{}', '{}', '{}', '{}', true
    ) a;
    RETURN CASE told.outcome WHEN 0 THEN told.detail WHEN 1 THEN 0 ELSE -1 - told.detail END;
END
$$;

REVOKE ALL ON FUNCTION eventloom.append_one FROM PUBLIC;

-- Whoever may append may append one event too.
DO $$
DECLARE
    may record;
BEGIN
    FOR may IN
        SELECT a.grantee::regrole AS role
        FROM pg_proc p, aclexplode(p.proacl) a
        WHERE p.oid = 'eventloom.append'::regproc AND a.grantee NOT IN (0, p.proowner)
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION eventloom.append_one TO %s', may.role);
    END LOOP;
END
$$;
