"""One province's trouble is not the others': circuits, slots, and who takes first of a limit that several share."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.house import House, open_house
from tests.journeys.stage import eventually, own, rows, said
from tests.sender.stage import hurry, say
from tests.stack import Services

from govchat.kit import buckets, clock
from govchat.kit.buckets import Grant, Request
from govchat.kit.ids import new_id
from govchat.kit.windows import Window
from govchat.outbox.claim import Result
from govchat.outbox.put import Lane
from govchat.sender import breaker, drain, sweep
from govchat.sender import say as saying
from govchat.sender.breaker import Breakers
from govchat.simulator.faults import Fault
from govchat.simulator.people import Message
from govchat.tenants.registry import Tenant


def result(state: str, *, kind: str | None = None, code: int | None = None, outcome: str = "") -> Result:
    return Result(
        id=new_id(), attempt=1, state=state, outcome=outcome or state, started_at=clock.now(), kind=kind, zalo_code=code
    )  # fmt: skip


SILENCE, REFUSAL, SENT = result("uncertain", kind="unknown"), result("failed", kind="window", code=-230), result("sent")


def opened(breakers: Breakers, tenant: UUID, now: float) -> None:
    answers = [breakers.note(tenant, SILENCE, now) for _ in range(breaker.OPEN_AFTER)]
    assert answers == [False] * (breaker.OPEN_AFTER - 1) + [True]


def test_a_circuit_opens_after_silence_lets_one_probe_go_and_closes_with_its_answer() -> None:
    breakers, tenant = Breakers(), new_id()
    opened(breakers, tenant, now=100.0)
    assert breakers.room(tenant, 101.9) == 0
    assert breakers.wait_s(tenant, 101.0) == pytest.approx(1.0)
    assert breakers.room(tenant, 102.0) == 1, "half open"
    breakers.probe(tenant, going=True)
    assert breakers.room(tenant, 102.0) == 0, "one probe, not two"
    assert not breakers.note(tenant, SENT, 102.5)
    assert breakers.room(tenant, 102.5) is None
    assert breakers.room(new_id(), 101.0) is None, "the neighbour never noticed"


def test_a_probe_that_hears_nothing_doubles_the_pause_up_to_a_minute() -> None:
    breakers, tenant, now, pauses = Breakers(), new_id(), 0.0, []
    opened(breakers, tenant, now)
    for _ in range(7):
        pauses.append(breakers.wait_s(tenant, now))
        now += pauses[-1]
        breakers.probe(tenant, going=True)
        assert breakers.note(tenant, SILENCE, now)
    assert pauses == [2, 4, 8, 16, 32, 60, 60]


def test_a_refusal_is_an_answer_and_what_was_held_back_says_nothing() -> None:
    breakers, tenant = Breakers(), new_id()
    for _ in range(3 * breaker.OPEN_AFTER):
        breakers.note(tenant, SILENCE, 1.0)
        breakers.note(tenant, REFUSAL, 1.0)
    assert breakers.room(tenant, 1.0) is None
    opened(breakers, tenant, now=2.0)
    breakers.probe(tenant, going=True)
    assert not breakers.note(tenant, result("queued", outcome="held back"), 9.0)
    assert breakers.room(tenant, 9.0) == 0, "the probe is still under way"


@pytest.fixture(scope="module")
async def shop(services: Services, redis_url: str) -> AsyncIterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        hurry(patch)
        patch.setattr(breaker, "FIRST_S", 0.1)
        patch.setattr(breaker, "LONGEST_S", 0.2)
        # The first that waits is the probe again and again: what it may be repeated is not what is tried here.
        patch.setattr(sweep, "MOST_REPEATS", 1000)
        async with open_house(await own(services, redis_url)) as house:
            yield house


async def put(shop: House, tenant: Tenant, prefix: str, count: int, lane: Lane = Lane.NOTICE) -> list[str]:
    """A message to each of so many citizens."""
    users = [f"{prefix}-{number}" for number in range(count)]
    for user in users:
        world, now = shop.zalo.world, shop.zalo.world.now()
        person = world.person(tenant.oa_id, user)
        person.interact(now)
        # With something in it, Zalo's history proves what was not said.
        world.record(
            person, Message(world.message_id(), tenant.oa_id, user, False, "text", "chào", int((now - 60) * 1000))
        )
        await say(shop, tenant, user, "tin", lane=lane)
    return users


async def sent(shop: House, tenant: Tenant) -> int:
    found = await rows(
        shop, tenant, "SELECT count(*) FROM outbox_messages WHERE tenant_id = :tenant AND state = 'sent'"
    )
    return int(found[0][0])


async def test_a_failing_account_is_probed_one_by_one_and_everything_goes_out_when_it_answers_again(
    shop: House,
) -> None:
    failing, world = shop.registry.by_slug("lang-son"), shop.zalo.world
    fault = world.faults.add(Fault(kind="reset", call="cs", oa="lang-son"))
    users = await put(shop, failing, "failing", 60)

    async def struck() -> int:
        return fault.struck

    seen = await eventually(
        struck, until=lambda count: count >= breaker.OPEN_AFTER + 2, what="the circuit opening and probes"
    )
    assert seen < len(users), "it is not asked for every message that waits"
    healthy = shop.registry.by_slug("cao-bang")
    await put(shop, healthy, "healthy", 5)
    await eventually(lambda: sent(shop, healthy), until=lambda count: count == 5, what="the neighbour's messages")
    world.faults.clear()
    await eventually(lambda: sent(shop, failing), until=lambda count: count == 60, what="all going out", within=30)
    assert {user: len(said(shop, "lang-son", user)) for user in users} == dict.fromkeys(users, 1)


async def test_of_a_shared_limit_the_least_served_province_takes_first(
    shop: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One province has three hundred waiting, its three neighbours on the same app fifteen each."""
    limit = 0
    monkeypatch.setattr(buckets, "SLOT_MS", 1)
    for module in (drain, saying):
        monkeypatch.setattr(module, "windows_of", lambda _: (Window("test:shared", limit),))
    large, *small = (shop.registry.by_slug(slug) for slug in ("ca-mau", "hue", "son-la", "ha-tinh"))
    await put(shop, large, "large", 300)
    for tenant in small:
        await put(shop, tenant, "small", 15)
    limit = 30

    async def done() -> bool:
        return all([await sent(shop, tenant) >= 15 for tenant in small])

    await eventually(done, what="the small ones being done", within=40)
    assert await sent(shop, large) < 200, "the large one was not served first"
    await eventually(lambda: sent(shop, large), until=lambda count: count == 300, what="the large one", within=60)


async def test_notices_get_what_they_asked_for_in_vain_though_a_campaign_always_comes_before_them(
    shop: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "SLOT_MS", 2)
    monkeypatch.setattr(buckets, "PACED_SLOTS", buckets.SLOTS - 7)  # kept for about as long as the made-up minute
    window = Window("test:busy", 40, 6)
    for module in (drain, saying):
        monkeypatch.setattr(module, "windows_of", lambda _: (window,))
    assert shop.worker is not None
    rates, tenant, taken = shop.worker.buckets, shop.registry.by_slug("dong-nai"), 0
    take_all = rates.take_all

    async def after_a_campaign(requests: Sequence[Request]) -> list[Grant]:
        nonlocal taken
        if any(one.want > 0 for one in requests):
            taken += (await take_all([Request([window], window.limit, first=False)]))[0].granted
        return await take_all(requests)

    monkeypatch.setattr(rates, "take_all", after_a_campaign)
    await put(shop, tenant, "busy", 20)
    await eventually(lambda: sent(shop, tenant), until=lambda count: count == 20, what="the notices", within=30)
    assert taken, "the campaign took what was left to it"


async def test_a_token_that_grew_too_old_is_not_missed_for_a_minute(
    shop: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a process that is too slow for what it holds: each message takes a second token, and there are no two for each."""
    window, claim = Window("test:slow", 24), drain.claim

    async def slowly(*asked: Any) -> Any:
        claimed = await claim(*asked)
        await asyncio.sleep(drain.LATE_S + 0.2)
        return claimed

    for module in (drain, saying):
        monkeypatch.setattr(module, "windows_of", lambda _: (window,))
    monkeypatch.setattr(drain, "claim", slowly)
    monkeypatch.setattr(sweep, "STALE_AFTER", timedelta(seconds=20))
    tenant = shop.registry.by_slug("gia-lai")
    users = await put(shop, tenant, "slow", 20)
    await eventually(lambda: sent(shop, tenant), until=lambda count: count == 20, what="all of them", within=30)
    assert [said(shop, "gia-lai", user) for user in users] == [["tin"]] * 20


async def test_what_was_claimed_long_ago_is_not_begun(shop: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a worker was frozen: others have settled it by now, and may have said it."""
    tenant = shop.registry.by_slug("thanh-hoa")
    with monkeypatch.context() as frozen:
        frozen.setattr(drain, "LATE_S", -1.0)
        frozen.setattr(drain, "NOT_BEGUN_S", -1.0)
        (user,) = await put(shop, tenant, "frozen", 1)
        assert shop.worker is not None
        for _ in range(3):
            shop.worker.drainer.look(tenant.id)
            await asyncio.sleep(0.05)
        assert said(shop, "thanh-hoa", user) == []
    await eventually(lambda: sent(shop, tenant), until=lambda count: count == 1, what="it being said after all")
    assert said(shop, "thanh-hoa", user) == ["tin"]
    found = await rows(shop, tenant, "SELECT attempts FROM outbox_messages WHERE tenant_id = :tenant")
    assert found[0].attempts == 1, "what was not begun is no attempt"
