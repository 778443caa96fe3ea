"""What revision 0014 adds to `inbox_look`: whether an officer has the word with a citizen (see `handoff.mute`)."""

INBOX_LOOK = """
CREATE FUNCTION inbox_look(tenants uuid[], most_citizens integer, most_events integer)
RETURNS TABLE (
  tenant_id uuid, user_id text, id uuid, event_name text, body_sealed bytea, occurred_at timestamptz, received_at timestamptz,
  attempts integer, waits boolean, citizen_id uuid, phone_index bytea, state jsonb, muted boolean
) LANGUAGE plpgsql SECURITY INVOKER AS $$
#variable_conflict use_column
DECLARE
  bound uuid;
BEGIN
  FOREACH bound IN ARRAY tenants LOOP
    PERFORM set_config('govchat.tenant_id', bound::text, true);
    RETURN QUERY
      WITH oldest AS (
        SELECT e.user_id, e.seq FROM inbox_events e
        WHERE e.tenant_id = bound AND e.state = 'pending' AND e.asks
          AND (e.retry_at IS NULL OR e.retry_at <= clock_timestamp())
        ORDER BY e.seq LIMIT most_citizens * 4
      ), waiting AS (
        SELECT o.user_id, min(o.seq) AS first FROM oldest o GROUP BY o.user_id ORDER BY first LIMIT most_citizens
      )
      SELECT bound, w.user_id, e.id, e.event_name, e.body_sealed, e.occurred_at, e.received_at, e.attempts,
             e.retry_at IS NOT NULL AND e.retry_at > clock_timestamp(), c.id, c.phone_index, v.state,
             coalesce(c.muted_until > clock_timestamp(), false)
      FROM waiting w
      CROSS JOIN LATERAL (
        SELECT * FROM inbox_events q
        WHERE q.tenant_id = bound AND q.user_id = w.user_id AND q.state = 'pending' AND q.asks
        ORDER BY q.occurred_at, q.seq LIMIT most_events
      ) e
      LEFT JOIN citizens c ON c.tenant_id = bound AND c.zalo_user_id = w.user_id
      LEFT JOIN conversations v ON v.tenant_id = bound AND v.citizen_id = c.id
      ORDER BY w.first, e.occurred_at, e.seq;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""
