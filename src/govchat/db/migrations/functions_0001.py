"""SQL functions of revision 0001.

Both run as their caller and bind the tenants they touch one after another: row-level security holds inside them as outside.
"""

# One durable batch over many tenants in one round trip; answers the ids that were new. Rows are inserted in key order, so that two
# batches that hold the same redelivered event wait for each other instead of dead-locking.
INBOX_PUT = """
CREATE FUNCTION inbox_put(
  tenants uuid[], ids uuid[], dedupe_keys text[], event_names text[], user_ids text[], occurred timestamptz[],
  signatures text[], bodies bytea[]
) RETURNS uuid[] LANGUAGE plpgsql SECURITY INVOKER AS $$
DECLARE
  bound uuid;
  added uuid[];
  fresh uuid[] := '{}';
BEGIN
  FOR bound IN SELECT DISTINCT t FROM unnest(tenants) AS t ORDER BY t LOOP
    PERFORM set_config('govchat.tenant_id', bound::text, true);
    WITH put AS (
      INSERT INTO inbox_events
        (tenant_id, id, dedupe_key, event_name, user_id, occurred_at, signature, body_sealed)
      SELECT e.tenant_id, e.id, e.dedupe_key, e.event_name, e.user_id, e.occurred_at, e.signature, e.body
      FROM unnest(tenants, ids, dedupe_keys, event_names, user_ids, occurred, signatures, bodies)
        AS e(tenant_id, id, dedupe_key, event_name, user_id, occurred_at, signature, body)
      WHERE e.tenant_id = bound
      ORDER BY e.dedupe_key
      ON CONFLICT (tenant_id, dedupe_key) DO NOTHING
      RETURNING id
    )
    SELECT coalesce(array_agg(id), '{}') INTO added FROM put;
    fresh := fresh || added;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
  RETURN fresh;
END $$
"""

# Which tenants have something due, and since when: index probes only, a few milliseconds for hundreds of tenants.
TENANTS_WITH_WORK = """
CREATE FUNCTION tenants_with_work(stale_after interval)
RETURNS TABLE (tenant uuid, inbox timestamptz, outbox timestamptz, bulk timestamptz, stale boolean)
LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  FOR tenant IN SELECT id FROM tenants LOOP
    PERFORM set_config('govchat.tenant_id', tenant::text, true);
    inbox := (
      SELECT min(e.received_at) FROM inbox_events e
      WHERE e.tenant_id = tenant AND e.state = 'pending' AND (e.retry_at IS NULL OR e.retry_at <= clock_timestamp()));
    outbox := (
      SELECT m.due_at FROM outbox_messages m
      WHERE m.tenant_id = tenant AND m.state = 'queued' AND m.lane < 3 AND m.due_at <= clock_timestamp()
      ORDER BY m.lane, m.seq LIMIT 1);
    bulk := (
      SELECT m.due_at FROM outbox_messages m
      WHERE m.tenant_id = tenant AND m.state = 'queued' AND m.lane = 3 AND m.due_at <= clock_timestamp()
      ORDER BY m.lane, m.seq LIMIT 1);
    stale := EXISTS (
      SELECT FROM outbox_messages m
      WHERE m.tenant_id = tenant AND m.state IN ('sending', 'uncertain') AND m.settled_by IS NULL
        AND m.claimed_at < clock_timestamp() - stale_after);
    IF stale OR inbox IS NOT NULL OR outbox IS NOT NULL OR bulk IS NOT NULL THEN
      RETURN NEXT;
    END IF;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""

FUNCTIONS = (INBOX_PUT, TENANTS_WITH_WORK)
