"""SQL functions of revision 0025: what campaigns say is claimed and recorded a handful at a time, written out whole.

Like those of 0003 they run as their caller and bind the tenants they touch one after another. What they take the place of was made by 0023
and 0024; nothing of what it promises is new. An update of a message costs a quarter of a millisecond to begin, since its checks, policies
and the conditions of its indexes are read anew each time, and a tenth of that for each row: so rows are gathered, and written together.
"""

from govchat.db.migrations import functions_0012, functions_0023, functions_0024

# Claims of the campaign lane. What holds for a recipient is looked at here, not when the campaign was planned: whether they still follow,
# have opted out, agreed to promotions, had one today, can be reached and on which way, and what is left to spend. Who may not be told is
# `skipped` with the reason as its attempt. Four reasons only put off: a second promotion of a day and a template of which Zalo allows no
# more today wait for the next morning, who is beyond the ceiling waits while money on its way may come back. `at` is the caller's clock.
#
# Rows are found one by one by their keys, whatever the planner believed of tables whose statistics were young when it planned: what is
# asked of a row is asked in subqueries, which can't be turned into joins, nothing is joined with what was handed in, and states of rows
# found by id are compared so that no index of states fits. Whom a look has chosen is claimed in one statement: what it costs to begin one
# (its checks, policies and indexes are read anew) is several times what it does to a row.
OUTBOX_CLAIM_BULK = """
CREATE OR REPLACE FUNCTION outbox_claim_bulk(worker uuid, at timestamptz, tenants uuid[], mosts integer[], opens integer[])
RETURNS TABLE (
  tenant_id uuid, id uuid, lane smallint, citizen_id uuid, body_sealed bytea, attempts integer, created_at timestamptz,
  caused_at timestamptz, seq bigint, body_ref uuid, user_id text, channel text, commune text, list_id uuid, fields_sealed bytea
) LANGUAGE plpgsql SECURITY INVOKER
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
#variable_conflict use_column
DECLARE
  want record;
  body outbox_bodies%ROWTYPE;
  one record;
  told record;
  ids uuid[];
  ways text[];
  users text[];
  costs integer[];
  mores integer[];
  place integer;
  room integer;
  look integer;
  looks integer;
  skipped integer;
  got integer;
  by_template integer;
  taken integer;
  price integer;
  more integer;
  set_aside integer;
  on_its_way boolean;
  later boolean;
  why text;
  today date := (at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date;
  hour time := (at AT TIME ZONE 'Asia/Ho_Chi_Minh')::time;
  morning timestamptz := (today + 1 + time '06:00') AT TIME ZONE 'Asia/Ho_Chi_Minh';
  due timestamptz := greatest(at, clock_timestamp());
BEGIN
  FOR want IN SELECT * FROM unnest(tenants, mosts, opens) AS w(bound, most, open) ORDER BY bound LOOP
    IF NOT pg_try_advisory_xact_lock(hashtextextended('outbox:' || want.bound, 0)) THEN
      tenant_id := want.bound;
      id := NULL;
      RETURN NEXT;
      CONTINUE;
    END IF;
    PERFORM set_config('govchat.tenant_id', want.bound::text, true);
    room := least(want.most, want.open);
    IF EXISTS (
         SELECT FROM outbox_messages q
         WHERE q.tenant_id = want.bound AND q.state = 'queued' AND q.body_ref IS NULL AND q.lane = 3) THEN
      RETURN QUERY
        SELECT c.tenant_id, c.id, c.lane, c.citizen_id, c.body_sealed, c.attempts, c.created_at, c.caused_at, c.seq,
               NULL::uuid, NULL::text, NULL::text, NULL::text, NULL::uuid, NULL::bytea
        FROM outbox_claim(worker, 3, 3, ARRAY[want.bound], ARRAY[want.most], ARRAY[want.open]) c;
      GET DIAGNOSTICS got = ROW_COUNT;
      room := room - got;
      PERFORM set_config('govchat.tenant_id', want.bound::text, true);
    END IF;
    FOR body IN
      SELECT b.* FROM outbox_bodies b
      WHERE b.tenant_id = want.bound AND b.is_open
        AND (b.quiet_from IS NULL OR b.quiet_to IS NULL OR NOT CASE
          WHEN b.quiet_from <= b.quiet_to THEN hour >= b.quiet_from AND hour < b.quiet_to
          ELSE hour >= b.quiet_from OR hour < b.quiet_to END)
        AND NOT (b.is_promotion AND (hour >= '22:00' OR hour < '06:00'))
      ORDER BY b.rank, b.id
    LOOP
      EXIT WHEN room <= 0;
      look := room;
      looks := 0;
      by_template := CASE WHEN body.template_id IS NOT NULL THEN outbox_template_room(want.bound, body.template_id, today) END;
      -- However many have to be skipped or put off, a claim ends: the next one goes on.
      WHILE room > 0 AND looks < 10 LOOP
        looks := looks + 1;
        skipped := 0;
        ids := '{}';
        ways := '{}';
        users := '{}';
        costs := '{}';
        mores := '{}';
        set_aside := 0;
        taken := 0;
        FOR one IN
          SELECT w.id, w.citizen_id, w.cost, c.user_id,
                 CASE WHEN body.by_cs AND 'cs' <> ALL (b.channels) AND c.since <= interval '47 hours 58 minutes' THEN 'cs'
                      WHEN body.by_cs AND 'cs' <> ALL (b.channels) AND body.price_cs IS NOT NULL
                           AND c.since <= interval '6 days 23 hours 58 minutes' THEN 'cs_paid'
                      WHEN body.price_uid IS NOT NULL AND 'uid' <> ALL (b.channels) THEN 'uid' END AS way,
                 CASE WHEN c.user_id LIKE 'tel:%' THEN 'phone_only'
                      WHEN c.follows IS NOT TRUE THEN 'not_following'
                      WHEN c.consent = 'withdrawn' THEN 'opted_out'
                      WHEN body.is_promotion AND c.consent IS DISTINCT FROM 'granted' THEN 'no_consent'
                      WHEN body.is_promotion AND EXISTS (
                        SELECT FROM promotion_days p
                        WHERE p.tenant_id = want.bound AND p.citizen_id = w.citizen_id AND p.day = today AND p.message_id <> w.id)
                        THEN 'one_a_day' END AS why
          FROM (
            SELECT q.id, q.citizen_id, q.due_at, coalesce(q.cost, 0) AS cost FROM outbox_messages q
            WHERE q.tenant_id = want.bound AND q.body_ref = body.id AND q.state = 'queued' AND q.due_at <= due
              AND NOT EXISTS (
                SELECT FROM outbox_messages o
                WHERE o.tenant_id = want.bound AND o.citizen_id = q.citizen_id
                  AND o.state IN ('queued', 'sending', 'uncertain') AND o.state = 'sending' OFFSET 0)
            ORDER BY q.due_at LIMIT look
          ) w
          CROSS JOIN LATERAL (
            SELECT z.zalo_user_id AS user_id, z.follows, z.last_interaction_at AS last, at - z.last_interaction_at AS since,
                   (SELECT o.state FROM consents o
                    WHERE o.tenant_id = want.bound AND o.citizen_id = w.citizen_id AND o.purpose = 'broadcast') AS consent
            FROM citizens z WHERE z.tenant_id = want.bound AND z.id = w.citizen_id OFFSET 0
          ) c
          CROSS JOIN LATERAL (
            SELECT ARRAY(
              SELECT k.channel FROM citizen_blocks k
              WHERE k.tenant_id = want.bound AND k.citizen_id = w.citizen_id AND (k.until IS NULL OR k.until > at)
                AND k.since >= coalesce(c.last, '-infinity')) AS channels OFFSET 0
          ) b
          ORDER BY w.due_at, w.id
        LOOP
          why := coalesce(one.why, CASE WHEN one.way IS NULL THEN 'no_channel' END);
          IF why IS NULL THEN
            -- Who is more than was asked for is left to the next claim.
            CONTINUE WHEN room <= 0;
            price := CASE one.way WHEN 'cs_paid' THEN body.price_cs WHEN 'uid' THEN body.price_uid ELSE 0 END;
            more := greatest(price - one.cost, 0);
            IF one.way = 'uid' AND taken >= by_template THEN
              why := 'template_spent';
            ELSIF more > 0 AND set_aside + more > body.ceiling - body.reserved THEN
              -- Money that was set aside, just now or before, may come back.
              on_its_way := set_aside > 0 OR body.reserved > 0 AND (
                EXISTS (SELECT FROM outbox_messages m
                        WHERE m.tenant_id = want.bound AND m.state IN ('sending', 'uncertain') AND m.settled_by IS NULL
                          AND m.state = 'sending' AND m.body_ref = body.id AND m.cost > 0)
                OR EXISTS (SELECT FROM outbox_tallies y
                           WHERE y.tenant_id = want.bound AND y.body_ref = body.id AND y.refund > 0));
              why := CASE WHEN on_its_way THEN 'ceiling_held' ELSE 'over_ceiling' END;
            END IF;
          END IF;
          IF why IS NULL THEN
            ids := ids || one.id;
            ways := ways || one.way;
            users := users || one.user_id;
            costs := costs || greatest(price, one.cost);
            mores := mores || more;
            room := room - 1;
            set_aside := set_aside + more;
            taken := taken + CASE WHEN one.way = 'uid' THEN 1 ELSE 0 END;
          ELSE
            skipped := skipped + 1;
            later := why IN ('one_a_day', 'template_spent', 'ceiling_held');
            UPDATE outbox_messages m
            SET state = CASE WHEN later THEN 'queued' ELSE 'skipped' END,
                due_at = CASE WHEN why = 'ceiling_held' THEN due + interval '1 second'
                              WHEN later THEN morning + random() * interval '10 minutes' ELSE m.due_at END,
                finished_at = CASE WHEN later THEN m.finished_at ELSE at END, zalo_message_id = NULL, settled_by = NULL
            WHERE m.tenant_id = want.bound AND m.id = one.id AND m.state || '' = 'queued';
            IF FOUND AND why <> 'ceiling_held' THEN
              INSERT INTO outbox_attempts (tenant_id, message_id, number, started_at, finished_at, outcome, kind)
              SELECT want.bound, one.id, coalesce(max(a.number), 0) + 1, at, at, CASE WHEN later THEN 'later' ELSE 'skipped' END, why
              FROM outbox_attempts a WHERE a.tenant_id = want.bound AND a.message_id = one.id;
            END IF;
          END IF;
        END LOOP;
        IF ids <> '{}' THEN
          -- What somebody else took away meanwhile is not counted.
          set_aside := 0;
          taken := 0;
          got := 0;
          FOR told IN
            UPDATE outbox_messages m
            SET state = 'sending', claimed_at = clock_timestamp(), claimed_by = worker, attempts = m.attempts + 1,
                channel = ways[array_position(ids, m.id)], cost = costs[array_position(ids, m.id)], zalo_message_id = NULL,
                settled_by = NULL
            WHERE m.tenant_id = want.bound AND m.id = ANY(ids) AND m.state || '' = 'queued'
            RETURNING m.id, m.citizen_id, m.lane, m.attempts, m.created_at, m.caused_at, m.seq
          LOOP
            place := array_position(ids, told.id);
            got := got + 1;
            set_aside := set_aside + mores[place];
            taken := taken + CASE WHEN ways[place] = 'uid' THEN 1 ELSE 0 END;
            IF body.is_promotion THEN
              INSERT INTO promotion_days (tenant_id, citizen_id, day, message_id) VALUES (want.bound, told.citizen_id, today, told.id)
              ON CONFLICT (tenant_id, citizen_id) DO UPDATE SET day = excluded.day, message_id = excluded.message_id;
            END IF;
            IF 'xa' = ANY (body.fields) THEN
              commune := (SELECT l.label FROM citizen_labels l
                          WHERE l.tenant_id = want.bound AND l.citizen_id = told.citizen_id AND l.kind = 'commune'
                          ORDER BY l.folded LIMIT 1);
            END IF;
            IF body.list_id IS NOT NULL THEN
              fields_sealed := (SELECT a.fields_sealed FROM audience_members a
                                WHERE a.tenant_id = want.bound AND a.list_id = body.list_id AND a.citizen_id = told.citizen_id);
            END IF;
            tenant_id := want.bound; id := told.id; lane := told.lane; citizen_id := told.citizen_id; attempts := told.attempts;
            created_at := told.created_at; caused_at := told.caused_at; seq := told.seq; user_id := users[place];
            channel := ways[place]; body_sealed := body.body_sealed; body_ref := body.id; list_id := body.list_id;
            RETURN NEXT;
          END LOOP;
          room := room + cardinality(ids) - got;
        END IF;
        IF set_aside > 0 THEN
          UPDATE outbox_bodies b SET reserved = b.reserved + set_aside WHERE b.tenant_id = want.bound AND b.id = body.id;
          body.reserved := body.reserved + set_aside;
        END IF;
        IF taken > 0 AND by_template IS NOT NULL THEN
          by_template := by_template - taken;
          INSERT INTO template_days AS t (tenant_id, day, template_id, taken) VALUES (want.bound, today, body.template_id, taken)
          ON CONFLICT (tenant_id, day, template_id) DO UPDATE SET taken = t.taken + excluded.taken;
        END IF;
        -- Nobody was skipped: who is left waits for somebody else's message to them, or was more than was asked for.
        EXIT WHEN skipped = 0;
        look := least(greatest(look * 4, 64), 1000);
      END LOOP;
      commune := NULL; fields_sealed := NULL;
    END LOOP;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""

# What became of messages that this worker had claimed; answers the ids that still were its own. An echo that came meanwhile proves that
# the citizen has the message, whatever the attempt looked like from here. The attempt that succeeded is the message's own row; every
# other one is kept. What is handed in stands tenant by tenant.
#
# Nearly all were sent, and nobody had doubts about them: those of a tenant are written in one statement, and what they add to the counts of
# their campaigns in one row, which the trigger is told. Every other message is written by itself.
OUTBOX_RECORD = """
CREATE OR REPLACE FUNCTION outbox_record(
  worker uuid, at timestamptz, tenants uuid[], ids uuid[], states text[], dues timestamptz[], counts boolean[], zalo_ids text[],
  started timestamptz[], outcomes text[], codes integer[], kinds text[], details text[]
) RETURNS uuid[] LANGUAGE plpgsql SECURITY INVOKER
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  many integer := coalesce(cardinality(ids), 0);
  bound uuid;
  after integer := 1;
  sent uuid[];
  said text[];
  one record;
  body uuid;
  told integer;
  spent integer;
  done uuid[];
  kept uuid[] := '{}';
BEGIN
  FOR i IN 1 .. many LOOP
    IF i = after THEN
      bound := tenants[i];
      PERFORM set_config('govchat.tenant_id', bound::text, true);
      sent := '{}';
      said := '{}';
      done := '{}';
      LOOP
        IF states[after] = 'sent' AND dues[after] IS NULL AND counts[after] THEN
          sent := sent || ids[after];
          said := said || zalo_ids[after];
        END IF;
        after := after + 1;
        EXIT WHEN after > many OR tenants[after] IS DISTINCT FROM bound;
      END LOOP;
      IF sent <> '{}' THEN
        PERFORM set_config('govchat.counted', 'yes', true);
        body := NULL;
        told := 0;
        spent := 0;
        FOR one IN
          UPDATE outbox_messages m
          SET state = 'sent', zalo_message_id = coalesce(said[array_position(sent, m.id)], m.zalo_message_id), finished_at = at
          WHERE m.tenant_id = bound AND m.id = ANY(sent) AND m.claimed_by = worker AND m.state || '' = 'sending'
          RETURNING m.id, m.body_ref, m.cost
        LOOP
          done := done || one.id;
          IF body IS DISTINCT FROM one.body_ref THEN
            IF body IS NOT NULL THEN
              INSERT INTO outbox_tallies (tenant_id, body_ref, state, by, cost) VALUES (bound, body, 'sent', told, spent);
            END IF;
            body := one.body_ref;
            told := 0;
            spent := 0;
          END IF;
          told := told + 1;
          spent := spent + coalesce(one.cost, 0);
        END LOOP;
        IF body IS NOT NULL THEN
          INSERT INTO outbox_tallies (tenant_id, body_ref, state, by, cost) VALUES (bound, body, 'sent', told, spent);
        END IF;
        PERFORM set_config('govchat.counted', '', true);
        kept := kept || done;
      END IF;
    END IF;
    CONTINUE WHEN ids[i] = ANY (done);
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

# Whoever changes a state without adding up what follows from it has it added up here: each row, in the transaction of the change.
TRIGGER = functions_0012.TRIGGER.replace("CREATE TRIGGER", "CREATE OR REPLACE TRIGGER").replace(
    "NEW.state IN ('queued', 'sending')))\n",
    "NEW.state IN ('queued', 'sending'))\n"
    "      AND NOT (OLD.state = 'sending' AND NEW.state = 'sent'"
    " AND current_setting('govchat.counted', true) IS NOT DISTINCT FROM 'yes'))\n",
)

FUNCTIONS = (OUTBOX_CLAIM_BULK, OUTBOX_RECORD, TRIGGER)
BEFORE = (
    functions_0024.OUTBOX_CLAIM_BULK,
    functions_0023.OUTBOX_RECORD,
    functions_0012.TRIGGER.replace("CREATE TRIGGER", "CREATE OR REPLACE TRIGGER"),
)
