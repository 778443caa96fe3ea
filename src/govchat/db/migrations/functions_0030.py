"""SQL functions of revision 0030: what a thousand tenants cost while nothing happens, and each of their messages beside itself.

A promise to the ledger of rates finds what is long over by its index: what stood there read all promises for the few that were over, as
much CPU as the rest of the call. A look at campaigns asks a still tenant one thing instead of three. What 0018 and 0029 promise holds.
"""

from govchat.db.migrations import functions_0018, functions_0029

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

# As in 0029, with one statement for a tenant that has nothing under way: most of a thousand.
CAMPAIGNS_AT_HAND = """
CREATE OR REPLACE FUNCTION campaigns_at_hand(which uuid[], at timestamptz, many integer, patience interval)
RETURNS TABLE (
  tenant uuid, counts boolean, pictures boolean, campaign uuid, state text, expanded boolean, way text, waits boolean,
  refreshed_at timestamptz
) LANGUAGE plpgsql SECURITY INVOKER
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
#variable_conflict use_variable
BEGIN
  FOREACH tenant IN ARRAY which LOOP
    PERFORM set_config('govchat.tenant_id', tenant::text, true);
    CONTINUE WHEN NOT (
      EXISTS (
        SELECT FROM campaigns c
        WHERE c.tenant_id = tenant AND (c.state IN ('approved', 'scheduled', 'running') OR (c.state = 'cancelled' AND NOT c.swept)))
      OR EXISTS (SELECT FROM outbox_tallies t WHERE t.tenant_id = tenant)
      OR EXISTS (
        SELECT FROM campaign_pictures p WHERE p.tenant_id = tenant AND p.attachment_id IS NULL AND p.trouble IS NULL));
    SELECT count(*) >= many OR coalesce(bool_or(y.refund > 0 OR NOT EXISTS (
      SELECT FROM outbox_bodies b WHERE b.tenant_id = tenant AND b.id = y.body_ref AND b.is_open)), false)
    INTO counts
    FROM (SELECT t.refund, t.body_ref FROM outbox_tallies t WHERE t.tenant_id = tenant LIMIT many) y;
    pictures := EXISTS (
      SELECT FROM campaign_pictures p WHERE p.tenant_id = tenant AND p.attachment_id IS NULL AND p.trouble IS NULL);
    FOR campaign, state, expanded, way, waits, refreshed_at IN
      SELECT c.id, c.state, c.expanded, c.way,
             EXISTS (
               SELECT FROM outbox_messages m WHERE m.tenant_id = tenant AND m.body_ref = c.id AND m.state = 'queued' OFFSET 0)
             OR EXISTS (
               SELECT FROM outbox_messages m
               WHERE m.tenant_id = tenant AND m.state IN ('sending', 'uncertain') AND m.settled_by IS NULL AND m.body_ref = c.id
                 AND (m.state = 'sending' OR m.claimed_at > clock_timestamp() - patience) OFFSET 0),
             (SELECT b.refreshed_at FROM outbox_bodies b WHERE b.tenant_id = tenant AND b.id = c.id)
      FROM campaigns c
      WHERE c.tenant_id = tenant
        AND (c.state IN ('approved', 'scheduled', 'running') OR (c.state = 'cancelled' AND NOT c.swept))
        AND (c.state <> 'scheduled' OR c.send_at <= at)
      ORDER BY c.class <> 'emergency', c.id
    LOOP
      RETURN NEXT;
    END LOOP;
    IF NOT FOUND AND (counts OR pictures) THEN
      campaign := NULL;
      RETURN NEXT;
    END IF;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""

FUNCTIONS = (RATES_PROMISE, CAMPAIGNS_AT_HAND)
BEFORE = tuple(
    before.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
    for before in (functions_0018.RATES_PROMISE, functions_0029.CAMPAIGNS_AT_HAND)
)
