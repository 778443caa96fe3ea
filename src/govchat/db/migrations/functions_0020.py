"""SQL functions of revision 0020: money that was not spent returns to a campaign's ceiling, and templates keep to Zalo's day.

Built from those of 0012 and 0019, whose first sentence holds here too: row-level security binds them as it binds everybody.
"""

from govchat.db.migrations import functions_0012, functions_0019


def _changed(function: str, *changes: tuple[str, str]) -> str:
    """`function` with each of `changes` made in its one place."""
    for old, new in changes:
        if function.count(old) != 1:
            raise AssertionError(f"expected once: {old}")
        function = function.replace(old, new)
    return function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


# Two reasons more to wait instead of being skipped: the ceiling is reached, but money on its way may come back (`ceiling_held`), and Zalo
# allows no more of the template today (`template_spent`). Claims of a province are serialised, so what is counted here is exact.
OUTBOX_CLAIM_BULK = _changed(
    functions_0019.OUTBOX_CLAIM_BULK,
    ("  due timestamptz := greatest(at, clock_timestamp());\n",
     "  due timestamptz := greatest(at, clock_timestamp());\n  by_template integer; on_its_way boolean; taken integer; looks integer;\n"),
    ("      look := room;\n",
     """      look := room;
      looks := 0;
      by_template := outbox_template_room(want.bound, body.template_id, today);
      on_its_way := (body.price_cs > 0 OR body.price_uid > 0) AND (
        EXISTS (SELECT FROM outbox_messages m
                WHERE m.tenant_id = want.bound AND m.state IN ('sending', 'uncertain') AND m.settled_by IS NULL
                  AND m.state = 'sending' AND m.body_ref = body.id AND m.cost > 0)
        OR EXISTS (SELECT FROM outbox_tallies y
                   WHERE y.tenant_id = want.bound AND y.body_ref = body.id AND y.refund > 0));
"""),
    # However many have to be skipped or put off, a claim ends: the next one goes on.
    ("      WHILE room > 0 LOOP\n", "      WHILE room > 0 AND looks < 10 LOOP\n        looks := looks + 1;\n"),
    ("        ), paid AS (\n",
     """        ), counted AS (
          SELECT z.*, count(*) FILTER (WHERE z.why IS NULL AND z.way = 'uid') OVER (ORDER BY z.due_at, z.id) AS templates FROM weighed z
        ), allowed AS (
          SELECT n.id, n.due_at, n.cost, n.way, n.price,
                 coalesce(n.why, CASE WHEN n.way = 'uid' AND n.templates > by_template THEN 'template_spent' END) AS why
          FROM counted n
        ), paid AS (
"""),
    ("          FROM weighed z\n        ), judged AS (", "          FROM allowed z\n        ), judged AS ("),
    ("                                      THEN 'over_ceiling' END) AS why,",
     """                                      THEN CASE WHEN on_its_way OR bool_or(i.why IS NULL AND i.price > coalesce(i.cost, 0)
                                                       AND i.so_far <= body.ceiling - body.reserved) OVER ()
                                                THEN 'ceiling_held' ELSE 'over_ceiling' END END) AS why,"""),
    ("               coalesce(sum(r.more) FILTER (WHERE r.why IS NULL), 0)\n        INTO ids, whys, ways, prices, extra",
     """               coalesce(sum(r.more) FILTER (WHERE r.why IS NULL), 0),
               count(*) FILTER (WHERE r.why IS NULL AND r.way = 'uid')
        INTO ids, whys, ways, prices, extra, taken"""),
    ("WHEN v.why = 'one_a_day' THEN 'queued' ELSE 'skipped' END,",
     "WHEN v.why IN ('one_a_day', 'template_spent', 'ceiling_held') THEN 'queued' ELSE 'skipped' END,"),
    ("due_at = CASE WHEN v.why = 'one_a_day'\n",
     "due_at = CASE WHEN v.why = 'ceiling_held' THEN due + interval '1 second' WHEN v.why IN ('one_a_day', 'template_spent')\n"),
    ("finished_at = CASE WHEN v.why IS NOT NULL AND v.why <> 'one_a_day' THEN at",
     "finished_at = CASE WHEN v.why NOT IN ('one_a_day', 'template_spent', 'ceiling_held') THEN at"),
    ("            FROM done d WHERE d.why IS NOT NULL\n",
     "            FROM done d WHERE d.why IS NOT NULL AND d.why <> 'ceiling_held'\n"),
    ("          body.reserved := body.reserved + extra;\n        END IF;\n",
     """          body.reserved := body.reserved + extra;
        END IF;
        IF taken > 0 AND by_template IS NOT NULL THEN
          by_template := by_template - taken;
          INSERT INTO template_days AS t (tenant_id, day, template_id, taken) VALUES (want.bound, today, body.template_id, taken)
          ON CONFLICT (tenant_id, day, template_id) DO UPDATE SET taken = t.taken + excluded.taken;
        END IF;
"""),
)  # fmt: skip

# How many messages of a template may still go by user id today; none where Zalo has named no limit. What notices say with it counts too.
TEMPLATE_ROOM = """
CREATE FUNCTION outbox_template_room(bound uuid, template text, today date) RETURNS integer LANGUAGE sql STABLE SECURITY INVOKER AS $$
  SELECT CASE WHEN t.spent THEN 0 WHEN z.quota IS NOT NULL THEN greatest(0, z.quota - coalesce(t.taken, 0) - (
      SELECT count(*) FROM notice_tries n
      WHERE n.tenant_id = bound AND n.template_id = template AND n.money <> 'refunded'
        AND n.planned_at >= (today::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh'))::integer)
    END
  FROM (SELECT 1) one
  LEFT JOIN zbs_templates z ON z.tenant_id = bound AND z.template_id = template
  LEFT JOIN template_days t ON t.tenant_id = bound AND t.template_id = template AND t.day = today
$$
"""

# What was set aside for a message that nobody gets is the campaign's again: added up with the other counts.
OUTBOX_TALLY = """
CREATE OR REPLACE FUNCTION outbox_tally() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  IF OLD.state NOT IN ('queued', 'sending') THEN
    INSERT INTO outbox_tallies (tenant_id, body_ref, state, by, cost)
    VALUES (OLD.tenant_id, OLD.body_ref, OLD.state, -1,
            CASE WHEN OLD.state IN ('sent', 'uncertain') THEN -coalesce(OLD.cost, 0) ELSE 0 END);
  END IF;
  IF NEW.state NOT IN ('queued', 'sending') THEN
    INSERT INTO outbox_tallies (tenant_id, body_ref, state, by, cost, refund)
    VALUES (NEW.tenant_id, NEW.body_ref, NEW.state, 1,
            CASE WHEN NEW.state IN ('sent', 'uncertain') THEN coalesce(NEW.cost, 0) ELSE 0 END,
            CASE WHEN NEW.state IN ('failed', 'skipped') THEN coalesce(NEW.cost, 0) ELSE 0 END);
  END IF;
  RETURN NULL;
END $$
"""

FUNCTIONS = (TEMPLATE_ROOM, OUTBOX_CLAIM_BULK, OUTBOX_TALLY)
BEFORE = tuple(
    function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
    for function in (functions_0019.OUTBOX_CLAIM_BULK, functions_0012.OUTBOX_TALLY)
)
