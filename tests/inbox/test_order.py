"""Events of one citizen in order, different citizens in parallel, each worked off once however many workers there are."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.house import House
from tests.journeys.stage import eventually, post, rows, said, text_event

from govchat import worker
from govchat.inbox import alone, batch
from govchat.inbox import drain as inbox
from govchat.kit import clock
from govchat.kit.ending import end
from govchat.simulator.faults import Fault
from govchat.tenants.registry import Tenant
from govchat.worker import Workplace

SLUG = "dong-nai"


def foreign(number: int) -> str:
    """A text whose answer names it: a code that Hà Nội answers for."""
    return f"H26.1-261103-{number:04d}"


def numbers(answers: list[str]) -> list[int]:
    return [int(found.group(1)) for answer in answers if (found := re.search(r"H26\.1-261103-(\d{4})", answer))]


@asynccontextmanager
async def second_worker(house: House) -> AsyncIterator[Workplace]:
    place = Workplace(house.settings, bulk=False)
    await place.open()
    tasks = [asyncio.create_task(part) for part in place.parts()]
    try:
        yield place
    finally:
        await end(tasks)
        await place.close()


async def answered(house: House, user: str, count: int) -> list[int]:
    async def look() -> list[int]:
        return numbers(said(house, SLUG, user))

    return await eventually(look, until=lambda seen: len(seen) >= count, what=f"{count} answers to {user}")


@pytest.mark.parametrize("workers", [1, 2])
async def test_thirty_texts_in_a_row_are_answered_in_their_order(
    office: House, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "SWEEP_S", 0.05)  # the workers get into each other's way as often as they can
    users = [f"burst-{workers}-{number}" for number in range(3)]
    await office.start_worker()

    async def chatter(user: str) -> None:
        for number in range(30):
            assert (await office.zalo.say(SLUG, user, foreign(number))).status == 200

    if workers == 1:
        await asyncio.gather(*(chatter(user) for user in users))
        seen = [await answered(office, user, 30) for user in users]
    else:
        async with second_worker(office):
            await asyncio.gather(*(chatter(user) for user in users))
            seen = [await answered(office, user, 30) for user in users]
    assert seen == [list(range(30))] * 3
    await office.zalo.courier.settled()
    assert [len(said(office, SLUG, user)) for user in users] == [30] * 3


async def test_events_that_zalo_delivers_out_of_order_are_answered_in_the_order_they_happened(office: House) -> None:
    office.zalo.world.faults.add(Fault(kind="webhook_reorder", event="user_send_text", seconds=0.2, probability=0.5))
    try:
        said_ = []
        for number in range(15):
            said_.append(asyncio.ensure_future(office.zalo.say(SLUG, "shuffled", foreign(number))))
            await asyncio.sleep(0)  # it has its time
            await asyncio.sleep(0.003)  # and Zalo's times are milliseconds
        await asyncio.gather(*said_)
    finally:
        office.zalo.world.faults.clear()
    tenant = office.registry.by_slug(SLUG)
    arrived = await rows(office, tenant, "SELECT occurred_at FROM inbox_events WHERE user_id = 'shuffled' ORDER BY seq")
    assert arrived != sorted(arrived), "the simulator shuffled them"
    await office.start_worker()
    assert await answered(office, "shuffled", 15) == list(range(15))


async def test_one_citizen_who_is_held_elsewhere_keeps_no_other_waiting(office: House) -> None:
    tenant = office.registry.by_slug(SLUG)
    for user in ("held", "free-1", "free-2"):
        assert (await post(office, tenant, text_event(tenant, user, foreign(1))))[0] == 200
        office.zalo.world.person(tenant.oa_id, user).interact(office.zalo.world.now())
    async with office.registry.db.tenant(tenant.id) as elsewhere:
        await elsewhere.execute(text("SELECT 1 FROM inbox_events WHERE user_id = 'held' FOR UPDATE"))
        done = await inbox.drain(office.desk, tenant)
        assert done.held  # whoever holds them may not have seen the last event
        assert done.answers == 2
        open_ = await rows(
            office, tenant, "SELECT user_id FROM inbox_events WHERE tenant_id = :tenant AND state = 'pending'"
        )
        assert [row.user_id for row in open_] == ["held"]
    assert (await inbox.drain(office.desk, tenant)).answers == 1


async def test_two_drains_at_once_work_every_event_off_once(office: House, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = office.registry.by_slug("bac-ninh")
    for number in range(40):
        assert (await post(office, tenant, text_event(tenant, f"race-{number % 8}", foreign(number))))[0] == 200
    monkeypatch.setattr(batch, "CITIZENS_AT_ONCE", 3)
    done = await asyncio.gather(*(inbox.drain(office.desk, tenant) for _ in range(4)))
    left = batch.Worked()
    while (one := await inbox.drain(office.desk, tenant)).events:
        left = batch.Worked(left.events + one.events, left.answers + one.answers)
    assert sum(one.events for one in [*done, left]) == 40
    assert sum(one.answers for one in [*done, left]) == 40
    found = await rows(
        office, tenant, "SELECT count(*), count(DISTINCT dedupe_key) FROM outbox_messages WHERE tenant_id = :tenant"
    )
    assert tuple(found[0]) == (40, 40)


async def retry_in(office: House, tenant: Tenant, hours: int) -> None:
    """Set the time at which what is pending is tried again."""
    async with office.registry.db.tenant(tenant.id) as session:
        await session.execute(
            text(
                "UPDATE inbox_events SET retry_at = clock_timestamp() + make_interval(hours => :hours) WHERE state = 'pending'"
            ),
            {"hours": hours},
        )


async def test_a_poison_event_is_retried_then_parked_and_everything_else_goes_on(office: House) -> None:
    tenant = office.registry.by_slug("ca-mau")
    for user, number in (("poisoned", 1), ("poisoned", 2), ("neighbour", 3)):
        assert (await post(office, tenant, text_event(tenant, user, foreign(number))))[0] == 200
    vault = await office.registry.tenant_vault(tenant.id)
    async with office.registry.db.tenant(tenant.id) as session:
        await session.execute(
            text(
                "UPDATE inbox_events SET body_sealed = :junk WHERE seq = (SELECT min(seq) FROM inbox_events WHERE user_id = 'poisoned')"
            ),
            {"junk": vault.seal(b"{}", "another row")},
        )
    history = (
        "SELECT state, attempts, error, retry_at - CAST(:since AS timestamptz) AS pause FROM inbox_events "
        "WHERE user_id = 'poisoned' ORDER BY seq"
    )
    for attempt in range(1, alone.MOST_ATTEMPTS + 1):
        since = clock.now()
        worked = await inbox.drain(office.desk, tenant)
        assert worked.answers == (1 if attempt == 1 else 0)  # the neighbour is served with the first look
        poison, later = await rows(office, tenant, history, since=since)
        assert (poison.attempts, poison.error) == (attempt, "SealDisplaced")
        assert (poison.state, later.state) == ("parked" if attempt == alone.MOST_ATTEMPTS else "pending", "pending")
        if attempt < alone.MOST_ATTEMPTS:
            assert poison.pause >= timedelta(seconds=2 ** (attempt - 1))
            await retry_in(office, tenant, hours=1)
            assert (await inbox.drain(office.desk, tenant)).events == 0, "not before its time, and nothing overtakes it"
            await retry_in(office, tenant, hours=0)
    assert (await inbox.drain(office.desk, tenant)).answers == 1
    assert [row.state for row in await rows(office, tenant, history, since=since)] == ["parked", "done"]
    assert (await post(office, tenant, text_event(tenant, "poisoned", foreign(4))))[0] == 200
    assert (await inbox.drain(office.desk, tenant)).answers == 1


async def test_a_damaged_echo_keeps_nobody_waiting(office: House) -> None:
    tenant = office.registry.by_slug("cao-bang")
    echo = text_event(
        tenant, "x", "đã gửi", event_name="oa_send_text", sender={"id": tenant.oa_id}, recipient={"id": "x"}
    )
    assert (await post(office, tenant, echo))[0] == 200
    async with office.registry.db.tenant(tenant.id) as session:
        await session.execute(text("UPDATE inbox_events SET body_sealed = ''"))
    assert (await post(office, tenant, text_event(tenant, "y", foreign(1))))[0] == 200
    worked = await inbox.drain(office.desk, tenant)
    assert (worked.events, worked.answers) == (2, 1)


async def test_an_event_from_the_future_does_not_keep_the_window_open(office: House) -> None:
    tenant = office.registry.by_slug("da-nang")
    assert (await post(office, tenant, text_event(tenant, "tomorrow", "xin chào", at=4_000_000_000_000)))[0] == 200
    await inbox.drain(office.desk, tenant)
    (citizen,) = await rows(
        office,
        tenant,
        "SELECT last_interaction_at < clock_timestamp() + interval '2 minutes' AS plausible FROM citizens",
    )
    assert citizen.plausible


async def test_events_that_nobody_answers_are_done_in_bulk(office: House) -> None:
    tenant = office.registry.by_slug("dak-lak")
    parties = {"sender": {"id": tenant.oa_id}, "recipient": {"id": "somebody"}}
    for name in ("user_seen_message", "user_received_message", "oa_send_text"):
        assert (await post(office, tenant, text_event(tenant, "", "x", event_name=name, **parties)))[0] == 200
    for name in ("user_send_hologram", ""):
        assert (await post(office, tenant, text_event(tenant, "somebody", "x", event_name=name)))[0] == 200
    worked = await inbox.drain(office.desk, tenant)
    assert (worked.events, worked.answers) == (5, 0)
    assert await rows(office, tenant, "SELECT 1 FROM inbox_events WHERE tenant_id = :tenant AND state <> 'done'") == []


async def test_a_province_that_is_suspended_keeps_its_events_and_answers_nobody(office: House) -> None:
    tenant = office.registry.by_slug("gia-lai")
    quiet = type(tenant)(**{name: getattr(tenant, name) for name in tenant.__struct_fields__} | {"state": "suspended"})
    assert (await post(office, tenant, text_event(tenant, "u", foreign(1))))[0] == 200
    worked = await inbox.drain(office.desk, quiet)
    assert (worked.events, worked.answers) == (1, 0)
