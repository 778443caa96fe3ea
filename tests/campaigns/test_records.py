"""Whatever becomes of what was claimed together, the counts of campaigns are those of the rows, and money is added up once."""

from uuid import UUID

from tests.campaigns.stage import Stage
from tests.journeys.stage import rows

from govchat.kit import clock
from govchat.kit.ids import new_id
from govchat.outbox.claim import Claimed, Result, Want, claim, record
from govchat.outbox.tally import counts_of, fold
from govchat.sender.drain import BULK
from govchat.tenants.registry import Tenant

COST = 55


async def taken(stage: Stage, tenant: Tenant, worker: UUID, count: int) -> list[Claimed]:
    claimed, held = await claim(stage.house.registry.db, worker, BULK, [Want(tenant.id, count, count)])
    assert not held
    found = claimed[tenant.id]
    assert len(found) == count
    return found


async def under_way(stage: Stage, slug: str, count: int) -> list[UUID]:
    """Two campaigns, planned to the last."""
    await stage.alone(slug, count)
    campaigns = [await stage.released(slug), await stage.released(slug, kind="emergency")]
    while (await stage.fanout().round())[0]:
        pass
    return campaigns


def became(message: Claimed, state: str, **more: object) -> Result:
    return Result(id=message.id, attempt=1, state=state, outcome=state, started_at=clock.now(), **more)  # type: ignore[arg-type]


async def test_counts_and_money_are_those_of_the_rows_whatever_became_of_them(stage: Stage) -> None:
    slug, worker = "ca-mau", new_id()
    campaigns = await under_way(stage, slug, 20)
    tenant, db = stage.tenant(slug), stage.house.registry.db
    claimed = await taken(stage, tenant, worker, 20)
    assert {one.shared.body_ref for one in claimed if one.shared} == {campaigns[1]}, "the emergency goes first"
    await stage.run(slug, f"UPDATE outbox_messages SET cost = {COST} WHERE tenant_id = :tenant AND state = 'sending'")
    ids = iter(claimed)
    failed, unknown, later, echoed, doubted, elsewhere = (next(ids) for _ in range(6))
    sent = list(ids)
    for sql, one in (
        ("UPDATE outbox_messages SET zalo_message_id = 'echo' WHERE tenant_id = :tenant AND id = :id", echoed),
        ("UPDATE outbox_messages SET state = 'uncertain' WHERE tenant_id = :tenant AND id = :id", doubted),
        ("UPDATE outbox_messages SET claimed_by = gen_random_uuid() WHERE tenant_id = :tenant AND id = :id", elsewhere),
    ):
        await stage.run(slug, sql, id=one.id)
    said = [became(one, "sent", zalo_message_id=f"z-{one.id}") for one in (*sent, doubted, elsewhere)]
    others = [
        became(failed, "failed", zalo_code=-230, kind="window"),
        became(unknown, "uncertain", kind="unknown"),
        became(later, "queued", due_at=clock.now(), counts=False),
        became(echoed, "uncertain", kind="unknown"),
    ]
    together = [(tenant.id, one) for one in (*said, *others)]
    assert await record(db, worker, together) == len(together) - 1, "what is another's now is not written"
    assert await record(db, worker, [(tenant.id, one) for one in said[:-1]]) == 0, "nor anything twice"

    counts = await stage.counts(slug, campaigns[1])
    assert (counts["sent"], counts["failed"], counts["uncertain"]) == (len(sent) + 2, 1, 1)
    assert (counts["queued"], counts["sending"]) == (1, 1)
    await stage.counts(slug, campaigns[0])
    async with db.tenant(tenant.id) as session:
        before = await counts_of(session, tenant.id, campaigns)
        assert before[campaigns[1]][1] == COST * (len(sent) + 3), "what was sent and what may have been"
    while await fold(db, [tenant.id]):
        pass
    async with db.tenant(tenant.id) as session:
        assert await counts_of(session, tenant.id, campaigns) == before
    (row,) = await rows(
        stage.house, tenant, "SELECT state, attempts, settled_by FROM outbox_messages WHERE tenant_id = :tenant AND id = :id",
        id=echoed.id,
    )  # fmt: skip
    assert (row.state, row.settled_by) == ("sent", "echo")


async def test_what_is_sent_together_is_counted_in_one_row_for_each_campaign(stage: Stage) -> None:
    slug, worker = "dien-bien", new_id()
    campaigns = await under_way(stage, slug, 6)
    tenant, db = stage.tenant(slug), stage.house.registry.db
    sent: list[tuple[UUID, Result]] = []
    for _ in range(
        2
    ):  # nobody is spoken to twice at once: the second campaign's are claimed when the first one's were said
        said = [
            (tenant.id, became(one, "sent", zalo_message_id=f"z-{one.id}"))
            for one in await taken(stage, tenant, worker, 6)
        ]
        assert await record(db, worker, said) == 6
        sent += said
    assert len({one.id for _, one in sent}) == 12
    tallies = await rows(stage.house, tenant, "SELECT body_ref, by FROM outbox_tallies WHERE tenant_id = :tenant")
    assert {row.body_ref: row.by for row in tallies} == dict.fromkeys(campaigns, 6)
    assert len(tallies) == 2
    for campaign in campaigns:
        assert (await stage.counts(slug, campaign))["sent"] == 6


async def test_a_state_that_anybody_else_changes_is_counted_too(stage: Stage) -> None:
    slug, worker = "lai-chau", new_id()
    campaigns = await under_way(stage, slug, 3)
    tenant = stage.tenant(slug)
    (one, *_) = await taken(stage, tenant, worker, 3)
    await stage.run(slug, "UPDATE outbox_messages SET state = 'sent' WHERE tenant_id = :tenant AND id = :id", id=one.id)
    assert (await stage.counts(slug, campaigns[1]))["sent"] == 1
