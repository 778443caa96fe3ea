"""SQL functions of revision 0027: a claim takes from every bucket that PostgreSQL keeps, or the message is not claimed.

What was there takes and writes; these stand around it, in the same transaction and under the same lock of the province: how many messages
may be under way over all processes, and what Zalo allows of approved templates on a day, by template and by telephone over the whole
account. Like those of 0003 they run as their caller and bind the tenants they touch one after another.
"""

# Under way at once for one Official Account, over all processes: 128, of which replies have 32 to themselves. Whoever is away for longer
# than half a minute has no message on its way any more. A province that another process claims for is answered with nothing.
OUTBOX_BOUNDS = """
CREATE FUNCTION outbox_bounds(tenants uuid[], mosts integer[], opens integer[])
RETURNS TABLE (bound uuid, most integer, open integer) LANGUAGE plpgsql SECURITY INVOKER
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
  want record;
  under_way integer;
  -- A value, not an expression: the index is entered at it, and what was claimed before is not read.
  lately timestamptz := clock_timestamp() - interval '30 seconds';
BEGIN
  FOR want IN SELECT * FROM unnest(tenants, mosts, opens) AS w(asks, most, open) ORDER BY asks LOOP
    bound := want.asks;
    IF pg_try_advisory_xact_lock(hashtextextended('outbox:' || want.asks, 0)) THEN
      PERFORM set_config('govchat.tenant_id', want.asks::text, true);
      under_way := (
        SELECT count(*) FROM (
          SELECT FROM outbox_messages m
          WHERE m.tenant_id = want.asks AND m.state IN ('sending', 'uncertain') AND m.settled_by IS NULL
            AND m.claimed_at > lately AND m.state = 'sending'
          LIMIT 128) u);
      most := least(want.most, 128 - under_way);
      open := least(want.open, greatest(96 - under_way, 0));
    ELSE
      most := NULL;
      open := NULL;
    END IF;
    RETURN NEXT;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""

# How many more messages may go by a template on that day: as many as Zalo allows of it, by telephone also as many as it allows the whole
# account; NULL where it has named no limit. A day that Zalo has called spent has no room: a template's, or the account's (no template).
OUTBOX_DAY_ROOM = """
CREATE FUNCTION outbox_day_room(bound uuid, template text, phone boolean, today date) RETURNS integer
LANGUAGE sql STABLE SECURITY INVOKER AS $$
  SELECT least(
    CASE WHEN d.spent THEN 0 WHEN z.quota IS NOT NULL THEN greatest(0, z.quota - coalesce(d.taken, 0) + (
      SELECT count(*) FROM template_returns r
      WHERE r.tenant_id = bound AND r.day = today AND r.template_id = template)::integer) END,
    CASE WHEN phone THEN CASE
      WHEN EXISTS (SELECT FROM template_days a WHERE a.tenant_id = bound AND a.day = today AND a.template_id = '' AND a.spent) THEN 0
      WHEN s.daily_quota IS NOT NULL THEN greatest(0, s.daily_quota - (
          SELECT coalesce(sum(a.by_phone), 0) FROM template_days a WHERE a.tenant_id = bound AND a.day = today)::integer + (
          SELECT count(*) FROM template_returns r WHERE r.tenant_id = bound AND r.day = today AND r.by_phone)::integer) END END)
  FROM (SELECT 1) one
  LEFT JOIN zbs_templates z ON z.tenant_id = bound AND z.template_id = template
  LEFT JOIN template_days d ON d.tenant_id = bound AND d.template_id = template AND d.day = today
  LEFT JOIN notice_settings s ON s.tenant_id = bound
$$
"""

# What campaigns ask, as before: they say templates by user id. What notices take is counted in the same rows now.
TEMPLATE_ROOM = """
CREATE OR REPLACE FUNCTION outbox_template_room(bound uuid, template text, today date) RETURNS integer
LANGUAGE sql STABLE SECURITY INVOKER AS $$ SELECT outbox_day_room(bound, template, false, today) $$
"""

# A notice that goes by an approved template takes from its days as it is claimed. One for which there is no room goes back until the next
# morning, and everything else that waits for the same room with it: it would stand in front of all other notices.
OUTBOX_CLAIM_WITHIN = """
CREATE FUNCTION outbox_claim_within(
  worker uuid, first_lane integer, last_lane integer, tenants uuid[], mosts integer[], opens integer[]
) RETURNS TABLE (
  tenant_id uuid, id uuid, lane smallint, citizen_id uuid, body_sealed bytea, attempts integer, created_at timestamptz,
  caused_at timestamptz, seq bigint
) LANGUAGE plpgsql SECURITY INVOKER
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
#variable_conflict use_column
DECLARE
  want record;
  one record;
  mine uuid[] := '{}';
  able integer[] := '{}';
  unasked integer[] := '{}';
BEGIN
  FOR want IN SELECT * FROM outbox_bounds(tenants, mosts, opens) LOOP
    IF want.most IS NULL THEN
      tenant_id := want.bound;
      RETURN NEXT;
    ELSIF want.most > 0 THEN
      mine := mine || want.bound;
      able := able || want.most;
      unasked := unasked || want.open;
    END IF;
  END LOOP;
  IF mine <> '{}' THEN
    FOR one IN SELECT * FROM outbox_claim(worker, first_lane, last_lane, mine, able, unasked) LOOP
      CONTINUE WHEN one.lane = 1 AND NOT outbox_take_day(one.tenant_id, one.id);
      tenant_id := one.tenant_id; id := one.id; lane := one.lane; citizen_id := one.citizen_id; body_sealed := one.body_sealed;
      attempts := one.attempts; created_at := one.created_at; caused_at := one.caused_at; seq := one.seq;
      RETURN NEXT;
    END LOOP;
  END IF;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""

# Takes from the days of a notice that has just been claimed; false when there was no room and it has been put off. It is counted either
# way: what goes back to the queue is given back by the trigger below, as whatever goes back for other reasons.
OUTBOX_TAKE_DAY = """
CREATE FUNCTION outbox_take_day(bound uuid, message uuid) RETURNS boolean LANGUAGE plpgsql SECURITY INVOKER
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
#variable_conflict use_column
DECLARE
  tried record;
  room integer;
  by_template boolean;
  today date := (clock_timestamp() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date;
  morning timestamptz := (today + 1 + time '06:00') AT TIME ZONE 'Asia/Ho_Chi_Minh';
BEGIN
  PERFORM set_config('govchat.tenant_id', bound::text, true);
  SELECT t.template_id, t.channel = 'phone' AS phone INTO tried
  FROM notice_tries t WHERE t.tenant_id = bound AND t.message_id = message AND t.template_id IS NOT NULL;
  IF NOT FOUND THEN
    RETURN true;
  END IF;
  room := outbox_day_room(bound, tried.template_id, tried.phone, today);
  INSERT INTO template_days AS d (tenant_id, day, template_id, taken, by_phone)
  VALUES (bound, today, tried.template_id, 1, tried.phone::integer)
  ON CONFLICT (tenant_id, day, template_id) DO UPDATE SET taken = d.taken + 1, by_phone = d.by_phone + excluded.by_phone;
  IF room IS NULL OR room > 0 THEN
    RETURN true;
  END IF;
  by_template := coalesce(outbox_day_room(bound, tried.template_id, false, today) <= 0, false);
  WITH waiting AS (
    SELECT q.id FROM outbox_messages q
    WHERE q.tenant_id = bound AND q.state = 'queued' AND q.body_ref IS NULL AND q.lane = 1 AND q.due_at <= clock_timestamp()
      AND EXISTS (
        SELECT FROM notice_tries t
        WHERE t.tenant_id = bound AND t.message_id = q.id
          AND CASE WHEN by_template THEN t.template_id = tried.template_id ELSE t.channel = 'phone' END OFFSET 0)
    UNION ALL SELECT message
  ), put_off AS (
    UPDATE outbox_messages m
    SET state = 'queued', due_at = morning + random() * interval '10 minutes',
        attempts = m.attempts - CASE WHEN m.id = message THEN 1 ELSE 0 END
    FROM waiting w WHERE m.tenant_id = bound AND m.id = w.id
    RETURNING m.id
  )
  INSERT INTO outbox_attempts (tenant_id, message_id, number, started_at, finished_at, outcome, kind)
  SELECT bound, p.id,
         (SELECT coalesce(max(a.number), 0) + 1 FROM outbox_attempts a WHERE a.tenant_id = bound AND a.message_id = p.id),
         clock_timestamp(), clock_timestamp(), 'later', 'template_spent'
  FROM put_off p;
  RETURN false;
END $$
"""

OUTBOX_CLAIM_BULK_WITHIN = """
CREATE FUNCTION outbox_claim_bulk_within(worker uuid, at timestamptz, tenants uuid[], mosts integer[], opens integer[])
RETURNS TABLE (
  tenant_id uuid, id uuid, lane smallint, citizen_id uuid, body_sealed bytea, attempts integer, created_at timestamptz,
  caused_at timestamptz, seq bigint, body_ref uuid, user_id text, channel text, commune text, list_id uuid, fields_sealed bytea
) LANGUAGE plpgsql SECURITY INVOKER
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  want record;
  mine uuid[] := '{}';
  able integer[] := '{}';
  unasked integer[] := '{}';
BEGIN
  FOR want IN SELECT * FROM outbox_bounds(tenants, mosts, opens) LOOP
    IF want.most IS NULL THEN
      tenant_id := want.bound;
      RETURN NEXT;
    ELSIF least(want.most, want.open) > 0 THEN
      mine := mine || want.bound;
      able := able || want.most;
      unasked := unasked || want.open;
    END IF;
  END LOOP;
  IF mine <> '{}' THEN
    RETURN QUERY SELECT * FROM outbox_claim_bulk(worker, at, mine, able, unasked);
  END IF;
END $$
"""

# What Zalo did not take counts against no day: it goes back to the day it was taken from. Rows that are only added make nobody wait. What
# was claimed within a minute of midnight is left counted, as two clocks may disagree about its day.
OUTBOX_GIVE_BACK = """
CREATE FUNCTION outbox_give_back() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
DECLARE
  took date := (OLD.claimed_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date;
BEGIN
  INSERT INTO template_returns (tenant_id, day, template_id, by_phone)
  SELECT OLD.tenant_id, took, t.template, t.phone
  FROM (
    SELECT y.template_id, y.channel = 'phone' FROM notice_tries y
    WHERE OLD.lane = 1 AND y.tenant_id = OLD.tenant_id AND y.message_id = OLD.id
    UNION ALL
    SELECT b.template_id, false FROM outbox_bodies b WHERE b.tenant_id = OLD.tenant_id AND b.id = OLD.body_ref
  ) t(template, phone)
  WHERE EXISTS (
      SELECT FROM template_days d
      WHERE d.tenant_id = OLD.tenant_id AND d.day = took AND d.template_id = t.template AND d.taken > 0)
    AND ((OLD.claimed_at - interval '1 minute') AT TIME ZONE 'Asia/Ho_Chi_Minh')::date
      = ((OLD.claimed_at + interval '1 minute') AT TIME ZONE 'Asia/Ho_Chi_Minh')::date;
  RETURN NULL;
END $$
"""

TRIGGER = """
CREATE TRIGGER outbox_give_back AFTER UPDATE OF state ON outbox_messages FOR EACH ROW
WHEN (OLD.state = 'sending' AND NEW.state IN ('queued', 'failed', 'skipped') AND (OLD.lane = 1 OR OLD.channel = 'uid'))
EXECUTE FUNCTION outbox_give_back()
"""

FUNCTIONS = (
    OUTBOX_BOUNDS,
    OUTBOX_DAY_ROOM,
    TEMPLATE_ROOM,
    OUTBOX_TAKE_DAY,
    OUTBOX_CLAIM_WITHIN,
    OUTBOX_CLAIM_BULK_WITHIN,
    OUTBOX_GIVE_BACK,
    TRIGGER,
)
DROP = (
    "TRIGGER outbox_give_back ON outbox_messages",
    "FUNCTION outbox_give_back",
    "FUNCTION outbox_claim_bulk_within",
    "FUNCTION outbox_claim_within",
    "FUNCTION outbox_take_day",
    "FUNCTION outbox_day_room",
    "FUNCTION outbox_bounds",
)
