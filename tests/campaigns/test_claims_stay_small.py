"""A claim reads what it takes, however much a province has queued: also while the planner has no statistics yet."""

from sqlalchemy import text
from tests.campaigns.stage import Stage

from govchat.kit import clock
from govchat.kit.ids import new_id

QUEUED, TAKEN = 2000, 8
READ = text(
    """
    SELECT pg_stat_get_xact_tuples_fetched(o.oid) + pg_stat_get_xact_tuples_returned(o.oid)
    FROM (SELECT 'outbox_messages'::regclass::oid) o(oid)
    """
)
CLAIM = text(
    """
    SELECT id FROM outbox_claim_bulk(
      CAST(:worker AS uuid), CAST(:now AS timestamptz), ARRAY[CAST(:tenant AS uuid)], ARRAY[CAST(:most AS integer)],
      ARRAY[CAST(:most AS integer)])
    """
)
RECORD = text(
    """
    SELECT cardinality(outbox_record(
      CAST(:worker AS uuid), CAST(:now AS timestamptz), array_fill(CAST(:tenant AS uuid), n), CAST(:ids AS uuid[]),
      array_fill('sent'::text, n), array_fill(NULL::timestamptz, n), array_fill(true, n),
      CAST(:zalo_ids AS text[]), array_fill(CAST(:now AS timestamptz), n),
      array_fill('sent'::text, n), array_fill(NULL::integer, n), array_fill(NULL::text, n), array_fill(NULL::text, n)))
    FROM (SELECT ARRAY[CAST(:many AS integer)]) m(n)
    """
)


async def test_a_claim_and_its_record_read_no_more_than_a_few_rows_for_each_message(stage: Stage) -> None:
    slug = "dien-bien"
    tenant = await stage.followers(slug, QUEUED)
    campaign = await stage.released(slug)
    while (await stage.fanout().round())[0]:
        pass
    assert (await stage.shown(slug, campaign))["counts"]["queued"] == QUEUED
    worker, now = new_id(), clock.now()
    async with stage.house.registry.db.tenant(tenant.id) as session:
        before = await session.scalar(READ)
        found = await session.execute(CLAIM, {"worker": worker, "now": now, "tenant": tenant.id, "most": TAKEN})
        claimed = list(found.scalars())
        assert len(claimed) == TAKEN
        read = await session.scalar(READ) - before
        assert read < 20 * TAKEN, f"{read} rows of the outbox were read to claim {TAKEN} of {QUEUED}"
        said = {"ids": claimed, "zalo_ids": [f"z{number}" for number in range(TAKEN)], "many": TAKEN}
        kept = await session.scalar(RECORD, {"worker": worker, "now": now, "tenant": tenant.id, **said})
        assert kept == TAKEN
        read = await session.scalar(READ) - before
        assert read < 40 * TAKEN, f"{read} rows of the outbox were read to claim and record {TAKEN} of {QUEUED}"
