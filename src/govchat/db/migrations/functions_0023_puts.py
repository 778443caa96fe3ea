"""SQL functions of revision 0023: puts of many provinces, by probes and in few statements. Those of 0017 say what each is for."""

from govchat.db.migrations import functions_0017

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

FUNCTIONS = (DOSSIERS_PUT_LOOK, DOSSIERS_PUT_APPLY)
BEFORE = tuple(
    function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
    for function in (functions_0017.DOSSIERS_PUT_LOOK, functions_0017.DOSSIERS_PUT_APPLY)
)
