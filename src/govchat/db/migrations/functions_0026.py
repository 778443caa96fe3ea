"""SQL functions of revision 0026: what a thousand tenants are asked for together, where each was asked for by itself.

Like those of 0019 they run as their caller and bind the tenants that are named one after another. What costs is less the probe than the
statement around it, about ten microseconds: so there are few statements for each tenant. They are planned once, for probes: while the
statistics of a table are young a planner reads all of it.
"""

from govchat.db.migrations import functions_0019

_LOOP = """
CREATE FUNCTION {name}({arguments}) RETURNS TABLE ({columns})
LANGUAGE plpgsql SECURITY INVOKER
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
  FOREACH tenant IN ARRAY which LOOP
    PERFORM set_config('govchat.tenant_id', tenant::text, true);
{look}
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""

# The newest version of every sentence that these tenants say in words of their own.
WORDINGS_OF = _LOOP.format(
    name="wordings_of",
    arguments="which uuid[]",
    columns="tenant uuid, key text, said text",
    look="""
    FOR key, said IN
      SELECT DISTINCT ON (w.key) w.key, w.text FROM tenant_wordings w WHERE w.tenant_id = tenant ORDER BY w.key, w.version DESC
    LOOP
      RETURN NEXT;
    END LOOP;""",
)

# Wrapped data keys; one that was destroyed is not told.
TENANT_KEYS_OF = _LOOP.format(
    name="tenant_keys_of",
    arguments="which uuid[]",
    columns="tenant uuid, wrapped bytea",
    look="""
    wrapped := (SELECT k.wrapped_key FROM tenant_keys k WHERE k.tenant_id = tenant AND k.destroyed_at IS NULL);
    IF wrapped IS NOT NULL THEN
      RETURN NEXT;
    END IF;""",
)

# Sealed access tokens that last until `until` at least, each of the Official Account that is named in the same place.
ACCESS_TOKENS_OF = """
CREATE FUNCTION access_tokens_of(which uuid[], accounts text[], until timestamptz)
RETURNS TABLE (tenant uuid, sealed bytea, generation integer, expires_at timestamptz)
LANGUAGE plpgsql SECURITY INVOKER
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  FOR place IN 1 .. coalesce(cardinality(which), 0) LOOP
    tenant := which[place];
    PERFORM set_config('govchat.tenant_id', tenant::text, true);
    SELECT c.access_token_sealed, c.generation, c.access_expires_at INTO sealed, generation, expires_at
    FROM oa_credentials c
    WHERE c.tenant_id = tenant AND c.oa_id = accounts[place] AND c.state = 'ok' AND c.access_expires_at > until
      AND c.access_token_sealed IS NOT NULL AND c.refresh_token_sealed IS NOT NULL;
    IF FOUND THEN
      RETURN NEXT;
    END IF;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""

# Whoever has addresses to be called back at, and in rows of their own those where something is due. Most have none.
CALLBACKS_DUE = _LOOP.format(
    name="callbacks_due",
    arguments="which uuid[], at timestamptz",
    columns="tenant uuid, endpoint uuid, due boolean",
    look="""
    FOR endpoint, due IN
      SELECT e.id, (e.rest_until IS NULL OR e.rest_until <= at) AND EXISTS (
        SELECT FROM callback_deliveries d
        WHERE d.tenant_id = tenant AND d.endpoint_id = e.id
          AND (d.state = 'queued' AND d.due_at <= at OR d.state = 'sending' AND d.claimed_at < at - interval '90 seconds'))
      FROM callback_endpoints e WHERE e.tenant_id = tenant AND e.state = 'enabled'
    LOOP
      RETURN NEXT;
    END LOOP;""",
)

# As in 0019, with one statement for a tenant where nothing waits: its inbox and whether anything stands open in its outbox.
WORK_WAITING = """
CREATE OR REPLACE FUNCTION work_waiting(which uuid[], campaigns boolean, stale_after interval)
RETURNS TABLE (tenant uuid, inbox timestamptz, receipts timestamptz, outbox timestamptz, stale boolean)
LANGUAGE plpgsql SECURITY INVOKER
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  standing boolean;
BEGIN
  FOREACH tenant IN ARRAY which LOOP
    PERFORM set_config('govchat.tenant_id', tenant::text, true);
    inbox := NULL; receipts := NULL; outbox := NULL; stale := false;
    IF campaigns THEN
      standing := EXISTS (
        SELECT FROM outbox_messages m WHERE m.tenant_id = tenant AND m.state IN ('queued', 'sending', 'uncertain'));
    ELSE
      SELECT (
        SELECT e.received_at FROM inbox_events e
        WHERE e.tenant_id = tenant AND e.state = 'pending' AND e.asks AND (e.retry_at IS NULL OR e.retry_at <= clock_timestamp())
        ORDER BY e.seq LIMIT 1
      ), (
        SELECT e.received_at FROM inbox_events e
        WHERE e.tenant_id = tenant AND e.state = 'pending' AND NOT e.asks ORDER BY e.seq LIMIT 1
      ), EXISTS (
        SELECT FROM outbox_messages m WHERE m.tenant_id = tenant AND m.state IN ('queued', 'sending', 'uncertain')
      ) INTO inbox, receipts, standing;
    END IF;
    IF standing THEN
      IF campaigns THEN
        outbox := coalesce((
          SELECT m.due_at FROM outbox_messages m
          WHERE m.tenant_id = tenant AND m.state = 'queued' AND m.body_ref IS NULL AND m.lane = 3 AND m.due_at <= clock_timestamp()
          ORDER BY m.lane, m.seq LIMIT 1), (
          SELECT m.due_at FROM outbox_bodies b CROSS JOIN LATERAL (
            SELECT q.due_at FROM outbox_messages q
            WHERE q.tenant_id = tenant AND q.body_ref = b.id AND q.state = 'queued' AND q.due_at <= clock_timestamp()
            ORDER BY q.due_at LIMIT 1) m
          WHERE b.tenant_id = tenant AND b.is_open LIMIT 1));
      ELSE
        outbox := (
          SELECT m.due_at FROM outbox_messages m
          WHERE m.tenant_id = tenant AND m.state = 'queued' AND m.body_ref IS NULL AND m.lane < 3 AND m.due_at <= clock_timestamp()
          ORDER BY m.lane, m.seq LIMIT 1);
      END IF;
      stale := EXISTS (
        SELECT FROM outbox_messages m
        WHERE m.tenant_id = tenant AND m.state IN ('sending', 'uncertain') AND m.settled_by IS NULL
          AND m.claimed_at < clock_timestamp() - stale_after);
    END IF;
    IF stale OR coalesce(inbox, receipts, outbox) IS NOT NULL THEN
      RETURN NEXT;
    END IF;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""

# As in 0019, but for what came since the last count: the first event of an account is counted at once, so that whoever connects it sees how
# it was signed; later ones with the look at Zalo's own list, or a quarter of an hour after the last count. Ids begin with the time.
ACCOUNTS_TO_KEEP = functions_0019.ACCOUNTS_TO_KEEP.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION").replace(
    "             OR EXISTS (\n",
    """             OR (w.last_event_at IS NULL OR w.counted_to IS NULL OR w.counted_to <
                 rpad(lpad(to_hex((extract(epoch FROM at - interval '15 minutes') * 1000)::bigint), 12, '0'), 32, '0')::uuid)
                AND EXISTS (
""",
)

FUNCTIONS = (WORDINGS_OF, TENANT_KEYS_OF, ACCESS_TOKENS_OF, CALLBACKS_DUE, WORK_WAITING, ACCOUNTS_TO_KEEP)
ADDED = (
    "wordings_of(uuid[])",
    "tenant_keys_of(uuid[])",
    "access_tokens_of(uuid[], text[], timestamptz)",
    "callbacks_due(uuid[], timestamptz)",
)
BEFORE = tuple(
    function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
    for function in (functions_0019.WORK_WAITING, functions_0019.ACCOUNTS_TO_KEEP)
)
