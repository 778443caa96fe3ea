"""SQL functions of revision 0019: looks over the tenants that are named, cheap for those where nothing stirs.

All run as their caller and bind the tenants they look at one after another: row-level security holds inside them as outside. A look at a
tenant where nothing waits costs an index probe or two, so that a thousand of them can be looked at again and again.
"""

from govchat.db.migrations import functions_0003, functions_0012

_LOOP = """
CREATE FUNCTION {name}({arguments}) RETURNS TABLE ({columns})
LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  FOREACH tenant IN ARRAY which LOOP
    PERFORM set_config('govchat.tenant_id', tenant::text, true);
{look}
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""

# What is due to whom: for workers that converse, or (`campaigns`) for those that send campaigns. The index of open messages holds queued
# ones of every kind and those in doubt: where it is empty, nothing in the outbox waits.
WORK_WAITING = _LOOP.format(
    name="work_waiting",
    arguments="which uuid[], campaigns boolean, stale_after interval",
    columns="tenant uuid, inbox timestamptz, receipts timestamptz, outbox timestamptz, stale boolean",
    look="""
    inbox := NULL; receipts := NULL; outbox := NULL; stale := false;
    IF NOT campaigns THEN
      inbox := (
        SELECT e.received_at FROM inbox_events e
        WHERE e.tenant_id = tenant AND e.state = 'pending' AND e.asks AND (e.retry_at IS NULL OR e.retry_at <= clock_timestamp())
        ORDER BY e.seq LIMIT 1);
      receipts := (
        SELECT e.received_at FROM inbox_events e
        WHERE e.tenant_id = tenant AND e.state = 'pending' AND NOT e.asks ORDER BY e.seq LIMIT 1);
    END IF;
    IF EXISTS (SELECT FROM outbox_messages m WHERE m.tenant_id = tenant AND m.state IN ('queued', 'sending', 'uncertain')) THEN
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
    END IF;""",
)

CAMPAIGNS_TO_MOVE = _LOOP.format(
    name="campaigns_to_move",
    arguments="which uuid[], at timestamptz",
    columns="tenant uuid",
    look="""
    IF EXISTS (
         SELECT FROM campaigns c
         WHERE c.tenant_id = tenant
           AND (c.state IN ('approved', 'scheduled', 'running') OR (c.state = 'cancelled' AND NOT c.swept))
           AND (c.state <> 'scheduled' OR c.send_at <= at))
       OR EXISTS (SELECT FROM campaign_pictures p WHERE p.tenant_id = tenant AND p.attachment_id IS NULL AND p.trouble IS NULL)
       OR EXISTS (SELECT FROM outbox_tallies y WHERE y.tenant_id = tenant) THEN
      RETURN NEXT;
    END IF;""",
)

# The addresses are looked at before their deliveries: most tenants have none.
CALLBACKS_TO_SEND = _LOOP.format(
    name="callbacks_to_send",
    arguments="which uuid[], at timestamptz",
    columns="tenant uuid, endpoint uuid",
    look="""
    FOR endpoint IN
      SELECT e.id FROM callback_endpoints e
      WHERE e.tenant_id = tenant AND e.state = 'enabled' AND (e.rest_until IS NULL OR e.rest_until <= at)
        AND EXISTS (
          SELECT FROM callback_deliveries d
          WHERE d.tenant_id = tenant AND d.endpoint_id = e.id
            AND (d.state = 'queued' AND d.due_at <= at OR d.state = 'sending' AND d.claimed_at < at - interval '90 seconds'))
    LOOP
      RETURN NEXT;
    END LOOP;""",
)

CATALOGUE_MARKS_OF = _LOOP.format(
    name="catalogue_marks_of",
    arguments="which uuid[]",
    columns="tenant uuid, mark integer",
    look="""
    mark := (SELECT m.mark FROM catalogue_marks m WHERE m.tenant_id = tenant);
    IF mark IS NOT NULL THEN
      RETURN NEXT;
    END IF;""",
)

DOSSIERS_PAST_DUE = _LOOP.format(
    name="dossiers_past_due",
    arguments="which uuid[], at timestamptz",
    columns="tenant uuid",
    look="""
    IF EXISTS (SELECT FROM dossiers d WHERE d.tenant_id = tenant AND d.status IN (2, 4) AND d.overdue_at IS NULL AND d.due_at < at) THEN
      RETURN NEXT;
    END IF;""",
)

# Whose money is to be balanced or promise to be added up: each once a day, for its row; then while there are notices.
NOTICES_TO_ADD_UP = _LOOP.format(
    name="notices_to_add_up",
    arguments="which uuid[], today date, since timestamptz",
    columns="tenant uuid",
    look="""
    IF EXISTS (SELECT FROM notice_tries t WHERE t.tenant_id = tenant AND t.planned_at >= since)
       OR EXISTS (SELECT FROM notice_tries t WHERE t.tenant_id = tenant AND t.money = 'reserved')
       OR NOT EXISTS (SELECT FROM promise_days p WHERE p.tenant_id = tenant AND p.day = today) THEN
      RETURN NEXT;
    END IF;""",
)

TEMPLATES_TO_READ = _LOOP.format(
    name="templates_to_read",
    arguments="which uuid[], before timestamptz",
    columns="tenant uuid",
    look="""
    IF NOT EXISTS (SELECT FROM notice_settings s WHERE s.tenant_id = tenant AND s.templates_asked_at > before) THEN
      RETURN NEXT;
    END IF;""",
)

# What time may have done to a tenant's citizens: petitions past a day, results to be asked about, officers who may have fallen silent.
CITIZENS_TO_THINK_OF = _LOOP.format(
    name="citizens_to_think_of",
    arguments="which uuid[], at timestamptz, finished_after timestamptz, finished_before timestamptz",
    columns="tenant uuid",
    look="""
    IF EXISTS (
         SELECT FROM petitions p
         WHERE p.tenant_id = tenant AND p.state IN ('received', 'assigned', 'reopened') AND p.overdue_at IS NULL AND p.due_at < at)
       OR EXISTS (SELECT FROM petitions p WHERE p.tenant_id = tenant AND p.state = 'answered' AND p.confirm_until < at)
       OR EXISTS (
         SELECT FROM dossiers d
         WHERE d.tenant_id = tenant AND d.finished_at > finished_after AND d.finished_at <= finished_before AND d.status IN (9, 10))
       OR EXISTS (SELECT FROM handoffs h WHERE h.tenant_id = tenant AND h.ended_at IS NULL) THEN
      RETURN NEXT;
    END IF;""",
)

# Whose tokens may be due (issued before `issued`, or ending before `ends`), and whose webhook has to be counted, compared or judged: one
# that was heard of within a day and is still now at every look, one that has been still for longer when its turn to be compared comes.
ACCOUNTS_TO_KEEP = _LOOP.format(
    name="accounts_to_keep",
    arguments="which uuid[], at timestamptz, issued timestamptz, ends timestamptz",
    columns="tenant uuid, token boolean, webhook boolean",
    look="""
    token := EXISTS (
      SELECT FROM oa_credentials c
      WHERE c.tenant_id = tenant AND c.refresh_token_sealed IS NOT NULL
        AND (c.state = 'needs_reconsent' OR c.refresh_issued_at IS NULL OR c.refresh_issued_at < issued
             OR c.access_expires_at IS NULL OR c.access_expires_at < ends));
    webhook := coalesce((
      SELECT w.compared_to IS NULL OR w.next_look_at <= at OR w.silent_since IS NOT NULL
             OR coalesce(w.last_event_at > at - interval '1 day' AND w.last_event_at < at - interval '30 minutes', false)
             OR EXISTS (
               SELECT FROM inbox_events e
               WHERE e.tenant_id = tenant AND e.id > coalesce(w.counted_to, '00000000-0000-0000-0000-000000000000'))
      FROM webhook_watches w WHERE w.tenant_id = tenant), true);
    IF token OR webhook THEN
      RETURN NEXT;
    END IF;""",
)

FUNCTIONS = {
    "work_waiting(uuid[], boolean, interval)": WORK_WAITING,
    "campaigns_to_move(uuid[], timestamptz)": CAMPAIGNS_TO_MOVE,
    "callbacks_to_send(uuid[], timestamptz)": CALLBACKS_TO_SEND,
    "catalogue_marks_of(uuid[])": CATALOGUE_MARKS_OF,
    "dossiers_past_due(uuid[], timestamptz)": DOSSIERS_PAST_DUE,
    "notices_to_add_up(uuid[], date, timestamptz)": NOTICES_TO_ADD_UP,
    "templates_to_read(uuid[], timestamptz)": TEMPLATES_TO_READ,
    "citizens_to_think_of(uuid[], timestamptz, timestamptz, timestamptz)": CITIZENS_TO_THINK_OF,
    "accounts_to_keep(uuid[], timestamptz, timestamptz, timestamptz)": ACCOUNTS_TO_KEEP,
}

# The same claims and records, found by keys whatever the planner believes. While a table's statistics are young (the first million of an
# installation, until autovacuum looks again) it took a province's whole queue for a handful of rows, and read all of it for each recipient,
# each claim and each record. What is asked of one row at a time is therefore asked in subqueries, which it can't turn into joins, and
# states are compared so that no index of states fits; nothing is read whole to be sorted. Statements are planned once: planning took longer
# than they do.
_CLAIM = (
    ("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"),
    (
        "SECURITY INVOKER AS",
        "SECURITY INVOKER SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off"
        " SET enable_sort = off AS",
    ),
    (
        "AND o.state IN ('queued', 'sending', 'uncertain') AND o.state = 'sending')",
        "AND o.state IN ('queued', 'sending', 'uncertain') AND o.state = 'sending' OFFSET 0)",
    ),
    ("), known AS (", "), known AS MATERIALIZED ("),
    (
        "at - c.last_interaction_at AS since, o.state AS consent,",
        """at - c.last_interaction_at AS since,
                 (SELECT o.state FROM consents o
                  WHERE o.tenant_id = want.bound AND o.citizen_id = w.citizen_id AND o.purpose = 'broadcast') AS consent,""",
    ),
    (
        "          LEFT JOIN consents o ON o.tenant_id = want.bound AND o.citizen_id = w.citizen_id AND o.purpose = 'broadcast'\n",
        "",
    ),
    ("AND m.id = v.id AND m.state = 'queued'", "AND m.id = v.id AND m.state || '' = 'queued'"),
    (
        "body.list_id, a.fields_sealed\n",
        """body.list_id,
                 (SELECT a.fields_sealed FROM audience_members a
                  WHERE a.tenant_id = want.bound AND a.list_id = body.list_id AND a.citizen_id = d.citizen_id)
""",
    ),
    (
        """          LEFT JOIN audience_members a
            ON a.tenant_id = want.bound AND a.list_id = body.list_id AND a.citizen_id = d.citizen_id
""",
        "",
    ),
)
_RECORD = (
    *_CLAIM[:2],
    ("AND m.state IN ('sending', 'uncertain')\n", "AND m.state || '' IN ('sending', 'uncertain')\n"),
)

_ECHOES = (
    *_CLAIM[:2],
    (
        "WHERE known.tenant_id = bound AND known.zalo_message_id = e.msg_id)",
        "WHERE known.tenant_id = bound AND known.zalo_message_id = e.msg_id OFFSET 0)",
    ),
)


def _changed(function: str, changes: tuple[tuple[str, str], ...]) -> str:
    for before, after in changes:
        assert before in function, before
        function = function.replace(before, after)
    return function


OUTBOX_CLAIM_BULK = _changed(functions_0012.OUTBOX_CLAIM_BULK, _CLAIM)
OUTBOX_RECORD = _changed(functions_0003.OUTBOX_RECORD, _RECORD)
OUTBOX_NOTE_ECHOES = _changed(functions_0003.OUTBOX_NOTE_ECHOES, _ECHOES)
