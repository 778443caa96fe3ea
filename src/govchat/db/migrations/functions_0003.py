"""SQL functions of revision 0003: what the two ends of the pipe ask of PostgreSQL, for many tenants in one round trip.

All run as their caller and bind the tenants they touch one after another, in a fixed order: row-level security holds inside them as
outside. None of them waits for a row that another process holds.
"""

# One durable batch over many tenants in one statement; answers the ids that were new. Each row binds its tenant on its way into the table:
# a row whose tenant is not bound by then is refused by the policy, so the order of things can only be right or fail. Rows are
# inserted in key order, so that two batches that hold the same redelivered event wait for each other instead of dead-locking.
INBOX_PUT = """
CREATE FUNCTION inbox_put(
  tenants uuid[], ids uuid[], dedupe_keys text[], event_names text[], user_ids text[], occurred timestamptz[],
  signatures text[], bodies bytea[], asking boolean[]
) RETURNS uuid[] LANGUAGE plpgsql SECURITY INVOKER AS $$
DECLARE
  fresh uuid[];
BEGIN
  WITH put AS (
    INSERT INTO inbox_events
      (tenant_id, id, dedupe_key, event_name, user_id, occurred_at, signature, body_sealed, asks)
    SELECT set_config('govchat.tenant_id', e.tenant_id::text, true)::uuid,
           e.id, e.dedupe_key, e.event_name, e.user_id, e.occurred_at, e.signature, e.body, e.asks
    FROM (
      SELECT * FROM unnest(tenants, ids, dedupe_keys, event_names, user_ids, occurred, signatures, bodies, asking)
        AS one(tenant_id, id, dedupe_key, event_name, user_id, occurred_at, signature, body, asks)
      ORDER BY one.tenant_id, one.dedupe_key
    ) e
    ON CONFLICT (tenant_id, dedupe_key) DO NOTHING
    RETURNING id
  )
  SELECT coalesce(array_agg(id), '{}') INTO fresh FROM put;
  PERFORM set_config('govchat.tenant_id', '', true);
  RETURN fresh;
END $$
"""

# What the citizens who wait longest said, with what is known of them and where their conversation stands. Reads only: whoever applies
# an outcome proves then that the events are still theirs.
INBOX_LOOK = """
CREATE FUNCTION inbox_look(tenants uuid[], most_citizens integer, most_events integer)
RETURNS TABLE (
  tenant_id uuid, user_id text, id uuid, event_name text, body_sealed bytea, occurred_at timestamptz, received_at timestamptz,
  attempts integer, waits boolean, citizen_id uuid, phone_index bytea, state jsonb
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
             e.retry_at IS NOT NULL AND e.retry_at > clock_timestamp(), c.id, c.phone_index, v.state
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

# What the conversation steps decided, citizen by citizen (`g_…`, `group` counts them from 1): all of it or, when one of the citizen's
# events was worked off elsewhere meanwhile, nothing. A message may be put as `sending` at once by whoever holds a token for it, unless the
# citizen is being spoken to or has something waiting. Answers the groups that were applied and which of their messages are `sending`.
INBOX_APPLY = """
CREATE FUNCTION inbox_apply(
  worker uuid,
  g_tenants uuid[], g_users text[], g_citizens uuid[], g_by_app text[], g_interacted timestamptz[],
  g_follows boolean[], g_follow_at timestamptz[], g_states text[],
  e_groups integer[], e_ids uuid[],
  m_groups integer[], m_ids uuid[], m_claims boolean[], m_keys text[], m_causes text[], m_caused timestamptz[],
  m_bodies bytea[], m_hashes bytea[]
) RETURNS TABLE (place integer, citizen_id uuid, claimed uuid[]) LANGUAGE plpgsql SECURITY INVOKER AS $$
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
    FROM unnest(e_groups, e_ids) AS x(g, id)
    WHERE e.tenant_id = bound AND e.id = x.id AND x.g = ANY(ours);
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

# Receipts of many tenants, oldest first: echoes of what we said, delivered, seen, and whatever asks for no answer.
RECEIPTS_LOOK = """
CREATE FUNCTION receipts_look(tenants uuid[], most integer)
RETURNS TABLE (tenant_id uuid, id uuid, event_name text, user_id text, body_sealed bytea, occurred_at timestamptz)
LANGUAGE plpgsql SECURITY INVOKER AS $$
#variable_conflict use_column
DECLARE
  bound uuid;
BEGIN
  FOREACH bound IN ARRAY tenants LOOP
    PERFORM set_config('govchat.tenant_id', bound::text, true);
    RETURN QUERY
      SELECT bound, e.id, e.event_name, e.user_id, e.body_sealed, e.occurred_at FROM inbox_events e
      WHERE e.tenant_id = bound AND e.state = 'pending' AND NOT e.asks
      ORDER BY e.seq LIMIT most;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""

RECEIPTS_DONE = """
CREATE FUNCTION receipts_done(tenants uuid[], ids uuid[]) RETURNS void LANGUAGE plpgsql SECURITY INVOKER AS $$
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
    FROM free WHERE e.tenant_id = bound AND e.id = free.id;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""

# Zalo's echoes of what was said. The first unknown echo of a text belongs to the citizen's first open message of that text, the second to
# the second: one echo never settles two messages of the same words. A message that is still `sending` only notes the id: whoever
# records the attempt, or the sweeper, makes it `sent`. Answers how many messages an echo was found for.
OUTBOX_NOTE_ECHOES = """
CREATE FUNCTION outbox_note_echoes(tenants uuid[], users text[], msg_ids text[], hashes bytea[])
RETURNS integer LANGUAGE plpgsql SECURITY INVOKER AS $$
DECLARE
  bound uuid;
  found integer;
  noted integer := 0;
BEGIN
  FOR bound IN SELECT DISTINCT t FROM unnest(tenants) AS t ORDER BY t LOOP
    PERFORM set_config('govchat.tenant_id', bound::text, true);
    UPDATE outbox_messages m
    SET zalo_message_id = e.msg_id,
        state = CASE WHEN m.state = 'uncertain' THEN 'sent' ELSE m.state END,
        settled_by = CASE WHEN m.state = 'uncertain' THEN 'echo' ELSE m.settled_by END,
        finished_at = CASE WHEN m.state = 'uncertain' THEN clock_timestamp() ELSE m.finished_at END
    FROM (
      SELECT o.id, heard.msg_id
      FROM (
        SELECT c.id AS citizen_id, e.msg_id, e.echo_hash,
               row_number() OVER (PARTITION BY c.id, e.echo_hash ORDER BY min(e.place)) AS nth
        FROM unnest(tenants, users, msg_ids, hashes) WITH ORDINALITY AS e(tenant, user_id, msg_id, echo_hash, place)
        JOIN citizens c ON c.tenant_id = bound AND c.zalo_user_id = e.user_id
        WHERE e.tenant = bound AND NOT EXISTS (
          SELECT FROM outbox_messages known WHERE known.tenant_id = bound AND known.zalo_message_id = e.msg_id)
        GROUP BY c.id, e.msg_id, e.echo_hash
      ) heard
      JOIN LATERAL (
        SELECT q.id, row_number() OVER (ORDER BY q.seq) AS nth
        FROM outbox_messages q
        WHERE q.tenant_id = bound AND q.citizen_id = heard.citizen_id AND q.echo_hash = heard.echo_hash
          AND q.state IN ('sending', 'uncertain') AND q.zalo_message_id IS NULL
      ) o ON o.nth = heard.nth
    ) e
    WHERE m.tenant_id = bound AND m.id = e.id;
    GET DIAGNOSTICS found = ROW_COUNT;
    noted := noted + found;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
  RETURN noted;
END $$
"""

# Which tenants have something due, and since when: index probes only, a few milliseconds for hundreds of tenants.
TENANTS_WITH_WORK = """
CREATE FUNCTION tenants_with_work(stale_after interval)
RETURNS TABLE (tenant uuid, inbox timestamptz, receipts timestamptz, outbox timestamptz, bulk timestamptz, stale boolean)
LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  FOR tenant IN SELECT id FROM tenants LOOP
    PERFORM set_config('govchat.tenant_id', tenant::text, true);
    inbox := (
      SELECT e.received_at FROM inbox_events e
      WHERE e.tenant_id = tenant AND e.state = 'pending' AND e.asks AND (e.retry_at IS NULL OR e.retry_at <= clock_timestamp())
      ORDER BY e.seq LIMIT 1);
    receipts := (
      SELECT e.received_at FROM inbox_events e
      WHERE e.tenant_id = tenant AND e.state = 'pending' AND NOT e.asks ORDER BY e.seq LIMIT 1);
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
    IF stale OR coalesce(inbox, receipts, outbox, bulk) IS NOT NULL THEN
      RETURN NEXT;
    END IF;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""

# Claims of one tenant are serialised by the lock; the statement after it sees what the claim before it committed. A tenant whose lock
# another process holds is answered as a row without an id. A citizen who is being spoken to, or whose earlier message of the lane
# waits for its next try, is left alone.
OUTBOX_CLAIM = """
CREATE FUNCTION outbox_claim(
  worker uuid, first_lane integer, last_lane integer, tenants uuid[], mosts integer[], opens integer[]
) RETURNS TABLE (
  tenant_id uuid, id uuid, lane smallint, citizen_id uuid, body_sealed bytea, attempts integer, created_at timestamptz,
  caused_at timestamptz, seq bigint
) LANGUAGE plpgsql SECURITY INVOKER AS $$
#variable_conflict use_column
DECLARE
  want record;
BEGIN
  FOR want IN SELECT * FROM unnest(tenants, mosts, opens) AS w(bound, most, open) ORDER BY bound LOOP
    IF NOT pg_try_advisory_xact_lock(hashtextextended('outbox:' || want.bound, 0)) THEN
      tenant_id := want.bound;
      RETURN NEXT;
      CONTINUE;
    END IF;
    PERFORM set_config('govchat.tenant_id', want.bound::text, true);
    RETURN QUERY
      WITH due AS (
        SELECT m.id, m.lane, sum(CASE WHEN m.lane > 0 THEN 1 ELSE 0 END) OVER (ORDER BY m.lane, m.seq) AS place
        FROM (
          SELECT q.id, q.lane, q.seq FROM outbox_messages q
          WHERE q.tenant_id = want.bound AND q.state = 'queued' AND q.lane BETWEEN first_lane AND last_lane
            AND q.due_at <= clock_timestamp()
            AND NOT EXISTS (
              SELECT FROM outbox_messages o
              WHERE o.tenant_id = q.tenant_id AND o.citizen_id = q.citizen_id
                AND o.state IN ('queued', 'sending', 'uncertain')
                AND (o.state = 'sending'
                     OR (o.state = 'queued' AND o.lane = q.lane AND o.seq < q.seq AND o.due_at > clock_timestamp())))
          ORDER BY q.lane, q.seq
          LIMIT want.most
        ) m
      )
      UPDATE outbox_messages m
      SET state = 'sending', claimed_at = clock_timestamp(), claimed_by = worker, attempts = m.attempts + 1,
          zalo_message_id = NULL, settled_by = NULL
      FROM due
      WHERE m.tenant_id = want.bound AND m.id = due.id AND (due.lane = 0 OR due.place <= want.open)
      RETURNING want.bound, m.id, m.lane, m.citizen_id, m.body_sealed, m.attempts, m.created_at, m.caused_at, m.seq;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""

# What became of messages that this worker had claimed; answers the ids that still were its own. An echo that came meanwhile proves that
# the citizen has the message, whatever the attempt looked like from here. The attempt that succeeded is the message's own row; every
# other one is kept.
OUTBOX_RECORD = """
CREATE FUNCTION outbox_record(
  worker uuid, at timestamptz, tenants uuid[], ids uuid[], states text[], dues timestamptz[], counts boolean[], zalo_ids text[],
  started timestamptz[], outcomes text[], codes integer[], kinds text[], details text[]
) RETURNS uuid[] LANGUAGE plpgsql SECURITY INVOKER AS $$
DECLARE
  bound uuid;
  own uuid[];
  kept uuid[] := '{}';
BEGIN
  FOR bound IN SELECT DISTINCT t FROM unnest(tenants) AS t ORDER BY t LOOP
    PERFORM set_config('govchat.tenant_id', bound::text, true);
    WITH recorded AS (
      UPDATE outbox_messages m
      SET state = CASE WHEN m.zalo_message_id IS NOT NULL THEN 'sent' ELSE r.state END,
          settled_by = CASE WHEN m.zalo_message_id IS NOT NULL AND r.state <> 'sent' THEN 'echo' ELSE m.settled_by END,
          due_at = coalesce(r.due_at, m.due_at),
          attempts = m.attempts - CASE WHEN r.counts THEN 0 ELSE 1 END,
          zalo_message_id = coalesce(r.zalo_message_id, m.zalo_message_id),
          finished_at = CASE WHEN m.zalo_message_id IS NOT NULL OR r.state IN ('sent', 'failed', 'skipped') THEN at
                             ELSE m.finished_at END
      FROM unnest(tenants, ids, states, dues, counts, zalo_ids) AS r(tenant, id, state, due_at, counts, zalo_message_id)
      WHERE r.tenant = bound AND m.tenant_id = bound AND m.id = r.id AND m.claimed_by = worker
        AND m.state IN ('sending', 'uncertain')
      RETURNING m.id
    )
    SELECT coalesce(array_agg(id), '{}') INTO own FROM recorded;
    kept := kept || own;
    INSERT INTO outbox_attempts
      (tenant_id, message_id, number, started_at, finished_at, outcome, zalo_code, kind, detail)
    SELECT bound, r.id,
           (SELECT coalesce(max(a.number), 0) + 1 FROM outbox_attempts a WHERE a.tenant_id = bound AND a.message_id = r.id),
           r.started_at, at, r.outcome, r.zalo_code, r.kind, r.detail
    FROM unnest(tenants, ids, states, started, outcomes, codes, kinds, details)
      AS r(tenant, id, state, started_at, outcome, zalo_code, kind, detail)
    WHERE r.tenant = bound AND r.state <> 'sent' AND EXISTS (
      SELECT FROM outbox_messages m WHERE m.tenant_id = bound AND m.id = r.id);
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
  RETURN kept;
END $$
"""

# What bare look-ups need, one row for each asked (tenant, citizen, code): how long the citizen has to wait, the dossier, what they proved.
DOSSIERS_LOOK = """
CREATE FUNCTION dossiers_look(tenants uuid[], citizens uuid[], keys text[])
RETURNS TABLE (
  place integer, blocked_until timestamptz, id uuid, code text, status integer, unit text, received_at timestamptz,
  due_at timestamptz, changed_at timestamptz, procedure_code text, private_sealed bytea, phone_index bytea, secret_hash bytea,
  proved_by text, proof_hash bytea
) LANGUAGE plpgsql SECURITY INVOKER AS $$
#variable_conflict use_column
DECLARE
  bound uuid;
BEGIN
  FOR bound IN SELECT DISTINCT t FROM unnest(tenants) AS t ORDER BY t LOOP
    PERFORM set_config('govchat.tenant_id', bound::text, true);
    RETURN QUERY
      SELECT a.place::integer,
             (SELECT f.blocked_until FROM lookup_failures f WHERE f.tenant_id = bound AND f.subject = 'c:' || a.citizen),
             d.id, d.code, d.status::integer, d.unit, d.received_at, d.due_at, d.changed_at, d.procedure_code, d.private_sealed,
             d.phone_index, d.secret_hash, p.proved_by, p.proof_hash
      FROM unnest(tenants, citizens, keys) WITH ORDINALITY AS a(tenant, citizen, key, place)
      LEFT JOIN dossiers d ON d.tenant_id = bound AND d.code_key = a.key
      LEFT JOIN dossier_proofs p ON p.tenant_id = bound AND p.citizen_id = a.citizen AND p.dossier_id = d.id
      WHERE a.tenant = bound;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""

FUNCTIONS = (
    INBOX_PUT,
    INBOX_LOOK,
    INBOX_APPLY,
    RECEIPTS_LOOK,
    RECEIPTS_DONE,
    OUTBOX_NOTE_ECHOES,
    TENANTS_WITH_WORK,
    OUTBOX_CLAIM,
    OUTBOX_RECORD,
    DOSSIERS_LOOK,
)
