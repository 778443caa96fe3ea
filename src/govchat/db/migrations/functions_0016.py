"""SQL functions of revision 0016. Like those of 0003 they run as their caller and bind the tenants they touch one after another."""

# Receipts of answers and of staff messages are noted on the message itself, the earliest of each kind; those that are about notices, or
# carry a tracking id, are told by their place from 1, since more follows from them. Campaigns are a million receipts that nobody reads.
# `OFFSET 0` keeps every look a probe by Zalo's id. Rows are locked in one order: two processes may hear of the same messages.
RECEIPTS_NOTE = """
CREATE FUNCTION receipts_note(tenants uuid[], zalo_ids text[], trackings text[], seens boolean[], ats timestamptz[]) RETURNS integer[]
LANGUAGE plpgsql SECURITY INVOKER AS $$
DECLARE
  bound uuid;
  found integer[];
  places integer[] := '{}';
BEGIN
  FOR bound IN SELECT DISTINCT t FROM unnest(tenants) AS t ORDER BY t LOOP
    PERFORM set_config('govchat.tenant_id', bound::text, true);
    WITH heard AS MATERIALIZED (
      SELECT r.place, r.tracking, r.seen, r.at, m.id, m.lane
      FROM unnest(tenants, zalo_ids, trackings, seens, ats) WITH ORDINALITY AS r(tenant, zalo_id, tracking, seen, at, place)
      LEFT JOIN LATERAL (
        SELECT o.id, o.lane FROM outbox_messages o WHERE o.tenant_id = bound AND o.zalo_message_id = r.zalo_id OFFSET 0) m ON true
      WHERE r.tenant = bound
    ), said AS MATERIALIZED (
      SELECT h.id, min(h.at) AS delivered, min(h.at) FILTER (WHERE h.seen) AS seen
      FROM heard h WHERE h.lane IN (0, 2) GROUP BY h.id
    ), held AS MATERIALIZED (
      SELECT o.id FROM outbox_messages o
      WHERE o.tenant_id = bound AND o.id = ANY(ARRAY(SELECT s.id FROM said s)) ORDER BY o.id FOR NO KEY UPDATE
    ), noted AS (
      UPDATE outbox_messages o SET delivered_at = least(o.delivered_at, s.delivered), seen_at = least(o.seen_at, s.seen)
      FROM said s JOIN held USING (id)
      WHERE o.tenant_id = bound AND o.id = s.id
        AND (o.delivered_at, o.seen_at) IS DISTINCT FROM (least(o.delivered_at, s.delivered), least(o.seen_at, s.seen))
    )
    SELECT coalesce(array_agg(DISTINCT h.place), '{}') INTO found FROM heard h WHERE h.tracking IS NOT NULL OR h.lane = 1;
    places := places || found;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
  RETURN places;
END $$
"""

FUNCTIONS = (RECEIPTS_NOTE,)
