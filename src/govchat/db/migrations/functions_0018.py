"""SQL functions of revision 0018: the ledger of rates, which outlives Redis.

Of every window three things hold at any moment, each within the last window's length: a process took from Redis no more than it had
promised; all processes together took from Redis no more than the limit without what is set aside; and what the ledger granted fits
beside both. Windows are locked in the order of their names for the length of a statement.
"""

# Promises that count no more are dropped after ten windows' length.
RATES_PROMISE = """
CREATE FUNCTION rates_promise(
  me uuid, names text[], limits integer[], asides integer[], wanted integer[], lasts interval, span interval
) RETURNS integer[] LANGUAGE plpgsql SECURITY INVOKER AS $$
DECLARE
  one record;
  used bigint;
  others bigint;
  mine integer;
  answers integer[] := array_fill(0, ARRAY[cardinality(names)]);
BEGIN
  FOR one IN SELECT * FROM unnest(names, limits, asides, wanted) WITH ORDINALITY AS w(name, most, aside, want, place) ORDER BY w.name LOOP
    PERFORM pg_advisory_xact_lock(hashtextextended('rate:' || one.name, 0));
    used := (SELECT coalesce(sum(s.taken), 0) FROM rate_slots s
             WHERE s.name = one.name AND s.slot >= floor(extract(epoch FROM clock_timestamp() - span)));
    SELECT coalesce(sum(p.ceiling) FILTER (WHERE p.holder <> me), 0), coalesce(sum(p.ceiling) FILTER (WHERE p.holder = me), 0)
    INTO others, mine FROM rate_promises p WHERE p.name = one.name AND p.until > clock_timestamp() - span;
    IF used > one.aside THEN
      -- The ledger gave more than what is set aside, because nobody had promised to take it from Redis: only the rest can be promised.
      one.want := greatest(least(one.want, one.most - used - others), least(one.want, mine), 0);
    END IF;
    INSERT INTO rate_promises AS p (name, holder, ceiling, until) VALUES (one.name, me, one.want, clock_timestamp() + lasts)
    ON CONFLICT (name, holder) DO UPDATE SET ceiling = excluded.ceiling, until = excluded.until;
    answers[one.place] := one.want;
  END LOOP;
  -- Rows that somebody is renewing at this moment are passed by: waiting for them here could be waiting for each other.
  DELETE FROM rate_promises p WHERE (p.name, p.holder) IN (
    SELECT o.name, o.holder FROM rate_promises o WHERE o.until < clock_timestamp() - 10 * span FOR UPDATE SKIP LOCKED);
  RETURN answers;
END $$
"""

RATES_BOUNDS = """
CREATE FUNCTION rates_bounds(names text[], span interval) RETURNS integer[]
LANGUAGE sql STABLE SECURITY INVOKER AS $$
  SELECT coalesce(array_agg(
    (SELECT coalesce(sum(p.ceiling), 0) FROM rate_promises p WHERE p.name = w.name AND p.until > clock_timestamp() - span)::integer
    ORDER BY w.place), '{}')
  FROM unnest(names) WITH ORDINALITY AS w(name, place)
$$
"""

# What is left beside the promises, to those without Redis. `owners` and `of_window` are pairs: which request counts against which window.
RATES_TAKE = """
CREATE FUNCTION rates_take(
  names text[], limits integer[], reserves integer[], wants integer[], slots bigint[], owners integer[], of_window integer[], span interval
) RETURNS bigint[] LANGUAGE plpgsql SECURITY INVOKER AS $$
DECLARE
  one record;
  room integer[] := array_fill(0, ARRAY[cardinality(names)]);
  here bigint := floor(extract(epoch FROM clock_timestamp()));
  oldest bigint := floor(extract(epoch FROM clock_timestamp() - span));
  answers bigint[];
  granted integer;
  free integer;
  number integer;
BEGIN
  FOR one IN SELECT * FROM unnest(names, limits, reserves) WITH ORDINALITY AS w(name, most, reserve, place) ORDER BY w.name LOOP
    PERFORM pg_advisory_xact_lock(hashtextextended('rate:' || one.name, 0));
    DELETE FROM rate_slots s WHERE s.name = one.name AND s.slot < oldest;
    room[one.place] := one.most
      - least(one.most - one.reserve / 2, (
          SELECT coalesce(sum(p.ceiling), 0) FROM rate_promises p WHERE p.name = one.name AND p.until > clock_timestamp() - span))
      - (SELECT coalesce(sum(s.taken), 0) FROM rate_slots s WHERE s.name = one.name);
  END LOOP;
  answers := ARRAY[here];
  FOR number IN 1 .. cardinality(wants) LOOP
    granted := wants[number];
    free := wants[number];
    FOR one IN SELECT x.w FROM unnest(owners, of_window) AS x(r, w) WHERE x.r = number LOOP
      IF granted < 0 THEN
        UPDATE rate_slots s SET taken = greatest(0, s.taken + granted) WHERE s.name = names[one.w] AND s.slot = slots[number];
      ELSE
        granted := greatest(0, least(granted, room[one.w]));
        free := greatest(0, least(free, room[one.w] - reserves[one.w]));
      END IF;
    END LOOP;
    IF granted > 0 THEN
      FOR one IN SELECT x.w FROM unnest(owners, of_window) AS x(r, w) WHERE x.r = number LOOP
        room[one.w] := room[one.w] - granted;
        INSERT INTO rate_slots AS s (name, slot, taken) VALUES (names[one.w], here, granted)
        ON CONFLICT (name, slot) DO UPDATE SET taken = s.taken + excluded.taken;
      END LOOP;
    END IF;
    answers := answers || granted::bigint || least(free, granted)::bigint;
  END LOOP;
  RETURN answers;
END $$
"""

FUNCTIONS = (RATES_PROMISE, RATES_BOUNDS, RATES_TAKE)
DROP = (
    "rates_promise(uuid, text[], integer[], integer[], integer[], interval, interval)",
    "rates_bounds(text[], interval)",
    "rates_take(text[], integer[], integer[], integer[], bigint[], integer[], integer[], interval)",
)
