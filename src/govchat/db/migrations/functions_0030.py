"""SQL functions of revision 0030: a promise to the ledger of rates finds what is long over by its index.

What stood there read all promises for the few that were over, as much CPU as the rest of the call. What 0018 promises holds as before.
"""

from govchat.db.migrations import functions_0018

# Promises that count no more are dropped after ten windows' length, up to a hundred in a call, which makes a few.
RATES_PROMISE = """
CREATE OR REPLACE FUNCTION rates_promise(
  me uuid, names text[], limits integer[], asides integer[], wanted integer[], lasts interval, span interval
) RETURNS integer[] LANGUAGE plpgsql SECURITY INVOKER AS $$
DECLARE
  one record;
  gone record;
  -- A value, not an expression: the index is entered at it.
  over timestamptz := clock_timestamp() - 10 * span;
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
  FOR gone IN
    SELECT o.name, o.holder FROM rate_promises o WHERE o.until < over
    ORDER BY o.until LIMIT 100 FOR UPDATE SKIP LOCKED
  LOOP
    DELETE FROM rate_promises p WHERE p.name = gone.name AND p.holder = gone.holder;
  END LOOP;
  RETURN answers;
END $$
"""

FUNCTIONS = (RATES_PROMISE,)
BEFORE = (functions_0018.RATES_PROMISE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"),)
