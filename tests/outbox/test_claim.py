"""Who may say what next: lanes, order, and one worker per citizen."""

import asyncio
from datetime import timedelta

from sqlalchemy import text
from tests.house import House
from tests.sender.stage import say, states

from govchat.kit import clock
from govchat.kit.ids import new_id
from govchat.outbox.claim import Claimed, Result, Want, claim, record
from govchat.outbox.put import Lane, echo_hash
from govchat.outbox.settle import note_echoes
from govchat.sender.drain import BULK, INTERACTIVE
from govchat.tenants.registry import Tenant

EVERY = (0, 3)


async def claimed(
    desk: House, tenant: Tenant, worker=None, *, lanes: tuple[int, int] = EVERY, most: int = 100, open_: int = 100
) -> list[Claimed]:  # type: ignore[no-untyped-def]
    """What a claim gets; one that another claim is in the way of is tried again."""
    while True:
        got, held = await claim(desk.registry.db, worker or new_id(), lanes, [Want(tenant.id, most, open_)])
        if not held:
            return got.get(tenant.id, [])


def result(message: Claimed, state: str, **more: object) -> Result:
    return Result(id=message.id, attempt=1, state=state, outcome=state, started_at=clock.now(), **more)  # type: ignore[arg-type]


async def recorded(desk: House, tenant: Tenant, worker, *results: Result) -> int:  # type: ignore[no-untyped-def]
    return await record(desk.registry.db, worker, [(tenant.id, result) for result in results])


async def test_replies_go_before_notices_before_staff_before_campaigns(desk: House) -> None:
    tenant = desk.registry.by_slug("an-giang")
    for lane in (Lane.CAMPAIGN, Lane.STAFF, Lane.NOTICE, Lane.REPLY):
        for number in range(2):
            await say(desk, tenant, f"lane-{lane}-{number}", "x", lane=lane)
    got = await claimed(desk, tenant)
    assert [message.lane for message in got] == [0, 0, 1, 1, 2, 2, 3, 3]
    ids = [
        row.id
        for lane in range(4)
        for number in range(2)
        for row in await states(desk, tenant, f"lane-{lane}-{number}")
    ]
    assert [message.id for message in got] == ids


async def test_lanes_that_were_not_asked_for_stay(desk: House) -> None:
    tenant = desk.registry.by_slug("bac-ninh")
    for lane in Lane:
        await say(desk, tenant, f"bounds-{lane}", "x", lane=lane)
    assert [one.lane for one in await claimed(desk, tenant, lanes=BULK)] == [3]
    assert [one.lane for one in await claimed(desk, tenant, lanes=INTERACTIVE)] == [0, 1, 2]


async def test_what_is_not_open_is_left_to_replies(desk: House) -> None:
    tenant = desk.registry.by_slug("ca-mau")
    for number in range(4):
        await say(desk, tenant, f"reply-{number}", "x")
        await say(desk, tenant, f"notice-{number}", "x", lane=Lane.NOTICE)
    got = await claimed(desk, tenant, most=7, open_=2)
    assert [one.lane for one in got] == [0, 0, 0, 0, 1, 1]
    assert await claimed(desk, tenant, most=5, open_=0) == []


async def test_a_message_that_is_due_later_is_left_alone(desk: House) -> None:
    tenant = desk.registry.by_slug("cao-bang")
    await say(desk, tenant, "later", "một", due_at=clock.now() + timedelta(minutes=5))
    await say(desk, tenant, "now", "x", due_at=clock.now() - timedelta(seconds=1))
    assert len(await claimed(desk, tenant)) == 1
    assert [row.state for row in await states(desk, tenant, "later")] == ["queued"]
    # What the same citizen is told after it, in the same lane, does not overtake it.
    await say(desk, tenant, "later", "hai", key="second")
    assert await claimed(desk, tenant) == []
    await say(desk, tenant, "later", "thông báo", lane=Lane.NOTICE)
    assert [one.lane for one in await claimed(desk, tenant)] == [1]


async def test_two_workers_never_hold_two_messages_of_one_citizen(desk: House) -> None:
    tenant = desk.registry.by_slug("da-nang")
    citizens = [f"shared-{number}" for number in range(12)]
    for citizen in citizens:
        await say(desk, tenant, citizen, "1", "2", "3", "4", "5", "6")
    holders: dict[object, object] = {}
    order: dict[object, list[object]] = {}

    async def work(worker) -> None:  # type: ignore[no-untyped-def]
        idle = 0
        while idle < 5:
            got = await claimed(desk, tenant, worker, most=5)
            idle = 0 if got else idle + 1
            for message in got:
                assert holders.setdefault(message.citizen_id, worker) == worker, "another worker holds this citizen"
                order.setdefault(message.citizen_id, []).append(message.id)
            await asyncio.sleep(0.005)
            for citizen in {message.citizen_id for message in got}:
                del holders[citizen]
            if got:
                assert await recorded(desk, tenant, worker, *(result(one, "sent") for one in got)) == len(got)

    await asyncio.gather(*(work(new_id()) for _ in range(4)))
    for citizen in citizens:
        rows = await states(desk, tenant, citizen)
        assert {row.state for row in rows} == {"sent"}
        assert order[rows[0].citizen_id] == [row.id for row in rows]


async def test_after_a_failure_the_next_ones_wait_for_it(desk: House) -> None:
    tenant, worker = desk.registry.by_slug("dak-lak"), new_id()
    await say(desk, tenant, "held", "một", "hai", "ba")
    first, second, third = await claimed(desk, tenant, worker)
    await recorded(
        desk, tenant, worker,
        result(first, "queued", due_at=clock.now() + timedelta(seconds=0.2)),
        result(second, "queued", counts=False),
        result(third, "queued", counts=False),
    )  # fmt: skip
    assert await claimed(desk, tenant) == []
    await asyncio.sleep(0.25)
    assert [one.id for one in await claimed(desk, tenant)] == [first.id, second.id, third.id]
    assert [row.attempts for row in await states(desk, tenant, "held")] == [2, 1, 1]


async def test_a_result_that_comes_after_the_row_was_taken_away_changes_nothing(desk: House) -> None:
    tenant, worker = desk.registry.by_slug("dong-thap"), new_id()
    await say(desk, tenant, "late", "x")
    (message,) = await claimed(desk, tenant, worker)
    assert await recorded(desk, tenant, new_id(), result(message, "failed")) == 0
    assert await recorded(desk, tenant, worker, result(message, "sent", zalo_message_id="z1")) == 1
    assert await recorded(desk, tenant, worker, result(message, "queued")) == 0
    (row,) = await states(desk, tenant, "late")
    assert (row.state, row.zalo_message_id) == ("sent", "z1")


async def test_the_same_words_for_the_same_cause_are_put_once(desk: House) -> None:
    tenant = desk.registry.by_slug("gia-lai")
    assert await say(desk, tenant, "twice", "một", "hai", key="cause") == 2
    assert await say(desk, tenant, "twice", "một", "hai", key="cause") == 0
    assert await say(desk, tenant, "twice", "một", "hai", "ba", key="cause") == 1
    puts = await asyncio.gather(*(say(desk, tenant, "at-once", "x", key="race") for _ in range(20)))
    assert sum(puts) == 1
    assert len(await states(desk, tenant, "twice")) == 3


async def test_the_same_key_in_another_province_is_another_message(desk: House) -> None:
    one, two = desk.registry.by_slug("hung-yen"), desk.registry.by_slug("khanh-hoa")
    assert await say(desk, one, "same", "x", key="k") == await say(desk, two, "same", "x", key="k") == 1
    (got,) = await claimed(desk, one)
    assert got.id == (await states(desk, one, "same"))[0].id


async def test_a_claim_waits_for_nobody(desk: House) -> None:
    """Two provinces in one claim: for one of them another process is claiming."""
    held, free = desk.registry.by_slug("lam-dong"), desk.registry.by_slug("lang-son")
    for tenant in (held, free):
        await say(desk, tenant, "waiting", "x")
    async with desk.registry.db.tenant(held.id) as elsewhere:
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended('outbox:' || :tenant, 0))")
        await elsewhere.execute(lock, {"tenant": str(held.id)})
        got, busy = await claim(desk.registry.db, new_id(), EVERY, [Want(one.id, 5, 5) for one in (held, free)])
        assert (set(got), busy) == ({free.id}, {held.id})
    assert len(await claimed(desk, held)) == 1


async def test_an_echo_proves_that_it_was_said_whatever_the_attempt_looked_like(desk: House) -> None:
    """The echo overtakes the broken answer: it is found while the message is still `sending`."""
    tenant, worker = desk.registry.by_slug("lao-cai"), new_id()
    vault = await desk.registry.tenant_vault(tenant.id)
    for state in ("uncertain", "queued", "failed"):
        await say(desk, tenant, f"echoed-{state}", state)
        (message,) = await claimed(desk, tenant, worker)
        heard = (tenant.id, f"echoed-{state}", f"z-{state}", echo_hash(vault, state))
        assert await note_echoes(desk.registry.db, [heard]) == 1
        await recorded(desk, tenant, worker, result(message, state, due_at=clock.now()))
        (row,) = await states(desk, tenant, f"echoed-{state}")
        assert (row.state, row.settled_by, row.zalo_message_id) == ("sent", "echo", f"z-{state}")
        assert row.finished_at is not None
