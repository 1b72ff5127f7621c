-- The tables and functions of the event store, version 1. Numbers stand for texts that repeat: `shape` for
-- aggregate, type and version, `stream` for aggregate and id, `field` for aggregate and field. People read the view
-- `event_log`. Programs change nothing but by the functions, which need no more rights than to be called.

-- Every version of every event type that was ever registered or stored.
CREATE TABLE eventloom.shapes (
    id integer PRIMARY KEY,
    aggregate text COLLATE "C" NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    shape text COLLATE "C",                     -- null until a program registers it
    UNIQUE (aggregate, event_type, version)
);

CREATE SEQUENCE eventloom.stream_numbers;

CREATE TABLE eventloom.streams (
    no bigint PRIMARY KEY,
    aggregate text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    UNIQUE (aggregate, id)
);

-- The version of a stream is its greatest sequence; no second place says so.
CREATE TABLE eventloom.events (
    position bigint PRIMARY KEY,
    stream bigint NOT NULL,
    sequence bigint NOT NULL,
    shape integer NOT NULL,
    event_id uuid NOT NULL,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    actor text COLLATE "C",
    correlation_id text COLLATE "C",
    causation_id text COLLATE "C",
    traceparent text COLLATE "C",
    data text COLLATE "C" NOT NULL,
    UNIQUE (stream, sequence)
);

CREATE TABLE eventloom.unique_fields (
    id integer PRIMARY KEY,
    aggregate text COLLATE "C" NOT NULL,
    field text COLLATE "C" NOT NULL,
    UNIQUE (aggregate, field)
);

-- By value before scope: ids that grow with time are then claimed side by side.
CREATE TABLE eventloom.unique_keys (
    field integer NOT NULL,
    value text COLLATE "C" NOT NULL,
    scope bigint NOT NULL,                      -- the stream, or 0 for all streams of the aggregate
    stream bigint NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    content bytea NOT NULL,
    whole text COLLATE "C",                     -- the value, where it is longer than what an index takes
    PRIMARY KEY (field, value, scope)
);

CREATE TABLE eventloom.commands (
    id text COLLATE "C" PRIMARY KEY,
    stream bigint NOT NULL,
    first bigint,                               -- null where the command neither appended nor repeated anything
    last bigint,
    content bytea NOT NULL,
    refusal text COLLATE "C",
    message text COLLATE "C",
    whole text COLLATE "C"                      -- the id, where it is longer than what an index takes
);

-- Refusals that kept events are found by these too: a retry may bring only a unique key along.
CREATE INDEX refusals_with_events ON eventloom.commands (stream, first)
    WHERE refusal IS NOT NULL AND first IS NOT NULL;

CREATE TABLE eventloom.snapshots (
    stream bigint NOT NULL,
    meaning bigint NOT NULL,
    sequence bigint NOT NULL,
    data bytea NOT NULL,                        -- JSON
    PRIMARY KEY (stream, meaning)
);

CREATE VIEW eventloom.event_log AS
SELECT
    e.position,
    s.aggregate,
    s.id AS stream_id,
    e.sequence,
    h.event_type,
    h.version,
    e.at,
    e.recorded_at,
    e.data,
    e.actor,
    e.correlation_id,
    e.causation_id,
    e.traceparent,
    e.event_id
FROM eventloom.events e
JOIN eventloom.shapes h ON h.id = e.shape
JOIN eventloom.streams s ON s.no = e.stream;

-- What is locked by who appends. It has no rows, and nobody but its owner may lock it.
CREATE TABLE eventloom.appending ();

-- Appends come one after the other. Positions are given out while the lock is held that lasts until the commit, so
-- that they are committed in their order: who has seen one has seen all before it.
CREATE FUNCTION eventloom.begin_append() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO eventloom, pg_temp
SET lock_timeout TO '20s'
AS $$
BEGIN
    -- With a snapshot from before the lock, what others appended meanwhile would be overlooked.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'appends need transactions that are READ COMMITTED, and this one is %',
            upper(current_setting('transaction_isolation')) USING ERRCODE = 'feature_not_supported';
    END IF;
    LOCK TABLE appending IN EXCLUSIVE MODE;
END
$$;

-- Appends of several callers at once: for each its outcome (0 appended, 1 the command is known, 2 a key is taken,
-- 3 the stream has moved on), and a number with it: the position, -, the place of the key, the stream's version.
-- No two of them have a stream, a key or a command id in common, so that none depends on another.
--
-- Where nothing is to be written yet, they are only told what would come of them.
--
-- `of` is the number of the append, from 1. Keys have a kind: 1 claimed, 2 claimed and freed, 3 freed.
CREATE FUNCTION eventloom.append(
    aggregates text[], ids text[], expected bigint[], counts integer[], contents bytea[], leaves boolean[],
    event_of integer[], event_sequence bigint[], event_shape integer[], event_id uuid[], event_at timestamptz[],
    event_recorded_at timestamptz[], event_actor text[], event_correlation text[], event_causation text[],
    event_traceparent text[], event_data text[],
    key_of integer[], key_kind integer[], key_field integer[], key_value text[], key_across boolean[],
    key_own boolean[], key_whole text[],
    command_of integer[], command_id text[], command_refusal text[], command_message text[],
    command_first bigint[], command_last bigint[], command_whole text[],
    snapshot_of integer[], snapshot_meaning bigint[], snapshot_sequence bigint[], snapshot_data bytea[],
    writes boolean,
    OUT outcomes integer[], OUT details bigint[], OUT head bigint
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO eventloom, pg_temp
SET lock_timeout TO '20s'
-- A table that has just grown is known to the planner as a small one. Everything here is found by an index.
SET enable_seqscan TO off
SET enable_hashjoin TO off
SET enable_mergejoin TO off
SET enable_bitmapscan TO off
SET plan_cache_mode TO force_generic_plan
SET jit TO off
AS $$
DECLARE
    numbers bigint[];
    versions bigint[];
    fresh boolean[];
    any_fresh boolean := false;
    hit record;
BEGIN
    PERFORM begin_append();
    SELECT coalesce(max(e.position), 0) INTO head FROM events e;

    SELECT
        array_agg(s.no ORDER BY a.ord),
        array_agg(coalesce(
            (SELECT e.sequence FROM events e WHERE e.stream = s.no ORDER BY e.sequence DESC LIMIT 1), 0
        ) ORDER BY a.ord)
    INTO numbers, versions
    FROM unnest(aggregates, ids) WITH ORDINALITY AS a (aggregate, id, ord)
    LEFT JOIN streams s ON s.aggregate = a.aggregate AND s.id = a.id;

    outcomes := array_fill(0, ARRAY[cardinality(ids)]);
    details := array_fill(0::bigint, ARRAY[cardinality(ids)]);
    fresh := array_fill(false, ARRAY[cardinality(ids)]);

    IF cardinality(command_of) > 0 THEN
        FOR hit IN
            SELECT c.of FROM unnest(command_of, command_id) AS c (of, id)
            JOIN commands k ON k.id = c.id
        LOOP
            outcomes[hit.of] := 1;
        END LOOP;
    END IF;

    IF cardinality(key_of) > 0 THEN
        FOR hit IN
            SELECT k.of, k.ord
            FROM unnest(key_of, key_kind, key_field, key_value, key_across, key_own)
                WITH ORDINALITY AS k (of, kind, field, value, across, own, ord)
            JOIN unique_keys u ON u.field = k.field AND u.value = k.value
                AND u.scope = CASE WHEN k.across THEN 0 ELSE numbers[k.of] END
            -- A key that the append itself frees is not taken.
            WHERE k.kind < 3 AND NOT (k.own AND u.stream IS NOT DISTINCT FROM numbers[k.of])
            ORDER BY k.ord
        LOOP
            IF outcomes[hit.of] = 0 THEN
                outcomes[hit.of] := 2;
                details[hit.of] := hit.ord;
            END IF;
        END LOOP;
    END IF;

    FOR i IN 1 .. cardinality(ids) LOOP
        IF outcomes[i] = 0 THEN
            IF versions[i] <> expected[i] THEN
                outcomes[i] := 3;
                details[i] := versions[i];
            ELSE
                IF numbers[i] IS NULL AND leaves[i] AND writes THEN
                    numbers[i] := nextval('stream_numbers');
                    fresh[i] := true;
                    any_fresh := true;
                END IF;
                head := head + counts[i];
                details[i] := head;
            END IF;
        END IF;
    END LOOP;

    IF NOT writes THEN
        RETURN;
    END IF;

    IF any_fresh THEN
        INSERT INTO streams (no, aggregate, id)
        SELECT s.no, s.aggregate, s.id FROM unnest(numbers, aggregates, ids, fresh) AS s (no, aggregate, id, fresh)
        WHERE s.fresh;
    END IF;

    IF cardinality(event_of) > 0 THEN
        INSERT INTO events
        SELECT
            -- The last of an append has its position, those before it the numbers before.
            details[e.of] - counts[e.of] + (e.sequence - expected[e.of]),
            numbers[e.of], e.sequence, e.shape, e.event_id, e.at, e.recorded_at, e.actor, e.correlation,
            e.causation, e.traceparent, e.data
        FROM unnest(event_of, event_sequence, event_shape, event_id, event_at, event_recorded_at, event_actor,
            event_correlation, event_causation, event_traceparent, event_data)
            AS e (of, sequence, shape, event_id, at, recorded_at, actor, correlation, causation, traceparent, data)
        WHERE outcomes[e.of] = 0;
    END IF;

    IF 3 = ANY (key_kind) THEN
        DELETE FROM unique_keys u
        USING unnest(key_of, key_kind, key_field, key_value, key_across) AS k (of, kind, field, value, across)
        WHERE k.kind = 3 AND outcomes[k.of] = 0 AND u.field = k.field AND u.value = k.value
            AND u.scope = CASE WHEN k.across THEN 0 ELSE numbers[k.of] END AND u.stream = numbers[k.of];
    END IF;

    IF 1 = ANY (key_kind) THEN
        INSERT INTO unique_keys (field, value, scope, stream, first, last, content, whole)
        SELECT k.field, k.value, CASE WHEN k.across THEN 0 ELSE numbers[k.of] END, numbers[k.of],
            expected[k.of] + 1, expected[k.of] + counts[k.of], contents[k.of], k.whole
        FROM unnest(key_of, key_kind, key_field, key_value, key_across, key_whole)
            AS k (of, kind, field, value, across, whole)
        WHERE k.kind = 1 AND outcomes[k.of] = 0;
    END IF;

    IF cardinality(command_of) > 0 THEN
        INSERT INTO commands (id, stream, first, last, content, refusal, message, whole)
        SELECT c.id, numbers[c.of],
            CASE WHEN counts[c.of] > 0 THEN expected[c.of] + 1 ELSE c.first END,
            CASE WHEN counts[c.of] > 0 THEN expected[c.of] + counts[c.of] ELSE c.last END,
            contents[c.of], c.refusal, c.message, c.whole
        FROM unnest(command_of, command_id, command_refusal, command_message, command_first, command_last,
            command_whole) AS c (of, id, refusal, message, first, last, whole)
        WHERE outcomes[c.of] = 0;
    END IF;

    IF cardinality(snapshot_of) > 0 THEN
        INSERT INTO snapshots (stream, meaning, sequence, data)
        SELECT numbers[s.of], s.meaning, s.sequence, s.data
        FROM unnest(snapshot_of, snapshot_meaning, snapshot_sequence, snapshot_data)
            AS s (of, meaning, sequence, data)
        WHERE outcomes[s.of] = 0
        ON CONFLICT (stream, meaning) DO UPDATE SET sequence = excluded.sequence, data = excluded.data;
    END IF;
END
$$;

-- Saves a snapshot outside an append. An older one does not replace a newer one, unless that one stands for events
-- which the stream does not have.
CREATE FUNCTION eventloom.save_snapshot(
    of_aggregate text, of_id text, new_meaning bigint, new_sequence bigint, new_data bytea
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO eventloom, pg_temp
SET lock_timeout TO '20s'
SET enable_seqscan TO off
AS $$
DECLARE
    number bigint;
BEGIN
    SELECT s.no INTO number FROM streams s WHERE s.aggregate = of_aggregate AND s.id = of_id;
    IF number IS NULL THEN
        PERFORM begin_append();
        SELECT s.no INTO number FROM streams s WHERE s.aggregate = of_aggregate AND s.id = of_id;
        IF number IS NULL THEN
            number := nextval('stream_numbers');
            INSERT INTO streams (no, aggregate, id) VALUES (number, of_aggregate, of_id);
        END IF;
    END IF;
    INSERT INTO snapshots AS s (stream, meaning, sequence, data)
    VALUES (number, new_meaning, new_sequence, new_data)
    ON CONFLICT (stream, meaning) DO UPDATE SET sequence = excluded.sequence, data = excluded.data
    WHERE s.sequence <= excluded.sequence
        OR s.sequence > (SELECT coalesce(max(e.sequence), 0) FROM events e WHERE e.stream = s.stream);
END
$$;

CREATE FUNCTION eventloom.discard_snapshot(of_aggregate text, of_id text, of_meaning bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path TO eventloom, pg_temp
AS $$
    DELETE FROM snapshots s USING streams t
    WHERE t.aggregate = of_aggregate AND t.id = of_id AND s.stream = t.no AND s.meaning = of_meaning
$$;

-- The numbers of versions of event types, new ones where there are none.
CREATE FUNCTION eventloom.number_shapes(aggregates text[], event_types text[], versions bigint[]) RETURNS integer[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO eventloom, pg_temp
SET lock_timeout TO '20s'
AS $$
DECLARE
    numbers integer[] := '{}';
    number integer;
BEGIN
    LOCK TABLE shapes IN SHARE ROW EXCLUSIVE MODE;
    FOR i IN 1 .. cardinality(aggregates) LOOP
        SELECT s.id INTO number FROM shapes s
        WHERE s.aggregate = aggregates[i] AND s.event_type = event_types[i] AND s.version = versions[i];
        IF number IS NULL THEN
            INSERT INTO shapes (id, aggregate, event_type, version)
            SELECT coalesce(max(s.id), 0) + 1, aggregates[i], event_types[i], versions[i] FROM shapes s
            RETURNING id INTO number;
        END IF;
        numbers := numbers || number;
    END LOOP;
    RETURN numbers;
END
$$;

-- Records the shapes of an aggregate type, or none where another is recorded for one of them: then that one's place
-- and what is recorded.
CREATE FUNCTION eventloom.register(
    of_aggregate text, event_types text[], versions bigint[], of_shapes text[], OUT place integer, OUT stored text
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO eventloom, pg_temp
SET lock_timeout TO '20s'
AS $$
DECLARE
    numbers integer[];
BEGIN
    LOCK TABLE shapes IN SHARE ROW EXCLUSIVE MODE;
    SELECT p.ord, s.shape INTO place, stored
    FROM unnest(event_types, versions, of_shapes) WITH ORDINALITY AS p (event_type, version, shape, ord)
    JOIN shapes s ON s.aggregate = of_aggregate AND s.event_type = p.event_type AND s.version = p.version
    WHERE s.shape <> p.shape
    ORDER BY p.ord LIMIT 1;
    IF place IS NOT NULL THEN
        RETURN;
    END IF;
    numbers := number_shapes(array_fill(of_aggregate, ARRAY[cardinality(event_types)]), event_types, versions);
    UPDATE shapes s SET shape = p.shape
    FROM unnest(numbers, of_shapes) AS p (id, shape)
    WHERE s.id = p.id AND s.shape IS NULL;
END
$$;

-- The numbers of unique fields, new ones where there are none.
CREATE FUNCTION eventloom.number_fields(aggregates text[], fields text[]) RETURNS integer[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO eventloom, pg_temp
SET lock_timeout TO '20s'
AS $$
DECLARE
    numbers integer[] := '{}';
    number integer;
BEGIN
    LOCK TABLE unique_fields IN SHARE ROW EXCLUSIVE MODE;
    FOR i IN 1 .. cardinality(aggregates) LOOP
        SELECT f.id INTO number FROM unique_fields f WHERE f.aggregate = aggregates[i] AND f.field = fields[i];
        IF number IS NULL THEN
            INSERT INTO unique_fields (id, aggregate, field)
            SELECT coalesce(max(f.id), 0) + 1, aggregates[i], fields[i] FROM unique_fields f
            RETURNING id INTO number;
        END IF;
        numbers := numbers || number;
    END LOOP;
    RETURN numbers;
END
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA eventloom FROM PUBLIC;
