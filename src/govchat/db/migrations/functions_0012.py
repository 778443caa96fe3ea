"""SQL functions of revision 0012: campaigns share one body, are claimed by what holds at that moment, and are counted without waiting.

All run as their caller and bind the tenants they touch one after another: row-level security holds inside them as outside.
"""

from govchat.db.migrations import functions_0003

# Messages with a body of their own alone: those of campaigns stand in an index of theirs.
OUTBOX_CLAIM = functions_0003.OUTBOX_CLAIM.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION").replace(
    "q.state = 'queued' AND q.lane", "q.state = 'queued' AND q.body_ref IS NULL AND q.lane"
)
assert "q.body_ref IS NULL" in OUTBOX_CLAIM

# What is due to whom, by index probes: private messages of each lane, then those of the campaigns that are open.
TENANTS_WITH_WORK = """
CREATE OR REPLACE FUNCTION tenants_with_work(stale_after interval)
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
      WHERE m.tenant_id = tenant AND m.state = 'queued' AND m.body_ref IS NULL AND m.lane < 3 AND m.due_at <= clock_timestamp()
      ORDER BY m.lane, m.seq LIMIT 1);
    bulk := coalesce((
      SELECT m.due_at FROM outbox_messages m
      WHERE m.tenant_id = tenant AND m.state = 'queued' AND m.body_ref IS NULL AND m.lane = 3 AND m.due_at <= clock_timestamp()
      ORDER BY m.lane, m.seq LIMIT 1), (
      SELECT m.due_at FROM outbox_bodies b CROSS JOIN LATERAL (
        SELECT q.due_at FROM outbox_messages q
        WHERE q.tenant_id = tenant AND q.body_ref = b.id AND q.state = 'queued' AND q.due_at <= clock_timestamp()
        ORDER BY q.due_at LIMIT 1) m
      WHERE b.tenant_id = tenant AND b.is_open LIMIT 1));
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

# Claims of the campaign lane. What holds for a recipient is looked at here, not when the campaign was planned: whether they still follow,
# have opted out, agreed to promotions, had one today, can be reached and on which way, and what is left to spend. Who may not be told is
# `skipped` with the reason as its attempt; a second promotion of a day waits for the next morning. `at` is the caller's clock.
OUTBOX_CLAIM_BULK = """
CREATE FUNCTION outbox_claim_bulk(worker uuid, at timestamptz, tenants uuid[], mosts integer[], opens integer[])
RETURNS TABLE (
  tenant_id uuid, id uuid, lane smallint, citizen_id uuid, body_sealed bytea, attempts integer, created_at timestamptz,
  caused_at timestamptz, seq bigint, body_ref uuid, user_id text, channel text, commune text, list_id uuid, fields_sealed bytea
) LANGUAGE plpgsql SECURITY INVOKER AS $$
#variable_conflict use_column
DECLARE
  want record;
  body outbox_bodies%ROWTYPE;
  room integer;
  look integer;
  got integer;
  today date := (at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date;
  hour time := (at AT TIME ZONE 'Asia/Ho_Chi_Minh')::time;
  due timestamptz := greatest(at, clock_timestamp());
  ids uuid[]; whys text[]; ways text[]; prices integer[]; extra integer;
BEGIN
  FOR want IN SELECT * FROM unnest(tenants, mosts, opens) AS w(bound, most, open) ORDER BY bound LOOP
    IF NOT pg_try_advisory_xact_lock(hashtextextended('outbox:' || want.bound, 0)) THEN
      tenant_id := want.bound;
      RETURN NEXT;
      CONTINUE;
    END IF;
    RETURN QUERY
      SELECT c.tenant_id, c.id, c.lane, c.citizen_id, c.body_sealed, c.attempts, c.created_at, c.caused_at, c.seq,
             NULL::uuid, NULL::text, NULL::text, NULL::text, NULL::uuid, NULL::bytea
      FROM outbox_claim(worker, 3, 3, ARRAY[want.bound], ARRAY[want.most], ARRAY[want.open]) c;
    GET DIAGNOSTICS got = ROW_COUNT;
    room := least(want.most, want.open) - got;
    PERFORM set_config('govchat.tenant_id', want.bound::text, true);
    FOR body IN
      SELECT b.* FROM outbox_bodies b
      WHERE b.tenant_id = want.bound AND b.is_open
        AND (b.quiet_from IS NULL OR b.quiet_to IS NULL OR NOT CASE
          WHEN b.quiet_from <= b.quiet_to THEN hour >= b.quiet_from AND hour < b.quiet_to
          ELSE hour >= b.quiet_from OR hour < b.quiet_to END)
        AND NOT (b.is_promotion AND (hour >= '22:00' OR hour < '06:00'))
      ORDER BY b.rank, b.id
    LOOP
      look := room;
      WHILE room > 0 LOOP
        WITH waiting AS MATERIALIZED (
          SELECT q.id, q.citizen_id, q.due_at, q.cost FROM outbox_messages q
          WHERE q.tenant_id = want.bound AND q.body_ref = body.id AND q.state = 'queued' AND q.due_at <= due
            AND NOT EXISTS (
              SELECT FROM outbox_messages o
              WHERE o.tenant_id = q.tenant_id AND o.citizen_id = q.citizen_id
                AND o.state IN ('queued', 'sending', 'uncertain') AND o.state = 'sending')
          ORDER BY q.due_at LIMIT look
        ), known AS (
          SELECT w.*, c.follows, c.zalo_user_id, at - c.last_interaction_at AS since, o.state AS consent, p.message_id AS promoted,
                 EXISTS (SELECT FROM citizen_blocks k WHERE k.tenant_id = want.bound AND k.citizen_id = w.citizen_id
                   AND k.channel = 'cs' AND (k.until IS NULL OR k.until > at)
                   AND k.since >= coalesce(c.last_interaction_at, '-infinity')) AS no_cs,
                 EXISTS (SELECT FROM citizen_blocks k WHERE k.tenant_id = want.bound AND k.citizen_id = w.citizen_id
                   AND k.channel = 'uid' AND (k.until IS NULL OR k.until > at)
                   AND k.since >= coalesce(c.last_interaction_at, '-infinity')) AS no_uid
          FROM waiting w
          JOIN citizens c ON c.tenant_id = want.bound AND c.id = w.citizen_id
          LEFT JOIN consents o ON o.tenant_id = want.bound AND o.citizen_id = w.citizen_id AND o.purpose = 'broadcast'
          LEFT JOIN promotion_days p ON body.is_promotion AND p.tenant_id = want.bound AND p.citizen_id = w.citizen_id
            AND p.day = today AND p.message_id <> w.id
        ), ways AS (
          SELECT k.*, CASE
            WHEN body.by_cs AND NOT k.no_cs AND k.since <= interval '47 hours 58 minutes' THEN 'cs'
            WHEN body.by_cs AND NOT k.no_cs AND body.price_cs IS NOT NULL AND k.since <= interval '6 days 23 hours 58 minutes'
              THEN 'cs_paid'
            WHEN body.price_uid IS NOT NULL AND NOT k.no_uid THEN 'uid' END AS way
          FROM known k
        ), weighed AS (
          SELECT y.id, y.due_at, y.cost, y.way,
                 CASE y.way WHEN 'cs_paid' THEN body.price_cs WHEN 'uid' THEN body.price_uid ELSE 0 END AS price,
                 CASE WHEN y.zalo_user_id LIKE 'tel:%' THEN 'phone_only'
                      WHEN y.follows IS NOT TRUE THEN 'not_following'
                      WHEN y.consent = 'withdrawn' THEN 'opted_out'
                      WHEN body.is_promotion AND y.consent IS DISTINCT FROM 'granted' THEN 'no_consent'
                      WHEN y.promoted IS NOT NULL THEN 'one_a_day'
                      WHEN y.way IS NULL THEN 'no_channel' END AS why
          FROM ways y
        ), paid AS (
          SELECT z.*, sum(CASE WHEN z.why IS NULL THEN greatest(z.price - coalesce(z.cost, 0), 0) ELSE 0 END)
                   OVER (ORDER BY z.due_at, z.id) AS so_far
          FROM weighed z
        ), judged AS (
          SELECT i.id, i.due_at, i.way, i.price,
                 coalesce(i.why, CASE WHEN i.price > coalesce(i.cost, 0) AND i.so_far > body.ceiling - body.reserved
                                      THEN 'over_ceiling' END) AS why,
                 greatest(i.price - coalesce(i.cost, 0), 0) AS more
          FROM paid i
        ), ranked AS (
          SELECT j.*, count(*) FILTER (WHERE j.why IS NULL) OVER (ORDER BY j.due_at, j.id) AS place FROM judged j
        )
        SELECT array_agg(r.id), array_agg(r.why), array_agg(r.way), array_agg(r.price),
               coalesce(sum(r.more) FILTER (WHERE r.why IS NULL), 0)
        INTO ids, whys, ways, prices, extra
        FROM ranked r WHERE r.why IS NOT NULL OR r.place <= room;
        EXIT WHEN ids IS NULL;
        RETURN QUERY
          WITH verdicts AS (
            SELECT * FROM unnest(ids, whys, ways, prices) AS v(id, why, way, price)
          ), done AS (
            UPDATE outbox_messages m
            SET state = CASE WHEN v.why IS NULL THEN 'sending' WHEN v.why = 'one_a_day' THEN 'queued' ELSE 'skipped' END,
                due_at = CASE WHEN v.why = 'one_a_day'
                              THEN (today + 1 + time '06:00' + random() * interval '10 minutes') AT TIME ZONE 'Asia/Ho_Chi_Minh'
                              ELSE m.due_at END,
                claimed_at = CASE WHEN v.why IS NULL THEN clock_timestamp() ELSE m.claimed_at END,
                claimed_by = CASE WHEN v.why IS NULL THEN worker ELSE m.claimed_by END,
                attempts = m.attempts + CASE WHEN v.why IS NULL THEN 1 ELSE 0 END,
                finished_at = CASE WHEN v.why IS NOT NULL AND v.why <> 'one_a_day' THEN at ELSE m.finished_at END,
                channel = CASE WHEN v.why IS NULL THEN v.way ELSE m.channel END,
                cost = CASE WHEN v.why IS NULL THEN greatest(v.price, coalesce(m.cost, 0)) ELSE m.cost END,
                zalo_message_id = NULL, settled_by = NULL
            FROM verdicts v
            WHERE m.tenant_id = want.bound AND m.id = v.id AND m.state = 'queued'
            RETURNING m.id, m.lane, m.citizen_id, m.attempts, m.created_at, m.caused_at, m.seq, m.channel, m.state, v.why
          ), skipped AS (
            INSERT INTO outbox_attempts (tenant_id, message_id, number, started_at, finished_at, outcome, kind)
            SELECT want.bound, d.id,
                   (SELECT coalesce(max(a.number), 0) + 1 FROM outbox_attempts a
                    WHERE a.tenant_id = want.bound AND a.message_id = d.id),
                   at, at, CASE WHEN d.state = 'queued' THEN 'later' ELSE 'skipped' END, d.why
            FROM done d WHERE d.why IS NOT NULL
          ), promoted AS (
            INSERT INTO promotion_days (tenant_id, citizen_id, day, message_id)
            SELECT want.bound, d.citizen_id, today, d.id FROM done d WHERE d.state = 'sending' AND body.is_promotion
            ON CONFLICT (tenant_id, citizen_id) DO UPDATE SET day = excluded.day, message_id = excluded.message_id
          )
          SELECT want.bound, d.id, d.lane, d.citizen_id, body.body_sealed, d.attempts, d.created_at, d.caused_at, d.seq,
                 body.id, c.zalo_user_id, d.channel,
                 CASE WHEN 'xa' = ANY (body.fields) THEN (
                   SELECT l.label FROM citizen_labels l
                   WHERE l.tenant_id = want.bound AND l.citizen_id = d.citizen_id AND l.kind = 'commune'
                   ORDER BY l.folded LIMIT 1) END,
                 body.list_id, a.fields_sealed
          FROM done d
          JOIN citizens c ON c.tenant_id = want.bound AND c.id = d.citizen_id
          LEFT JOIN audience_members a
            ON a.tenant_id = want.bound AND a.list_id = body.list_id AND a.citizen_id = d.citizen_id
          WHERE d.state = 'sending';
        GET DIAGNOSTICS got = ROW_COUNT;
        room := room - got;
        IF extra > 0 THEN
          UPDATE outbox_bodies b SET reserved = b.reserved + extra WHERE b.tenant_id = want.bound AND b.id = body.id;
          body.reserved := body.reserved + extra;
        END IF;
        -- Nobody was skipped: who is left waits for somebody else's message to them, or was more than was asked for.
        EXIT WHEN got = cardinality(ids);
        look := least(greatest(look * 4, 64), 2000);
      END LOOP;
    END LOOP;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""

# Counts of a campaign, whoever changes a message's state: one row more for each that reaches or leaves a final state.
OUTBOX_TALLY = """
CREATE FUNCTION outbox_tally() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  IF OLD.state NOT IN ('queued', 'sending') THEN
    INSERT INTO outbox_tallies (tenant_id, body_ref, state, by, cost)
    VALUES (OLD.tenant_id, OLD.body_ref, OLD.state, -1,
            CASE WHEN OLD.state IN ('sent', 'uncertain') THEN -coalesce(OLD.cost, 0) ELSE 0 END);
  END IF;
  IF NEW.state NOT IN ('queued', 'sending') THEN
    INSERT INTO outbox_tallies (tenant_id, body_ref, state, by, cost)
    VALUES (NEW.tenant_id, NEW.body_ref, NEW.state, 1,
            CASE WHEN NEW.state IN ('sent', 'uncertain') THEN coalesce(NEW.cost, 0) ELSE 0 END);
  END IF;
  RETURN NULL;
END $$
"""

TRIGGER = """
CREATE TRIGGER outbox_tally AFTER UPDATE OF state ON outbox_messages FOR EACH ROW
WHEN (NEW.body_ref IS NOT NULL AND NEW.state <> OLD.state
      AND NOT (OLD.state IN ('queued', 'sending') AND NEW.state IN ('queued', 'sending')))
EXECUTE FUNCTION outbox_tally()
"""

# Which tenants have a campaign to move on, a picture to hand to Zalo, or counts to fold: index probes only.
CAMPAIGNS_UNDER_WAY = """
CREATE FUNCTION campaigns_under_way(at timestamptz) RETURNS TABLE (tenant uuid)
LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  FOR tenant IN SELECT t.id FROM tenants t LOOP
    PERFORM set_config('govchat.tenant_id', tenant::text, true);
    IF EXISTS (
         SELECT FROM campaigns c
         WHERE c.tenant_id = tenant
           AND (c.state IN ('approved', 'scheduled', 'running') OR (c.state = 'cancelled' AND NOT c.swept))
           AND (c.state <> 'scheduled' OR c.send_at <= at))
       OR EXISTS (SELECT FROM campaign_pictures p WHERE p.tenant_id = tenant AND p.attachment_id IS NULL AND p.trouble IS NULL)
       OR EXISTS (SELECT FROM outbox_tallies y WHERE y.tenant_id = tenant) THEN
      RETURN NEXT;
    END IF;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""

FUNCTIONS = (OUTBOX_CLAIM, TENANTS_WITH_WORK, OUTBOX_CLAIM_BULK, OUTBOX_TALLY, TRIGGER, CAMPAIGNS_UNDER_WAY)
