"""SQL functions of revision 0023: what is done for every message, by probes alone.

Like those of 0003 they run as their caller and bind the tenants they touch one after another. Rows are found one by one by their keys, in
statements that are planned once: a join with what was handed in is planned anew each time, which took longer than doing it, and while
a table's statistics are young it reads the whole table. States of rows that are found by id are compared so (`state || ''`) that no index
of states fits: a planner without statistics takes one for the key's equal, and reads a province's whole queue for each message.
"""

from govchat.db.migrations import functions_0003, functions_0012, functions_0016

# One durable batch over many tenants in one statement: the text of 0003, planned once.
INBOX_PUT = "ALTER FUNCTION inbox_put SET plan_cache_mode = force_generic_plan"

# Claims of one tenant are serialised by the lock; the statement after it sees what the claim before it committed. A tenant whose lock
# another process holds is answered as a row without an id. A citizen who is being spoken to, or whose earlier message of the lane waits
# for its next try, is left alone. Messages with a body of their own alone: those of campaigns stand in an index of theirs.
OUTBOX_CLAIM = """
CREATE OR REPLACE FUNCTION outbox_claim(
  worker uuid, first_lane integer, last_lane integer, tenants uuid[], mosts integer[], opens integer[]
) RETURNS TABLE (
  tenant_id uuid, id uuid, lane smallint, citizen_id uuid, body_sealed bytea, attempts integer, created_at timestamptz,
  caused_at timestamptz, seq bigint
) LANGUAGE plpgsql SECURITY INVOKER
SET plan_cache_mode = force_generic_plan AS $$
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
      UPDATE outbox_messages m
      SET state = 'sending', claimed_at = clock_timestamp(), claimed_by = worker, attempts = m.attempts + 1,
          zalo_message_id = NULL, settled_by = NULL
      WHERE m.tenant_id = want.bound AND m.state || '' = 'queued' AND m.id = ANY(ARRAY(
        SELECT due.id FROM (
          SELECT w.id, w.lane, sum(CASE WHEN w.lane > 0 THEN 1 ELSE 0 END) OVER (ORDER BY w.lane, w.seq) AS place
          FROM (
            SELECT q.id, q.lane, q.seq FROM outbox_messages q
            WHERE q.tenant_id = want.bound AND q.state = 'queued' AND q.body_ref IS NULL AND q.lane BETWEEN first_lane AND last_lane
              AND q.due_at <= clock_timestamp()
              AND NOT EXISTS (
                SELECT FROM outbox_messages o
                WHERE o.tenant_id = want.bound AND o.citizen_id = q.citizen_id
                  AND o.state IN ('queued', 'sending', 'uncertain')
                  AND (o.state = 'sending'
                       OR (o.state = 'queued' AND o.lane = q.lane AND o.seq < q.seq AND o.due_at > clock_timestamp()))
                OFFSET 0)
            ORDER BY q.lane, q.seq
            LIMIT want.most
          ) w
        ) due
        WHERE due.lane = 0 OR due.place <= want.open))
      RETURNING want.bound, m.id, m.lane, m.citizen_id, m.body_sealed, m.attempts, m.created_at, m.caused_at, m.seq;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""

# What became of messages that this worker had claimed; answers the ids that still were its own. An echo that came meanwhile proves that
# the citizen has the message, whatever the attempt looked like from here. The attempt that succeeded is the message's own row; every
# other one is kept. What is handed in stands tenant by tenant.
OUTBOX_RECORD = """
CREATE OR REPLACE FUNCTION outbox_record(
  worker uuid, at timestamptz, tenants uuid[], ids uuid[], states text[], dues timestamptz[], counts boolean[], zalo_ids text[],
  started timestamptz[], outcomes text[], codes integer[], kinds text[], details text[]
) RETURNS uuid[] LANGUAGE plpgsql SECURITY INVOKER
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  bound uuid;
  kept uuid[] := '{}';
BEGIN
  FOR i IN 1 .. coalesce(cardinality(ids), 0) LOOP
    IF bound IS DISTINCT FROM tenants[i] THEN
      bound := tenants[i];
      PERFORM set_config('govchat.tenant_id', bound::text, true);
    END IF;
    UPDATE outbox_messages m
    SET state = CASE WHEN m.zalo_message_id IS NOT NULL THEN 'sent' ELSE states[i] END,
        settled_by = CASE WHEN m.zalo_message_id IS NOT NULL AND states[i] <> 'sent' THEN 'echo' ELSE m.settled_by END,
        due_at = coalesce(dues[i], m.due_at),
        attempts = m.attempts - CASE WHEN counts[i] THEN 0 ELSE 1 END,
        zalo_message_id = coalesce(zalo_ids[i], m.zalo_message_id),
        finished_at = CASE WHEN m.zalo_message_id IS NOT NULL OR states[i] IN ('sent', 'failed', 'skipped') THEN at
                           ELSE m.finished_at END
    WHERE m.tenant_id = bound AND m.id = ids[i] AND m.claimed_by = worker AND m.state || '' IN ('sending', 'uncertain');
    IF FOUND THEN
      kept := kept || ids[i];
    END IF;
    IF states[i] <> 'sent' THEN
      INSERT INTO outbox_attempts (tenant_id, message_id, number, started_at, finished_at, outcome, zalo_code, kind, detail)
      SELECT bound, m.id,
             (SELECT coalesce(max(a.number), 0) + 1 FROM outbox_attempts a WHERE a.tenant_id = bound AND a.message_id = ids[i]),
             started[i], at, outcomes[i], codes[i], kinds[i], details[i]
      FROM outbox_messages m WHERE m.tenant_id = bound AND m.id = ids[i];
    END IF;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
  RETURN kept;
END $$
"""

# Zalo's echoes of what was said, tenant by tenant, in the order in which they came. An unknown echo of a text belongs to the citizen's
# first open message of that text without one: one echo never settles two messages of the same words. A message that is still `sending`
# only notes the id: whoever records the attempt, or the sweeper, makes it `sent`. Answers how many messages an echo was found for.
OUTBOX_NOTE_ECHOES = """
CREATE OR REPLACE FUNCTION outbox_note_echoes(tenants uuid[], users text[], msg_ids text[], hashes bytea[])
RETURNS integer LANGUAGE plpgsql SECURITY INVOKER
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  bound uuid;
  noted integer := 0;
BEGIN
  FOR i IN 1 .. coalesce(cardinality(msg_ids), 0) LOOP
    IF bound IS DISTINCT FROM tenants[i] THEN
      bound := tenants[i];
      PERFORM set_config('govchat.tenant_id', bound::text, true);
    END IF;
    CONTINUE WHEN EXISTS (SELECT FROM outbox_messages m WHERE m.tenant_id = bound AND m.zalo_message_id = msg_ids[i]);
    UPDATE outbox_messages m
    SET zalo_message_id = msg_ids[i],
        state = CASE WHEN m.state = 'uncertain' THEN 'sent' ELSE m.state END,
        settled_by = CASE WHEN m.state = 'uncertain' THEN 'echo' ELSE m.settled_by END,
        finished_at = CASE WHEN m.state = 'uncertain' THEN clock_timestamp() ELSE m.finished_at END
    WHERE m.tenant_id = bound AND m.zalo_message_id IS NULL AND m.id = (
      SELECT q.id FROM outbox_messages q
      WHERE q.tenant_id = bound AND q.echo_hash = hashes[i] AND q.state IN ('sending', 'uncertain') AND q.zalo_message_id IS NULL
        AND q.citizen_id = (SELECT c.id FROM citizens c WHERE c.tenant_id = bound AND c.zalo_user_id = users[i])
      ORDER BY q.seq LIMIT 1);
    IF FOUND THEN
      noted := noted + 1;
    END IF;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
  RETURN noted;
END $$
"""

# Receipts are noted on the message itself, the earliest of each kind, and on the try of the notice that it carries. Told by their place
# from 1 are those from which more follows: they carry a tracking id, or are about notices of a tenant whose systems hear of deliveries.
# Campaigns are a million receipts that nobody reads. Rows are locked in one order: two processes may hear of the same messages.
RECEIPTS_NOTE = """
CREATE OR REPLACE FUNCTION receipts_note(tenants uuid[], zalo_ids text[], trackings text[], seens boolean[], ats timestamptz[])
RETURNS integer[] LANGUAGE plpgsql SECURITY INVOKER
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  bound uuid;
  heard_of boolean;
  found integer[];
  places integer[] := '{}';
BEGIN
  FOR bound IN SELECT DISTINCT t FROM unnest(tenants) AS t ORDER BY t LOOP
    PERFORM set_config('govchat.tenant_id', bound::text, true);
    heard_of := EXISTS (SELECT FROM callback_endpoints e WHERE e.tenant_id = bound);
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
      WHERE o.tenant_id = bound AND o.id = ANY(ARRAY(SELECT id FROM held)) AND o.id = s.id
        AND (o.delivered_at, o.seen_at) IS DISTINCT FROM (least(o.delivered_at, s.delivered), least(o.seen_at, s.seen))
    ), told AS MATERIALIZED (
      SELECT h.id, min(h.at) FILTER (WHERE NOT h.seen) AS delivered, min(h.at) FILTER (WHERE h.seen) AS seen
      FROM heard h WHERE h.lane = 1 AND h.tracking IS NULL AND NOT heard_of GROUP BY h.id
    ), kept AS MATERIALIZED (
      SELECT y.message_id FROM notice_tries y
      WHERE y.tenant_id = bound AND y.message_id = ANY(ARRAY(SELECT t.id FROM told t)) ORDER BY y.message_id FOR NO KEY UPDATE
    ), tried AS (
      UPDATE notice_tries y
      SET delivered_at = least(y.delivered_at, coalesce(t.delivered, t.seen)), seen_at = least(y.seen_at, t.seen)
      FROM told t
      WHERE y.tenant_id = bound AND y.message_id = ANY(ARRAY(SELECT message_id FROM kept)) AND y.message_id = t.id
    )
    SELECT coalesce(array_agg(DISTINCT h.place), '{}') INTO found
    FROM heard h WHERE h.tracking IS NOT NULL OR (h.lane = 1 AND heard_of);
    places := places || found;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
  RETURN places;
END $$
"""

FUNCTIONS = (
    INBOX_PUT,
    OUTBOX_CLAIM,
    OUTBOX_RECORD,
    OUTBOX_NOTE_ECHOES,
    RECEIPTS_NOTE,
)
BEFORE = (
    "ALTER FUNCTION inbox_put RESET plan_cache_mode",
    functions_0012.OUTBOX_CLAIM,
    *(
        function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
        for function in (
            functions_0003.OUTBOX_RECORD,
            functions_0003.OUTBOX_NOTE_ECHOES,
            functions_0016.RECEIPTS_NOTE.replace(
                "SECURITY INVOKER", "SECURITY INVOKER SET plan_cache_mode = force_generic_plan"
            ),
        )
    ),
)
