"""SQL functions of revision 0023: what is done for every message, by probes alone.

Like those of 0003 they run as their caller and bind the tenants they touch one after another. Rows are found one by one by their keys, in
statements that are planned once: a join with what was handed in is planned anew each time, which took longer than doing it, and while
a table's statistics are young it reads the whole table.
"""

from govchat.db.migrations import functions_0003, functions_0012, functions_0017

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
      WHERE m.tenant_id = want.bound AND m.state = 'queued' AND m.id = ANY(ARRAY(
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
    WHERE m.tenant_id = bound AND m.id = ids[i] AND m.claimed_by = worker AND m.state IN ('sending', 'uncertain');
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

# What is known of each asked (tenant, key), as 0017 says of it; rows of other dossiers are not looked at.
DOSSIERS_PUT_LOOK = """
CREATE OR REPLACE FUNCTION dossiers_put_look(tenants uuid[], keys text[], at timestamptz, today timestamptz)
RETURNS TABLE (
  tenant uuid, place integer, version bigint,
  id uuid, code text, code_key text, procedure_code text, status smallint, sub_status text, unit text, received_at timestamptz,
  due_at timestamptz, due_given boolean, first_due_at timestamptz, registered_at timestamptz, paused_at timestamptz,
  finished_at timestamptz, overdue_at timestamptz, reappointments smallint, changed_at timestamptz, last_event integer,
  flags text[], content_hash bytea,
  citizen_id uuid, how text, proof_hash bytea, hushed_until timestamptz, zalo_user_id text, last_interaction_at timestamptz,
  phone_index bytea, status_consent text, phone_consent text, phone_sealed bytea, blocked text[], is_tester boolean,
  waits boolean, last_said timestamptz, last_number integer,
  rules text, policy text
) LANGUAGE plpgsql SECURITY INVOKER
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  bound uuid;
  wanted text[];
  told boolean;
BEGIN
  FOR bound IN SELECT DISTINCT t FROM unnest(tenants) AS t ORDER BY t LOOP
    PERFORM set_config('govchat.tenant_id', bound::text, true);
    wanted := ARRAY(SELECT a.key FROM unnest(tenants, keys) AS a(t, key) WHERE a.t = bound);
    RETURN QUERY
      SELECT bound, a.place::integer, d.version,
             d.id, d.code, d.code_key, d.procedure_code, d.status, d.sub_status, d.unit, d.received_at, d.due_at, d.due_given,
             d.first_due_at, d.registered_at, d.paused_at, d.finished_at, d.overdue_at, d.reappointments, d.changed_at, d.last_event,
             d.flags, d.content_hash,
             f.citizen_id, f.how, f.proof_hash, f.hushed_until, c.zalo_user_id, c.last_interaction_at, c.phone_index,
             (SELECT s.state FROM consents s
              WHERE s.tenant_id = bound AND s.citizen_id = f.citizen_id AND s.purpose = 'status'),
             (SELECT p.state FROM consents p
              WHERE p.tenant_id = bound AND p.citizen_id = f.citizen_id AND p.purpose = 'phone'),
             (SELECT h.phone_sealed FROM citizen_phones h WHERE h.tenant_id = bound AND h.citizen_id = f.citizen_id),
             ARRAY(SELECT b.channel FROM citizen_blocks b
                   WHERE b.tenant_id = bound AND b.citizen_id = f.citizen_id AND (b.until IS NULL OR b.until > at)
                     AND (b.channel = 'phone' OR c.last_interaction_at IS NULL OR c.last_interaction_at <= b.since)),
             EXISTS (SELECT FROM tenant_testers r WHERE r.tenant_id = bound AND r.zalo_user_id = c.zalo_user_id),
             l.waits, l.last_said, l.last_number, NULL, NULL
      FROM unnest(tenants, keys) WITH ORDINALITY AS a(t, key, place)
      CROSS JOIN LATERAL (
        SELECT x.xmin::text::bigint AS version, x.* FROM dossiers x WHERE x.tenant_id = bound AND x.code_key = a.key OFFSET 0) d
      LEFT JOIN LATERAL (
        SELECT o.citizen_id, o.how, o.proof_hash, o.hushed_until, o.ended_at FROM dossier_followers o
        WHERE o.tenant_id = bound AND o.dossier_id = d.id OFFSET 0) f ON f.ended_at IS NULL
      LEFT JOIN LATERAL (
        SELECT z.zalo_user_id, z.last_interaction_at, z.phone_index FROM citizens z
        WHERE z.tenant_id = bound AND z.id = f.citizen_id OFFSET 0) c ON true
      LEFT JOIN LATERAL (
        SELECT max(n.number) AS last_number, max(greatest(n.planned_at, n.due_at)) FILTER (WHERE n.state = 'planned') AS last_said,
               bool_or(n.state = 'planned' AND EXISTS (
                 SELECT FROM outbox_messages m
                 WHERE m.tenant_id = bound AND m.id = n.message_id AND m.state || '' = 'queued' AND m.attempts = 0)) AS waits
        FROM notices n WHERE n.tenant_id = bound AND n.dossier_id = d.id AND n.citizen_id = f.citizen_id) l ON true
      WHERE a.t = bound
      ORDER BY a.place, f.citizen_id;
    told := EXISTS (
      SELECT FROM dossiers x WHERE x.tenant_id = bound AND x.code_key = ANY(wanted) AND EXISTS (
        SELECT FROM dossier_followers o WHERE o.tenant_id = bound AND o.dossier_id = x.id AND o.ended_at IS NULL OFFSET 0));
    tenant := bound;
    rules := (SELECT json_agg(json_build_array(r.kind, r.subject, r.rule)) FROM dossier_rules r WHERE r.tenant_id = bound)::text;
    policy := CASE WHEN told THEN (
      SELECT json_build_object(
        'state', t.state, 'quiet', t.manifest->'quiet_hours',
        'monthly_budget', coalesce(s.monthly_budget, 0), 'paid_window', coalesce(s.paid_window, false),
        'cs_price', coalesce(s.cs_price, 55), 'daily_quota', s.daily_quota, 'unpaid_until', s.unpaid_until,
        'wordings', (SELECT json_object_agg(w.kind, json_build_array(w.version, w.text))
                     FROM (SELECT DISTINCT ON (kind) kind, version, text FROM notice_wordings
                           WHERE tenant_id = bound ORDER BY kind, version DESC) w),
        'uses', (SELECT json_object_agg(u.kind, json_build_object(
                          'template_id', z.template_id, 'status', z.status, 'params', z.params, 'price_uid', z.price_uid,
                          'price_phone', z.price_phone, 'at_night', z.at_night, 'quota', z.quota, 'fields', u.fields,
                          'sent_today', CASE WHEN z.quota IS NULL THEN 0 ELSE (
                            SELECT count(*) FROM notice_tries y
                            WHERE y.tenant_id = bound AND y.planned_at >= today AND y.template_id = z.template_id
                              AND y.channel = 'phone') END))
                 FROM template_uses u
                 JOIN zbs_templates z ON z.tenant_id = u.tenant_id AND z.template_id = u.template_id
                 WHERE u.tenant_id = bound))
      FROM tenants t LEFT JOIN notice_settings s ON s.tenant_id = t.id
      WHERE t.id = bound) END::text;
    RETURN NEXT;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""

# What was decided of them, as 0017 says of it: each dossier is written by its key, what follows from all of them in one statement a table.
# As in `inbox_put`, a row binds its tenant on its way into the table, where the policy refuses any other.
DOSSIERS_PUT_APPLY = """
CREATE OR REPLACE FUNCTION dossiers_put_apply(
  at timestamptz, month text,
  i_tenants uuid[], i_versions bigint[], i_old smallint[], i_event_flags text[], i_told bytea[],
  i_ids uuid[], i_codes text[], i_keys text[], i_procedures text[], i_status smallint[], i_sub text[], i_units text[],
  i_received timestamptz[], i_due timestamptz[], i_given boolean[], i_first timestamptz[], i_registered timestamptz[],
  i_paused timestamptz[], i_finished timestamptz[], i_overdue timestamptz[], i_again smallint[], i_changed timestamptz[],
  i_last integer[], i_flags text[], i_content bytea[], i_sealed bytea[], i_secrets bytea[], i_phones bytea[],
  n_items integer[], n_ids uuid[], n_citizens uuid[], n_kinds text[], n_states text[], n_channels text[], n_reasons text[],
  n_decisions text[], n_facts bytea[], n_wordings integer[], n_due timestamptz[], n_keys text[], n_causes text[],
  n_messages uuid[], n_bodies bytea[], n_hashes bytea[],
  c_items integer[], c_ids uuid[], c_kinds text[], c_bodies bytea[]
) RETURNS integer[] LANGUAGE plpgsql SECURITY INVOKER
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  bound uuid;
  old_ids uuid[];
  old_versions bigint[];
  ours uuid[];
  moved uuid[];
  mine integer[];
  fresh uuid[];
  done integer[] := '{}';
BEGIN
  FOR bound IN SELECT DISTINCT t FROM unnest(i_tenants) AS t ORDER BY t LOOP
    PERFORM set_config('govchat.tenant_id', bound::text, true);
    ours := '{}';
    SELECT coalesce(array_agg(x.id), '{}'), coalesce(array_agg(x.version), '{}') INTO old_ids, old_versions
    FROM unnest(i_tenants, i_ids, i_versions) AS x(t, id, version) WHERE x.t = bound AND x.version IS NOT NULL;
    IF EXISTS (SELECT FROM unnest(i_tenants, i_versions) AS x(t, version) WHERE x.t = bound AND x.version IS NULL) THEN
      WITH made AS (
        INSERT INTO dossiers (
          tenant_id, id, code, code_key, procedure_code, status, sub_status, unit, received_at, due_at, due_given, first_due_at,
          registered_at, paused_at, finished_at, overdue_at, reappointments, changed_at, last_event, flags, content_hash,
          private_sealed, secret_hash, phone_index)
        SELECT bound, d.id, d.code, d.key, d.procedure_code, d.status, d.sub, d.unit, d.received, d.due, d.given, d.first,
               d.registered, d.paused, d.finished, d.overdue, d.again, d.changed, d.last, string_to_array(d.flags, ' '), d.content,
               d.sealed, d.secret, d.phone
        FROM unnest(i_tenants, i_versions, i_ids, i_codes, i_keys, i_procedures, i_status, i_sub, i_units, i_received, i_due, i_given,
                    i_first, i_registered, i_paused, i_finished, i_overdue, i_again, i_changed, i_last, i_flags, i_content,
                    i_sealed, i_secrets, i_phones)
          AS d(t, version, id, code, key, procedure_code, status, sub, unit, received, due, given, first, registered, paused, finished,
               overdue, again, changed, last, flags, content, sealed, secret, phone)
        WHERE d.t = bound AND d.version IS NULL
        ORDER BY d.key
        ON CONFLICT (tenant_id, code_key) DO NOTHING
        RETURNING id
      )
      SELECT coalesce(array_agg(id), '{}') INTO ours FROM made;
    END IF;
    IF cardinality(old_ids) > 0 THEN
      moved := ARRAY(
        SELECT x.id FROM dossiers x
        WHERE x.tenant_id = bound AND x.id = ANY(old_ids) AND x.xmin::text::bigint = old_versions[array_position(old_ids, x.id)]
        FOR NO KEY UPDATE SKIP LOCKED);
      UPDATE dossiers x
      SET procedure_code = d.procedure_code, status = d.status, sub_status = d.sub, unit = d.unit, received_at = d.received,
          due_at = d.due, due_given = d.given, first_due_at = d.first, registered_at = d.registered, paused_at = d.paused,
          finished_at = d.finished, overdue_at = d.overdue, reappointments = d.again, changed_at = d.changed, last_event = d.last,
          flags = string_to_array(d.flags, ' '), content_hash = d.content, private_sealed = d.sealed, secret_hash = d.secret,
          phone_index = d.phone, updated_at = at
      FROM unnest(i_ids, i_procedures, i_status, i_sub, i_units, i_received, i_due, i_given, i_first, i_registered, i_paused,
                  i_finished, i_overdue, i_again, i_changed, i_last, i_flags, i_content, i_sealed, i_secrets, i_phones)
        AS d(id, procedure_code, status, sub, unit, received, due, given, first, registered, paused, finished, overdue, again,
             changed, last, flags, content, sealed, secret, phone)
      WHERE x.tenant_id = bound AND x.id = ANY(moved) AND d.id = x.id;
      ours := ours || moved;
    END IF;
    CONTINUE WHEN cardinality(ours) = 0;
    mine := ARRAY(SELECT x.place::integer FROM unnest(i_ids) WITH ORDINALITY AS x(id, place) WHERE x.id = ANY(ours));
    done := done || mine;
    IF c_items && mine THEN
      INSERT INTO callback_deliveries (tenant_id, endpoint_id, message_id, kind, body_sealed, state, due_at, created_at)
      SELECT bound, e.id, c.id, c.kind, c.body, CASE e.state WHEN 'enabled' THEN 'queued' ELSE 'held' END, at, at
      FROM callback_endpoints e
      CROSS JOIN unnest(c_items, c_ids, c_kinds, c_bodies) AS c(item, id, kind, body)
      WHERE e.tenant_id = bound AND c.item = ANY(mine) AND (e.kinds = '{}' OR c.kind = ANY (e.kinds));
    END IF;
  END LOOP;
  INSERT INTO dossier_events (
    tenant_id, dossier_id, number, old_status, status, sub_status, unit, due_at, changed_at, flags, told_sealed)
  SELECT set_config('govchat.tenant_id', e.t::text, true)::uuid,
         e.id, e.number, e.old, e.status, e.sub, e.unit, e.due, e.changed, string_to_array(e.flags, ' '), e.told
  FROM (
    SELECT * FROM unnest(i_tenants, i_ids, i_last, i_old, i_status, i_sub, i_units, i_due, i_changed, i_event_flags, i_told) WITH ORDINALITY
      AS one(t, id, number, old, status, sub, unit, due, changed, flags, told, place)
    WHERE one.place = ANY(done) AND one.told IS NOT NULL
    ORDER BY one.t, one.place
  ) e;
  IF n_items && done THEN
    WITH put AS (
      INSERT INTO outbox_messages (
        tenant_id, id, lane, dedupe_key, cause, caused_at, due_at, citizen_id, body_sealed, echo_hash)
      SELECT set_config('govchat.tenant_id', m.t::text, true)::uuid,
             m.id, 1, m.key, m.cause, at, coalesce(m.due, clock_timestamp()), m.citizen, m.body, m.hash
      FROM (
        SELECT i_tenants[one.item] AS t, one.*
        FROM unnest(n_items, n_messages, n_keys, n_causes, n_due, n_citizens, n_bodies, n_hashes) WITH ORDINALITY
          AS one(item, id, key, cause, due, citizen, body, hash, place)
        WHERE one.item = ANY(done) AND one.id IS NOT NULL
        ORDER BY 1, one.place
      ) m
      ON CONFLICT (tenant_id, dedupe_key) DO NOTHING
      RETURNING id
    )
    SELECT coalesce(array_agg(id), '{}') INTO fresh FROM put;
    -- What was put before under the same key is the notice's message.
    FOR i IN 1 .. cardinality(n_items) LOOP
      CONTINUE WHEN n_messages[i] IS NULL OR n_messages[i] = ANY(fresh) OR n_items[i] <> ALL(done);
      PERFORM set_config('govchat.tenant_id', i_tenants[n_items[i]]::text, true);
      n_messages[i] := (
        SELECT o.id FROM outbox_messages o WHERE o.tenant_id = i_tenants[n_items[i]] AND o.dedupe_key = n_keys[i]);
    END LOOP;
    WITH written AS (
      INSERT INTO notices (
        tenant_id, id, dossier_id, number, citizen_id, kind, state, channel, reason, decision, facts_sealed, wording_version,
        message_id, caused_at, planned_at, due_at)
      SELECT set_config('govchat.tenant_id', n.t::text, true)::uuid,
             n.id, i_ids[n.item], i_last[n.item], n.citizen, n.kind, n.state, n.channel, n.reason, n.decision::jsonb, n.facts,
             n.wording, CASE WHEN n.state = 'planned' THEN n.message END, at, at, n.due
      FROM (
        SELECT i_tenants[one.item] AS t, one.*
        FROM unnest(n_items, n_ids, n_citizens, n_kinds, n_states, n_channels, n_reasons, n_decisions, n_facts, n_wordings, n_due,
                    n_messages) WITH ORDINALITY
          AS one(item, id, citizen, kind, state, channel, reason, decision, facts, wording, due, message, place)
        WHERE one.item = ANY(done)
        ORDER BY 1, one.place
      ) n
      ON CONFLICT (tenant_id, dossier_id, number, citizen_id) DO NOTHING
      RETURNING tenant_id, id, message_id, channel, decision
    )
    INSERT INTO notice_tries (
      tenant_id, message_id, notice_id, number, channel, template_id, cost, money, period, held, planned_at)
    SELECT set_config('govchat.tenant_id', w.tenant_id::text, true)::uuid,
           w.message_id, w.id, 1, w.channel, w.decision->>'template_id', 0, 'none', month, (w.decision->>'held')::boolean, at
    FROM written w WHERE w.message_id IS NOT NULL
    ON CONFLICT DO NOTHING;
  END IF;
  PERFORM set_config('govchat.tenant_id', '', true);
  RETURN done;
END $$
"""

FUNCTIONS = (INBOX_PUT, OUTBOX_CLAIM, OUTBOX_RECORD, OUTBOX_NOTE_ECHOES, DOSSIERS_PUT_LOOK, DOSSIERS_PUT_APPLY)
BEFORE = (
    "ALTER FUNCTION inbox_put RESET plan_cache_mode",
    functions_0012.OUTBOX_CLAIM,
    *(
        function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
        for function in (
            functions_0003.OUTBOX_RECORD,
            functions_0003.OUTBOX_NOTE_ECHOES,
            functions_0017.DOSSIERS_PUT_LOOK,
            functions_0017.DOSSIERS_PUT_APPLY,
        )
    ),
)
