"""SQL functions of revision 0001.

All run as their caller and bind the tenants they touch one after another: row-level security holds inside them as outside.
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

# Claims of one tenant are serialised by the lock; the statement after it sees what the claim before it committed. A citizen who is being
# spoken to, or whose earlier message of the lane waits for its next try, is left alone.
OUTBOX_CLAIM = """
CREATE FUNCTION outbox_claim(bound uuid, worker uuid, first_lane integer, last_lane integer, most integer, open_most integer)
RETURNS TABLE (
  id uuid, lane smallint, citizen_id uuid, body_sealed bytea, attempts integer, created_at timestamptz, caused_at timestamptz, seq bigint
) LANGUAGE plpgsql SECURITY INVOKER AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('govchat.tenant_id', bound::text, true);
  PERFORM pg_advisory_xact_lock(hashtextextended('outbox:' || bound, 0));
  RETURN QUERY
    WITH due AS (
      SELECT m.id, m.lane, sum(CASE WHEN m.lane > 0 THEN 1 ELSE 0 END) OVER (ORDER BY m.lane, m.seq) AS place
      FROM (
        SELECT * FROM outbox_messages q
        WHERE q.tenant_id = bound AND q.state = 'queued' AND q.lane BETWEEN first_lane AND last_lane
          AND q.due_at <= clock_timestamp()
          AND NOT EXISTS (
            SELECT FROM outbox_messages o
            WHERE o.tenant_id = q.tenant_id AND o.citizen_id = q.citizen_id
              AND o.state IN ('queued', 'sending', 'uncertain')
              AND (o.state = 'sending'
                   OR (o.state = 'queued' AND o.lane = q.lane AND o.seq < q.seq AND o.due_at > clock_timestamp())))
        ORDER BY q.lane, q.seq
        LIMIT most
      ) m
    )
    UPDATE outbox_messages m
    SET state = 'sending', claimed_at = clock_timestamp(), claimed_by = worker, attempts = m.attempts + 1,
        zalo_message_id = NULL, settled_by = NULL
    FROM due
    WHERE m.tenant_id = bound AND m.id = due.id AND (due.lane = 0 OR due.place <= open_most)
    RETURNING m.id, m.lane, m.citizen_id, m.body_sealed, m.attempts, m.created_at, m.caused_at, m.seq;
END $$
"""

# What became of messages that this worker had claimed, with one attempt each; answers how many still were its own.
OUTBOX_RECORD = """
CREATE FUNCTION outbox_record(
  bound uuid, worker uuid, at timestamptz, ids uuid[], states text[], dues timestamptz[], counts boolean[], zalo_ids text[],
  started timestamptz[], outcomes text[], codes integer[], kinds text[], details text[]
) RETURNS integer LANGUAGE plpgsql SECURITY INVOKER AS $$
DECLARE
  kept integer;
BEGIN
  PERFORM set_config('govchat.tenant_id', bound::text, true);
  UPDATE outbox_messages m
  SET state = r.state,
      due_at = coalesce(r.due_at, m.due_at),
      attempts = m.attempts - CASE WHEN r.counts THEN 0 ELSE 1 END,
      zalo_message_id = coalesce(r.zalo_message_id, m.zalo_message_id),
      finished_at = CASE WHEN r.state IN ('sent', 'failed', 'skipped') THEN at ELSE m.finished_at END
  FROM unnest(ids, states, dues, counts, zalo_ids) AS r(id, state, due_at, counts, zalo_message_id)
  WHERE m.tenant_id = bound AND m.id = r.id AND m.claimed_by = worker AND m.state IN ('sending', 'uncertain');
  GET DIAGNOSTICS kept = ROW_COUNT;
  INSERT INTO outbox_attempts
    (tenant_id, message_id, number, started_at, finished_at, outcome, zalo_code, kind, detail)
  SELECT bound, r.id,
         (SELECT coalesce(max(a.number), 0) + 1 FROM outbox_attempts a WHERE a.tenant_id = bound AND a.message_id = r.id),
         r.started_at, at, r.outcome, r.zalo_code, r.kind, r.detail
  FROM unnest(ids, started, outcomes, codes, kinds, details)
    AS r(id, started_at, outcome, zalo_code, kind, detail);
  RETURN kept;
END $$
"""

FUNCTIONS = (INBOX_PUT, TENANTS_WITH_WORK, OUTBOX_CLAIM, OUTBOX_RECORD)
