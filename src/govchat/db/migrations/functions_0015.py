"""SQL functions of revision 0015. Like those of 0003 they run as their caller and bind the tenants they touch one after another."""

# Which of many receipts are about notices, by their place from 1: those of ordinary answers, nearly all, cost one probe and no more.
RECEIPTS_OF_NOTICES = """
CREATE FUNCTION receipts_of_notices(tenants uuid[], zalo_ids text[], trackings text[]) RETURNS integer[]
LANGUAGE plpgsql SECURITY INVOKER AS $$
DECLARE
  bound uuid;
  found integer[];
  places integer[] := '{}';
BEGIN
  FOR bound IN SELECT DISTINCT t FROM unnest(tenants) AS t ORDER BY t LOOP
    PERFORM set_config('govchat.tenant_id', bound::text, true);
    SELECT coalesce(array_agg(r.place), '{}') INTO found
    FROM unnest(tenants, zalo_ids, trackings) WITH ORDINALITY AS r(tenant, zalo_id, tracking, place)
    WHERE r.tenant = bound AND (r.tracking IS NOT NULL OR EXISTS (
      SELECT FROM outbox_messages m WHERE m.tenant_id = bound AND m.zalo_message_id = r.zalo_id AND m.lane = 1));
    places := places || found;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
  RETURN places;
END $$
"""

FUNCTIONS = (RECEIPTS_OF_NOTICES,)
