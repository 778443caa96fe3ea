"""An incident is opened once, updated while it lasts, closed when it heals; both ends stand in the audit trail and in the metric."""

import asyncio

import pytest
from sqlalchemy import delete
from tests.cli.conftest import run
from tests.db.clones import clone

from govchat.audit import queries as trail
from govchat.audit.verify import verify
from govchat.db.session import Database
from govchat.incidents import queries
from govchat.incidents.measure import measure
from govchat.incidents.models import IncidentRow, Kind
from govchat.incidents.record import heal, open_
from govchat.kit.ids import tenant_id_for
from govchat.obs import metrics

HUE, CA_MAU = tenant_id_for("hue"), tenant_id_for("ca-mau")
SAYS, TODO = "Zalo từ chối mã làm mới của OA.", "Quản trị viên OA cấp quyền lại trong OA Manager."


@pytest.fixture(scope="module")
async def own(services, settings):
    return await clone(services, settings)


@pytest.fixture
async def ground(own):
    """A database in which no incident ever was."""
    db = Database.connect(own.app_url, part="test")
    for tenant in (HUE, CA_MAU):
        async with db.tenant(tenant) as session:
            await session.execute(delete(IncidentRow))
    yield db
    await db.close()


async def opened(db: Database, tenant=HUE, kind=Kind.CREDENTIAL, subject="oa-1", says=SAYS) -> bool:
    async with db.tenant(tenant) as session:
        return await open_(session, tenant, kind, subject, says=says, todo=TODO)


async def healed(db: Database, tenant=HUE, kind=Kind.CREDENTIAL, subject="oa-1") -> bool:
    async with db.tenant(tenant) as session:
        return await heal(session, tenant, kind, subject)


async def test_it_is_opened_once_updated_and_closed(ground):
    assert await opened(ground)
    assert not await opened(ground, says="Zalo vẫn từ chối.")
    async with ground.tenant(HUE) as session:
        (found,) = await queries.open_incidents(session, HUE)
    assert (found.kind, found.subject, found.says, found.todo) == (Kind.CREDENTIAL, "oa-1", "Zalo vẫn từ chối.", TODO)
    assert found.times == 2
    assert found.opened_at < found.updated_at
    assert await healed(ground)
    assert not await healed(ground)
    async with ground.tenant(HUE) as session:
        assert await queries.open_incidents(session, HUE) == []
        acts = [(each.act, each.subject) for each in await trail.last(session, HUE, 10)]
        assert acts[-2:] == [("incident.opened", "credential:oa-1"), ("incident.healed", "credential:oa-1")]
        assert (await verify(session, HUE)).broken is None


async def test_what_comes_back_is_a_new_incident(ground):
    assert await opened(ground)
    assert await healed(ground)
    assert await opened(ground)
    async with ground.tenant(HUE) as session:
        assert [each.healed_at is None for each in await queries.all_incidents(session, HUE)] == [True, False]


async def test_many_processes_that_notice_at_once_open_one(ground):
    async with ground.tenant(HUE) as session:
        before = (await verify(session, HUE)).entries
    news = await asyncio.gather(*(opened(ground) for _ in range(6)))
    assert news.count(True) == 1
    async with ground.tenant(HUE) as session:
        (found,) = await queries.open_incidents(session, HUE)
        assert found.times == 6
        assert (await verify(session, HUE)).entries == before + 1


async def test_kinds_and_subjects_stand_apart(ground):
    assert await opened(ground)
    assert await opened(ground, subject="oa-2")
    assert await opened(ground, kind=Kind.QUOTA)
    assert await healed(ground, subject="oa-2")
    async with ground.tenant(HUE) as session:
        assert len(await queries.open_incidents(session, HUE)) == 2


async def test_the_metric_counts_what_is_open_and_forgets_what_is_healed(ground):
    slugs = {HUE: "hue", CA_MAU: "ca-mau"}
    await opened(ground)
    await opened(ground, subject="oa-2")
    await opened(ground, tenant=CA_MAU, kind=Kind.ONE_STOP)
    await measure(ground, slugs)

    def gauge(slug: str, kind: str) -> float | None:
        return metrics.REGISTRY.get_sample_value("govchat_incidents_open", {"tenant": slug, "kind": kind})

    assert (gauge("hue", "credential"), gauge("ca-mau", "one_stop")) == (2, 1)
    await healed(ground)
    await healed(ground, tenant=CA_MAU, kind=Kind.ONE_STOP)
    await measure(ground, slugs)
    assert (gauge("hue", "credential"), gauge("ca-mau", "one_stop")) == (1, None)
    await measure(ground, {})
    assert gauge("other", "credential") == 1


async def test_the_command_lists_them_in_words_for_staff(own, ground):
    assert (await run(own.settings, "incident", "list", "hue")).out == "hue: không có sự cố đang mở\n"
    await opened(ground)
    await opened(ground, subject="oa-2")
    await healed(ground, subject="oa-2")
    said = await run(own.settings, "incident", "list", "hue")
    assert SAYS in said.out
    assert TODO in said.out
    assert "oa-2" not in said.out
    assert "oa-2" in (await run(own.settings, "incident", "list", "hue", "--all")).out
    (told,) = (await run(own.settings, "incident", "list", "hue", "--json")).json
    assert (told["kind"], told["subject"], told["healed_at"]) == ("credential", "oa-1", None)
