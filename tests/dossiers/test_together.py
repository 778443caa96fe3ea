"""What is put at the same moment shares two round trips and nothing else: each has its own answer, province, order and trouble."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sqlalchemy import text
from tests.db.rows import BY_NAME, make

from govchat.citizens import know
from govchat.db.session import Database
from govchat.dossiers import intake, together
from govchat.dossiers.codes import CodeInvalid, parse
from govchat.dossiers.judge import Draft
from govchat.dossiers.schemas import DossierIn, Put
from govchat.dossiers.together import Pushed, Together
from govchat.kit import clock
from govchat.kit.queue import Bell
from govchat.notices import follow
from govchat.notices.arrange import settle
from govchat.procedures.book import Book
from govchat.settings import Settings
from govchat.tenants.registry import Registry

ONE, OTHER = "son-la", "dien-bien"
BEGAN = datetime(2026, 11, 16, 8, tzinfo=clock.VN)
_numbers = itertools.count(1)

# All that a change leaves behind, without what can never be the same twice.
LEFT = {
    "dossiers": "status, sub_status, unit, due_at, due_given, first_due_at, paused_at, finished_at, changed_at, last_event, flags,"
    " secret_hash, phone_index, procedure_code, received_at, registered_at, reappointments",
    "dossier_events": "number, old_status, status, sub_status, unit, due_at, changed_at, flags, told_sealed IS NULL",
    "notices": "number, kind, state, channel, reason, decision - 'hours_since_interaction', wording_version, message_id IS NULL",
}


def new_code() -> str:
    return f"H14.77-261103-{next(_numbers):04d}"


def told(status: int = 4, hours: int = 0, **changes: Any) -> DossierIn:
    whole = {
        "procedure_code": "1.013225",
        "applicant": {"name": "Trịnh Thị Phương Hiền", "phone": "0912345678"},
        "lookup_secret": "K7PX",
        "received_at": "2026-11-03T09:12:00+07:00",
        "status": status,
        "status_note": "Đang thẩm định",
        "handler": {"unit": "Sở Xây dựng", "officer": "Trần Văn An"},
        "changed_at": (BEGAN + timedelta(hours=hours)).isoformat(),
        **changes,
    }
    return msgspec.convert(whole, DossierIn)


class Desk:
    """One process's intake, and what it left in the tables."""

    def __init__(self, registry: Registry, bell: Bell) -> None:
        self.registry, self.book = registry, Book(registry.db, registry)
        self.together = Together(registry, self.book, bell)

    def id(self, slug: str = ONE) -> UUID:
        return self.registry.by_slug(slug).id

    async def put(self, code: str, given: DossierIn, slug: str = ONE, **how: Any) -> Put:
        return await self.together.put(self.id(slug), code, given, **how)

    async def alone(self, code: str, given: DossierIn, slug: str = ONE) -> Put:
        """As a batch takes it in, in a transaction of its own."""
        vault = await self.registry.tenant_vault(self.id(slug))
        async with self.registry.db.tenant(self.id(slug)) as session:
            return await intake.put(session, vault, self.id(slug), self.book, code, given)

    async def rows(self, sql: str, slug: str = ONE, **values: Any) -> list[Any]:
        async with self.registry.db.tenant(self.id(slug)) as session:
            return list((await session.execute(text(sql), {"tenant": self.id(slug), **values})).all())

    async def left(self, code: str) -> dict[str, list[Any]]:
        """What stands of a dossier."""
        found = {}
        for table, columns in LEFT.items():
            which = "id" if table == "dossiers" else "dossier_id"
            found[table] = await self.rows(
                f"SELECT {columns} FROM {table} WHERE tenant_id = :tenant AND {which} ="
                " (SELECT id FROM dossiers WHERE tenant_id = :tenant AND code = :code) ORDER BY 1",
                code=code,
            )
        return found

    async def followed(self, code: str, slug: str = ONE, **spoke: Any) -> know.Citizen:
        """A citizen who follows the dossier, and spoke a minute ago."""
        at = clock.now() - spoke.get("ago", timedelta(minutes=20))
        async with self.registry.db.tenant(self.id(slug)) as session:
            ada = await know.know(session, self.id(slug), str(uuid4()), by_app=None, interacted_at=at)
            ((dossier_id, secret),) = await session.execute(
                text("SELECT id, secret_hash FROM dossiers WHERE tenant_id = :t AND code = :code"),
                {"t": self.id(slug), "code": code},
            )
            await make(
                session, BY_NAME["dossier_proofs"], self.id(slug), citizen_id=ada.id, dossier_id=dossier_id, proved_by="secret",
                proof_hash=secret, proved_at=at,
            )  # fmt: skip
            assert await follow.subscribe(session, self.id(slug), ada.id, at=at, evidence="event:1")
        return ada

    async def messages(self, code: str, slug: str = ONE) -> list[Any]:
        return await self.rows(
            "SELECT * FROM outbox_messages WHERE tenant_id = :tenant AND cause LIKE :cause ORDER BY seq",
            slug,
            cause=f"dossier:{code}#%",
        )


@pytest.fixture
async def desk(registry: Registry, settings: Settings) -> AsyncIterator[Desk]:
    bell = Bell(settings.redis_url)
    made = Desk(registry, bell)
    yield made
    await made.together.finish()
    await bell.close()


async def test_what_comes_at_once_is_taken_in_for_each_province_alone(desk: Desk) -> None:
    """The same codes in two provinces: each keeps its own, and hears of its own."""
    codes = [new_code() for _ in range(12)]
    work = [(code, slug, n) for n, code in enumerate(codes) for slug in (ONE, OTHER)]
    done = await asyncio.gather(*(desk.put(code, told(4, n, handler={"unit": slug}), slug) for code, slug, n in work))
    assert [(each.code, each.outcome) for each in done] == [(code, "created") for code, _, _ in work]
    for slug in (ONE, OTHER):
        rows = await desk.rows(
            "SELECT code, unit FROM dossiers WHERE tenant_id = :tenant AND code = ANY(:codes)", slug, codes=codes
        )
        assert {(row.code, row.unit) for row in rows} == {(code, slug) for code in codes}
    for code in codes:
        await desk.followed(code, OTHER)
    done = await asyncio.gather(*(desk.put(code, told(9, 50), slug) for code, slug, _ in work))
    assert [each.notices for each in done] == [0, 1] * len(codes)
    assert [len(await desk.messages(code, ONE)) for code in codes] == [0] * len(codes)
    assert [len(await desk.messages(code, OTHER)) for code in codes] == [1] * len(codes)


async def test_it_leaves_what_a_transaction_of_its_own_leaves(desk: Desk) -> None:
    """A life with every turn, put once together with others and once alone: the same answers and the same rows."""
    life = [
        told(1), told(2, 1), told(4, 2), told(4, 2, applicant={"name": "Trịnh Thị Hiên"}), told(5, 3, status_note="Bổ sung"), told(5, 1),
        told(3, 4), told(4, 5, handler={"unit": "Chi cục Thuế"}), told(6, 6, sub_status="fee"), told(9, 7), told(9, 7),
        told(10, 8, procedure_code="9.999999", results=[{"name": "Giấy phép"}]),
    ]  # fmt: skip
    one, other = new_code(), new_code()
    crowd = [new_code() for _ in life]
    for n, given_ in enumerate(life):
        (answer, *_) = await asyncio.gather(
            desk.put(one, given_), desk.put(crowd[n], told()), desk.put(crowd[n - 1], told(2, n))
        )
        alone = await desk.alone(other, given_)
        assert msgspec.structs.replace(answer, code=other) == alone, n
        if n == 1:
            for code in (one, other):
                await desk.followed(code)
        # Whoever was told a moment ago waits for the end of the minute: let it pass.
        for code in (one, other):
            await desk.rows(
                "WITH m AS (UPDATE outbox_messages SET state = 'sent', finished_at = now() WHERE tenant_id = :tenant AND cause LIKE :cause"
                " AND state = 'queued') UPDATE notices SET planned_at = planned_at - interval '5 minutes', due_at = NULL"
                " WHERE tenant_id = :tenant AND dossier_id IN (SELECT id FROM dossiers WHERE tenant_id = :tenant AND code = :code)"
                " RETURNING 1",
                cause=f"dossier:{code}#%",
                code=code,
            )
    mine, theirs = await desk.left(one), await desk.left(other)
    assert mine == theirs
    assert len(mine["notices"]) > 5


async def test_a_notice_that_waits_is_taken_back_for_a_newer_one(desk: Desk) -> None:
    code = new_code()
    await desk.put(code, told(2))
    await desk.followed(code)
    for n, status in enumerate((4, 9), 1):
        (done, _) = await asyncio.gather(desk.put(code, told(status, n)), desk.put(new_code(), told()))
        assert done.notices == 1
    assert [row.state for row in await desk.messages(code)] == ["skipped", "queued"]


async def test_what_costs_is_reserved(desk: Desk) -> None:
    tenant_id = desk.id("cao-bang")
    async with desk.registry.db.tenant(tenant_id) as session:
        await settle(session, tenant_id, monthly_budget=1000, paid_window=True, actor="test")
    code = new_code()
    await desk.put(code, told(2), "cao-bang")
    await desk.followed(code, "cao-bang", ago=timedelta(days=4))
    assert (await desk.put(code, told(4, 1), "cao-bang")).notices == 1
    (row,) = await desk.rows(
        "SELECT sum(reserved) AS reserved FROM notice_budgets WHERE tenant_id = :tenant", "cao-bang"
    )
    assert row.reserved == 55


async def test_one_items_trouble_is_its_own(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dossier that somebody holds waits alone; a code that is none is refused; the others are answered."""
    held, code = new_code(), new_code()
    await desk.put(held, told())
    async with desk.registry.db.tenant(desk.id()) as session:
        await session.execute(
            text("SELECT 1 FROM dossiers WHERE tenant_id = :t AND code = :code FOR UPDATE"),
            {"t": desk.id(), "code": held},
        )
        waiting = asyncio.create_task(desk.put(held, told(9, 1)))
        others = await asyncio.gather(
            desk.put(code, told()),
            desk.put("không phải mã", told()),
            desk.put(new_code(), told(), OTHER),
            return_exceptions=True,
        )
        assert not waiting.done()
        assert isinstance(others[1], CodeInvalid)
        assert [each.outcome for each in others if isinstance(each, Put)] == ["created", "created"]
    assert (await waiting).outcome == "updated"


async def test_what_breaks_the_write_is_found_alone(desk: Desk) -> None:
    """PostgreSQL refuses one row of the statement: that one fails, whoever came with it is taken in."""
    good, bad = [new_code() for _ in range(4)], new_code()
    broken = told(handler={"unit": "Sở\x00Xây dựng"})  # no text of PostgreSQL's; the route refuses it long before
    done = await asyncio.gather(
        *(desk.put(code, told()) for code in good), desk.put(bad, broken), return_exceptions=True
    )
    assert [each.outcome for each in done[:4] if isinstance(each, Put)] == ["created"] * 4
    assert isinstance(done[4], Exception)
    assert await desk.rows("SELECT 1 FROM dossiers WHERE tenant_id = :tenant AND code = :code", code=bad) == []


async def test_whoever_hangs_up_harms_nobody(desk: Desk) -> None:
    codes = [new_code() for _ in range(8)]
    puts = [asyncio.create_task(desk.put(code, told())) for code in codes]
    await asyncio.sleep(0)
    for gone in puts[::2]:
        gone.cancel()
    done = await asyncio.gather(*puts, return_exceptions=True)
    assert [each.outcome for each in done if isinstance(each, Put)] == ["created"] * 4
    assert {type(each) for each in done[::2]} == {asyncio.CancelledError}
    assert not desk.together._turns, "nothing is remembered of what has ended"


async def test_what_was_taken_is_finished_before_the_process_ends(desk: Desk) -> None:
    await desk.put(new_code(), told())  # the province's key is at hand from here on
    codes = [new_code() for _ in range(60)]
    puts = [asyncio.create_task(desk.put(code, told())) for code in codes]
    await asyncio.sleep(0)
    await desk.together.finish()
    (row,) = await desk.rows(
        "SELECT count(*) AS n FROM dossiers WHERE tenant_id = :tenant AND code = ANY(:codes)", codes=codes
    )
    assert row.n == len(codes)
    assert {each.outcome for each in await asyncio.gather(*puts)} == {"created"}


async def test_a_dossier_that_moved_since_it_was_read_is_not_written_over(desk: Desk) -> None:
    """Between look and write another process was faster: what it wrote stands, and ours is judged anew."""
    code, tenant_id = new_code(), desk.id()
    await desk.put(code, told(2))
    vault = await desk.registry.tenant_vault(tenant_id)
    pushed = Pushed(tenant_id, vault, Draft(code=code, key=parse(code).key, given=told(4, 1)))
    now = clock.now()
    seen, provinces = await desk.together._look([pushed], now)
    assert (await desk.alone(code, told(9, 2))).outcome == "updated"
    _, ready = desk.together._judge([pushed], seen, provinces, now)
    assert await desk.together._apply(ready, now) == set()
    assert (await desk.put(code, told(4, 1))).outcome == "stale"


async def test_two_of_one_code_go_in_the_order_in_which_they_came(desk: Desk) -> None:
    code = new_code()
    steps = [told(2, 1), told(4, 2), told(5, 3, status_note="Thiếu"), told(4, 4), told(9, 5), told(10, 6)]
    puts = [asyncio.create_task(desk.put(code, each)) for each in steps]
    await asyncio.gather(*puts, *(desk.put(new_code(), told()) for _ in range(5)))
    assert [put.result().outcome for put in puts] == ["created"] + ["updated"] * 5
    rows = await desk.left(code)
    assert [row.status for row in rows["dossier_events"]] == [2, 4, 5, 4, 9, 10]


async def test_many_with_their_notices_cost_two_round_trips(settings: Settings) -> None:
    db, bell, seen = Database.connect(settings.database_url, part="test", pool_size=1), Bell(settings.redis_url), []
    registry = Registry(db, settings)
    await registry.load()
    desk = Desk(registry, bell)
    codes = [new_code() for _ in range(10)]
    for slug in (ONE, OTHER):
        await asyncio.gather(*(desk.put(code, told(2), slug) for code in codes))
        for code in codes:
            await desk.followed(code, slug)
    await asyncio.sleep(together.LINGER_S)
    async with db._connection() as (_, driver):
        driver.add_query_logger(lambda asked: seen.append(asked.query))
    done = await asyncio.gather(*(desk.put(code, told(9, 1), slug) for code in codes for slug in (ONE, OTHER)))
    assert [each.notices for each in done] == [1] * 20
    assert seen == [together.LOOK, together.APPLY]
    await bell.close()
    await db.close()


async def test_a_test_key_tells_nobody(desk: Desk) -> None:
    code = new_code()
    await desk.put(code, told(2))
    await desk.followed(code)
    assert (await desk.put(code, told(4, 1), test=True)).notices == 1
    assert await desk.messages(code) == []


async def test_a_backlog_is_refused_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "QUEUE_LIMIT", 0)
    with pytest.raises(together.TooManyWaiting):
        await desk.put(new_code(), told())


Step = tuple[int, int, int, int]


@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 3), st.sampled_from([1, 2, 4, 5, 6, 9, 10]), st.integers(0, 4)),
        max_size=14,
    )
)
@limits(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_comes_together_ends_as_one_after_another(desk: Desk, steps: list[Step]) -> None:
    """Any mixture of provinces, dossiers, statuses and times: the same answers and the same rows as one by one."""
    ours, theirs = ([[new_code() for _ in range(4)] for _ in range(2)] for _ in range(2))
    slugs = (ONE, OTHER)
    done = await asyncio.gather(
        *(
            desk.put(ours[p][d], told(status, hours, handler={"unit": slugs[p]}), slugs[p])
            for p, d, status, hours in steps
        )
    )
    for answer, (p, d, status, hours) in zip(done, steps, strict=True):
        alone = await desk.alone(theirs[p][d], told(status, hours, handler={"unit": slugs[p]}), slugs[p])
        assert msgspec.structs.replace(answer, code=theirs[p][d]) == alone
    for p, slug in enumerate(slugs):
        for mine, other in zip(ours[p], theirs[p], strict=True):
            sql = (
                "SELECT d.status, d.unit, d.changed_at, d.last_event, d.flags, array_agg(e.status ORDER BY e.number)"
                " FROM dossiers d JOIN dossier_events e ON e.tenant_id = d.tenant_id AND e.dossier_id = d.id"
                " WHERE d.tenant_id = :tenant AND d.code = :code GROUP BY d.tenant_id, d.id"
            )
            assert await desk.rows(sql, slug, code=mine) == await desk.rows(sql, slug, code=other)
