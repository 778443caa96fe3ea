"""SQL functions of revision 0029: what campaigns of many tenants need, read in one call; their counts, folded in another.

Like those of 0003 they run as their caller and bind the tenants that are named one after another. They are planned once, for probes.
"""

# A row for each campaign that is under way, emergencies before everything else, and for a tenant with other things to do one without a
# campaign. `counts`: its tallies are worth folding: many, of a body that is closed, or with money to give back. `pictures`: some are not at
# Zalo yet. `waits`: somebody is still to be told, is being told, or there is a doubt about them that is no older than `patience`.
CAMPAIGNS_AT_HAND = """
CREATE FUNCTION campaigns_at_hand(which uuid[], at timestamptz, many integer, patience interval)
RETURNS TABLE (
  tenant uuid, counts boolean, pictures boolean, campaign uuid, state text, expanded boolean, way text, waits boolean,
  refreshed_at timestamptz
) LANGUAGE plpgsql SECURITY INVOKER
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
#variable_conflict use_variable
BEGIN
  FOREACH tenant IN ARRAY which LOOP
    PERFORM set_config('govchat.tenant_id', tenant::text, true);
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

# What was tallied is added to the bodies' own figures; a tally that another process is folding stays with that one.
OUTBOX_FOLD = """
CREATE FUNCTION outbox_fold(which uuid[], most integer) RETURNS integer LANGUAGE plpgsql SECURITY INVOKER
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
  tenant uuid;
  bodies integer;
  folded integer := 0;
BEGIN
  FOR tenant IN SELECT w FROM unnest(which) w ORDER BY w LOOP
    PERFORM set_config('govchat.tenant_id', tenant::text, true);
    WITH taken AS (
      DELETE FROM outbox_tallies t WHERE t.tenant_id = tenant AND t.id IN (
        SELECT y.id FROM outbox_tallies y WHERE y.tenant_id = tenant ORDER BY y.id LIMIT most FOR UPDATE SKIP LOCKED)
      RETURNING t.body_ref, t.state, t.by, t.cost, t.refund
    ), sums AS (
      SELECT body_ref, sum(cost) AS cost, sum(refund) AS refund, coalesce(sum(by) FILTER (WHERE state = 'sent'), 0) AS sent,
             coalesce(sum(by) FILTER (WHERE state = 'uncertain'), 0) AS uncertain,
             coalesce(sum(by) FILTER (WHERE state = 'failed'), 0) AS failed,
             coalesce(sum(by) FILTER (WHERE state = 'skipped'), 0) AS skipped
      FROM taken GROUP BY body_ref
    )
    UPDATE outbox_bodies b
    SET sent = b.sent + s.sent, uncertain = b.uncertain + s.uncertain, failed = b.failed + s.failed,
        skipped = b.skipped + s.skipped, spent = b.spent + s.cost, reserved = b.reserved - s.refund
    FROM sums s WHERE b.tenant_id = tenant AND b.id = s.body_ref;
    GET DIAGNOSTICS bodies = ROW_COUNT;
    folded := folded + bodies;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
  RETURN folded;
END $$
"""

FUNCTIONS = (CAMPAIGNS_AT_HAND, OUTBOX_FOLD)
ADDED = ("campaigns_at_hand(uuid[], timestamptz, integer, interval)", "outbox_fold(uuid[], integer)")
