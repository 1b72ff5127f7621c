-- The event store, version 5: the append of one event may claim a key. The function of version 3 stays for programs that
-- run on while those of this version come up.

-- One append of one event, with a key that it claims or without, and without a snapshot. What it says is a number: the
-- position; or 0, where the command is known; or the stream's version as -1 - version, where it has moved on; or nothing,
-- where the key is taken.
--
-- Where the stream is there, and where it is expected to be, the command is a new one and the key is free, this is all that
-- `append` would do. Everything else is for that one to decide.
CREATE FUNCTION eventloom.append_event(
    of_aggregate text, of_id text, expected bigint, content bytea,
    event_shape integer, event_id uuid, event_at timestamptz, event_recorded_at timestamptz, event_actor text,
    event_correlation text, event_causation text, event_traceparent text, event_data text,
    key_field integer, key_value text, key_across boolean, key_whole text,
    command text, command_whole text
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO eventloom, pg_temp
SET lock_timeout TO '20s'
-- What `append` is told of plans is told to the connection, once.
AS $$
DECLARE
    in_the_way boolean := false;
    appended record;
    told record;
BEGIN
    -- As `begin_append`, whose call would take longer than what it does.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM begin_append();
    END IF;
    LOCK TABLE appending IN EXCLUSIVE MODE;

    IF command IS NOT NULL THEN
        in_the_way := EXISTS (SELECT FROM commands c WHERE c.id = command);
    END IF;
    IF NOT in_the_way AND key_field IS NOT NULL THEN
        in_the_way := EXISTS (
            SELECT FROM unique_keys u
            WHERE u.field = key_field AND u.value = key_value AND u.scope = CASE WHEN key_across THEN 0 ELSE (
                SELECT s.no FROM streams s WHERE s.aggregate = of_aggregate AND s.id = of_id
            ) END
        );
    END IF;
    IF NOT in_the_way THEN
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
            IF key_field IS NOT NULL THEN
                INSERT INTO unique_keys (field, value, scope, stream, first, last, content, whole)
                VALUES (key_field, key_value, CASE WHEN key_across THEN 0 ELSE appended.stream END, appended.stream,
                    expected + 1, expected + 1, content, key_whole);
            END IF;
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
        -- Claimed, and not freed.
        CASE WHEN key_field IS NULL THEN '{}' ELSE '{1}'::integer[] END,
        CASE WHEN key_field IS NULL THEN '{}' ELSE '{1}'::integer[] END,
        ARRAY[key_field], ARRAY[key_value], ARRAY[key_across], '{false}', ARRAY[key_whole],
        CASE WHEN command IS NULL THEN '{}' ELSE '{1}'::integer[] END, ARRAY[command], '{NULL}', '{NULL}', '{NULL}',
        '{NULL}', ARRAY[command_whole],
        '{}', '{}', '{}', '{}', true
    ) a;
    RETURN CASE told.outcome WHEN 0 THEN told.detail WHEN 1 THEN 0 WHEN 2 THEN NULL ELSE -1 - told.detail END;
END
$$;

REVOKE ALL ON FUNCTION eventloom.append_event FROM PUBLIC;

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
        EXECUTE format('GRANT EXECUTE ON FUNCTION eventloom.append_event TO %s', may.role);
    END LOOP;
END
$$;
