"""SQL functions of revision 0002, run as their caller, each tenant inside its own bounds."""

# How many incidents each tenant has open, by kind; tenants without any are left out.
INCIDENTS_OPEN = """
CREATE FUNCTION incidents_open() RETURNS TABLE (tenant uuid, kind text, open bigint)
LANGUAGE plpgsql SECURITY INVOKER AS $$
#variable_conflict use_column
DECLARE
  bound uuid;
BEGIN
  FOR bound IN SELECT t.id FROM tenants t LOOP
    PERFORM set_config('govchat.tenant_id', bound::text, true);
    RETURN QUERY
      SELECT i.tenant_id, i.kind, count(*) FROM incidents i
      WHERE i.tenant_id = bound AND i.healed_at IS NULL GROUP BY i.tenant_id, i.kind;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""

FUNCTIONS = (INCIDENTS_OPEN,)
