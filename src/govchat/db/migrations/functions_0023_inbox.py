"""SQL functions of revision 0023: events of the inbox are done with by their keys; those of 0003 they replace say what each is for."""

from govchat.db.migrations import functions_0003

INBOX_APPLY = """
CREATE OR REPLACE FUNCTION inbox_apply(
  worker uuid,
  g_tenants uuid[], g_users text[], g_citizens uuid[], g_by_app text[], g_interacted timestamptz[],
  g_follows boolean[], g_follow_at timestamptz[], g_states text[],
  e_groups integer[], e_ids uuid[],
  m_groups integer[], m_ids uuid[], m_claims boolean[], m_keys text[], m_causes text[], m_caused timestamptz[],
  m_bodies bytea[], m_hashes bytea[]
) RETURNS TABLE (place integer, citizen_id uuid, claimed uuid[]) LANGUAGE plpgsql SECURITY INVOKER
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  bound uuid;
  wanted uuid[];
  ours integer[];
BEGIN
  FOR bound IN SELECT DISTINCT t FROM unnest(g_tenants) AS t ORDER BY t LOOP
    PERFORM set_config('govchat.tenant_id', bound::text, true);
    wanted := ARRAY(SELECT x.id FROM unnest(e_groups, e_ids) AS x(g, id) WHERE g_tenants[x.g] = bound);
    WITH free AS MATERIALIZED (
      SELECT e.id FROM inbox_events e
      WHERE e.tenant_id = bound AND e.id = ANY(wanted) AND e.state = 'pending' FOR UPDATE SKIP LOCKED
    )
    SELECT array_agg(whole.g) INTO ours FROM (
      SELECT x.g FROM unnest(e_groups, e_ids) AS x(g, id) LEFT JOIN free f ON f.id = x.id
      WHERE g_tenants[x.g] = bound
      GROUP BY x.g HAVING count(f.id) = count(*)
    ) whole;
    CONTINUE WHEN ours IS NULL;
    UPDATE inbox_events e SET state = 'done', done_at = clock_timestamp(), error = NULL
    WHERE e.tenant_id = bound AND e.id = ANY(ARRAY(SELECT x.id FROM unnest(e_groups, e_ids) AS x(g, id) WHERE x.g = ANY(ours)));
    RETURN QUERY
      WITH known AS (
        INSERT INTO citizens AS c
          (tenant_id, id, zalo_user_id, user_id_by_app, last_interaction_at, follows, follow_changed_at)
        SELECT bound, g_citizens[g], g_users[g], g_by_app[g], g_interacted[g], g_follows[g], g_follow_at[g]
        FROM unnest(ours) AS g ORDER BY g_users[g]
        ON CONFLICT (tenant_id, zalo_user_id) DO UPDATE
        SET user_id_by_app = coalesce(excluded.user_id_by_app, c.user_id_by_app),
            last_interaction_at = greatest(c.last_interaction_at, excluded.last_interaction_at),
            follows = CASE WHEN excluded.follow_changed_at >= coalesce(c.follow_changed_at, excluded.follow_changed_at)
                           THEN excluded.follows ELSE c.follows END,
            follow_changed_at = greatest(c.follow_changed_at, excluded.follow_changed_at)
        RETURNING c.id, c.zalo_user_id
      ), who AS MATERIALIZED (
        SELECT g, k.id AS citizen FROM unnest(ours) AS g JOIN known k ON k.zalo_user_id = g_users[g]
      ), stands AS (
        INSERT INTO conversations AS v (tenant_id, citizen_id, state, updated_at)
        SELECT bound, w.citizen, g_states[w.g]::jsonb, clock_timestamp() FROM who w WHERE g_states[w.g] IS NOT NULL
        ON CONFLICT (tenant_id, citizen_id) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at
      ), said AS (
        INSERT INTO outbox_messages
          (tenant_id, id, lane, dedupe_key, cause, caused_at, citizen_id, body_sealed, echo_hash,
           state, claimed_at, claimed_by, attempts)
        SELECT bound, m.id, 0, m.key, m.cause, m.caused_at, w.citizen, m.body, m.hash,
               CASE WHEN mine.now THEN 'sending' ELSE 'queued' END,
               CASE WHEN mine.now THEN clock_timestamp() END,
               CASE WHEN mine.now THEN worker END,
               CASE WHEN mine.now THEN 1 ELSE 0 END
        FROM unnest(m_groups, m_ids, m_claims, m_keys, m_causes, m_caused, m_bodies, m_hashes) WITH ORDINALITY
          AS m(g, id, claim, key, cause, caused_at, body, hash, place)
        JOIN who w ON w.g = m.g
        CROSS JOIN LATERAL (
          SELECT m.claim AND NOT EXISTS (
            SELECT FROM outbox_messages o
            WHERE o.tenant_id = bound AND o.citizen_id = w.citizen AND o.state IN ('queued', 'sending')
              AND (o.state = 'sending' OR o.lane < 3)) AS now
        ) mine
        ORDER BY m.place
        ON CONFLICT (tenant_id, dedupe_key) DO NOTHING
        RETURNING citizen_id, id, state
      )
      SELECT w.g, w.citizen, ARRAY(SELECT s.id FROM said s WHERE s.citizen_id = w.citizen AND s.state = 'sending')
      FROM who w;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""

RECEIPTS_DONE = """
CREATE OR REPLACE FUNCTION receipts_done(tenants uuid[], ids uuid[]) RETURNS void LANGUAGE plpgsql SECURITY INVOKER
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  bound uuid;
  wanted uuid[];
BEGIN
  FOR bound IN SELECT DISTINCT t FROM unnest(tenants) AS t ORDER BY t LOOP
    PERFORM set_config('govchat.tenant_id', bound::text, true);
    wanted := ARRAY(SELECT x.id FROM unnest(tenants, ids) AS x(t, id) WHERE x.t = bound);
    WITH free AS MATERIALIZED (
      SELECT e.id FROM inbox_events e
      WHERE e.tenant_id = bound AND e.id = ANY(wanted) AND e.state = 'pending' FOR UPDATE SKIP LOCKED
    )
    UPDATE inbox_events e SET state = 'done', done_at = clock_timestamp()
    WHERE e.tenant_id = bound AND e.id = ANY(ARRAY(SELECT id FROM free));
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""

FUNCTIONS = (INBOX_APPLY, RECEIPTS_DONE)
BEFORE = tuple(
    function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION").replace(
        "SECURITY INVOKER", "SECURITY INVOKER SET plan_cache_mode = force_generic_plan", 1
    )
    for function in (functions_0003.INBOX_APPLY, functions_0003.RECEIPTS_DONE)
)
