"""A webhook that fell silent is noticed, and what it did not bring is taken up once, however late it comes after all."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from tests.connect.conftest import Ground
from tests.journeys.stage import headers_for, post, text_event

from govchat.connect import backfill, keep, rhythm
from govchat.connect.keep import keep_webhook
from govchat.kit import clock
from govchat.kit.queue import CONVERSE
from govchat.simulator.faults import Fault
from govchat.tenants.signatures import RECOVERED

OPEN = "SELECT says, todo FROM incidents WHERE tenant_id = :tenant AND healed_at IS NULL AND kind = 'webhook'"
EVENTS = "SELECT user_id, event_name, signature FROM inbox_events WHERE tenant_id = :tenant AND user_id LIKE :who ORDER BY occurred_at"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rhythm, "SETTLED_AFTER", timedelta())
    monkeypatch.setattr(backfill, "GRACE", timedelta())
    monkeypatch.setattr(keep, "LOOK_EVERY", timedelta())
    monkeypatch.setattr(keep, "LOOK_WHEN_QUIET", timedelta())
    monkeypatch.setattr(keep, "LOOK_AGAIN", timedelta())


@pytest.fixture
async def deaf(ground: Ground) -> AsyncIterator[Ground]:
    """Faults are taken back at the end."""
    yield ground
    ground.world.faults.clear()


async def events(ground: Ground, slug: str, who: str) -> list[tuple[str, str, str]]:
    return [tuple(row) for row in await ground.ask(slug, EVENTS, who=f"{who}%")]


async def look(ground: Ground, slug: str) -> int:
    """One look of the keeper; how many messages it took up."""
    compared = await keep_webhook(ground.hands, ground.tenant(slug))
    return compared.recovered if compared else 0


async def test_what_was_said_before_the_first_look_is_nobodys_to_answer(deaf: Ground) -> None:
    slug = "an-giang"
    deaf.world.faults.add(Fault(kind="webhook_lost", oa=slug))
    await deaf.house.zalo.say(slug, "early-1", "trước khi kết nối")
    assert await keep_webhook(deaf.hands, deaf.tenant(slug)) is None
    deaf.world.faults.clear()
    with clock.shifted(timedelta(minutes=20)):
        assert await look(deaf, slug) == 0
    assert await events(deaf, slug, "early") == []


async def test_messages_that_the_webhook_lost_are_taken_up_once_also_when_it_comes_late(deaf: Ground) -> None:
    slug, tenant = "ca-mau", deaf.tenant("ca-mau")
    zalo = deaf.house.zalo
    await zalo.say(slug, "gap-0", "đã đến")
    await keep_webhook(deaf.hands, tenant)
    deaf.world.faults.add(Fault(kind="webhook_lost", oa=slug))
    lost = [await zalo.say(slug, f"gap-{number}", f"câu {number}") for number in range(12)]
    await zalo.say(slug, "gap-3", "câu thứ hai của người ấy")
    await zalo.send_image(slug, "gap-5", b"\xff\xd8\xff\xe0 picture", text="ảnh")
    assert len(await events(deaf, slug, "gap")) == 1
    await deaf.hands.bell.take(CONVERSE)
    assert await look(deaf, slug) == 14
    assert await deaf.hands.bell.take(CONVERSE) == [tenant.id], "nobody was rung for"
    assert [await look(deaf, slug) for _ in range(2)] == [0, 0]
    found = await events(deaf, slug, "gap")
    assert len(found) == 15
    assert [one[2] for one in found].count(RECOVERED) == 14
    assert ("gap-5", "user_send_image", RECOVERED) in found
    # Zalo's ladder delivers one of them after all.
    late = text_event(tenant, "gap-7", "câu 7", msg_id=lost[7].msg_id)
    assert await post(deaf.house, tenant, late, headers=headers_for(tenant, late)) == (200, "{}")
    assert len(await events(deaf, slug, "gap-7")) == 1
    # The alarm says since when and who must do what; it ends when events come again.
    (told,) = await deaf.ask(slug, OPEN)
    assert "14 tin nhắn" in told.says
    assert "developers.zalo.me" in told.todo
    assert tenant.webhook_path in told.todo
    deaf.world.faults.clear()
    await zalo.say(slug, "gap-after", "lại nghe được")
    await keep_webhook(deaf.hands, tenant)
    assert await deaf.ask(slug, OPEN) == []


async def test_an_account_to_which_nobody_writes_is_looked_at_less_often(
    deaf: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug = "lai-chau"
    monkeypatch.setattr(keep, "LOOK_EVERY", timedelta(minutes=15))
    monkeypatch.setattr(keep, "LOOK_WHEN_QUIET", timedelta(hours=1))
    hands = msgspec.structs.replace(deaf.hands, at_once=True)

    async def after() -> float:
        now = clock.now()
        await keep_webhook(hands, deaf.tenant(slug))
        (row,) = await deaf.ask(slug, "SELECT next_look_at FROM webhook_watches WHERE tenant_id = :tenant")
        return round((row.next_look_at - now).total_seconds() / 60)

    await keep_webhook(hands, deaf.tenant(slug))
    assert await after() == 60
    await deaf.house.zalo.say(slug, "somebody", "xin chào")
    assert await after() == 15
    with clock.shifted(timedelta(hours=25)):
        assert await after() == 60


async def test_one_lost_message_between_two_that_came_is_found_and_is_no_alarm(deaf: Ground) -> None:
    slug = "dak-lak"
    await keep_webhook(deaf.hands, deaf.tenant(slug))
    await deaf.house.zalo.say(slug, "between", "một")
    deaf.world.faults.add(Fault(kind="webhook_lost", oa=slug, count=1))
    await deaf.house.zalo.say(slug, "between", "hai")
    await deaf.house.zalo.say(slug, "between", "ba")
    await look(deaf, slug)
    assert [one[2] == RECOVERED for one in await events(deaf, slug, "between")] == [False, True, False]
    await keep_webhook(deaf.hands, deaf.tenant(slug))
    assert await deaf.ask(slug, OPEN) == []


async def test_a_look_that_is_cut_short_by_the_limit_goes_on_where_it_was(
    deaf: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug = "dong-nai"
    await keep_webhook(deaf.hands, deaf.tenant(slug))
    deaf.world.faults.add(Fault(kind="webhook_lost", oa=slug))
    for number in range(8):
        await deaf.house.zalo.say(slug, f"slow-{number}", "xin chào")
    calls = 0
    real = backfill._Caller._call

    async def limited(self, ask):  # type: ignore[no-untyped-def]
        nonlocal calls
        calls += 1
        if calls % 6 == 0:
            raise backfill.OutOfTokens
        return await real(self, ask)

    monkeypatch.setattr(backfill._Caller, "_call", limited)
    taken = [await look(deaf, slug) for _ in range(5)]
    assert sum(taken) == 8
    assert len(await events(deaf, slug, "slow")) == 8


async def test_two_keepers_at_once_take_up_each_message_once(deaf: Ground) -> None:
    slug = "dong-thap"
    await keep_webhook(deaf.hands, deaf.tenant(slug))
    deaf.world.faults.add(Fault(kind="webhook_lost", oa=slug))
    for number in range(5):
        await deaf.house.zalo.say(slug, f"both-{number}", "xin chào")
    assert sum(await asyncio.gather(*(look(deaf, slug) for _ in range(3)))) == 5
    assert len(await events(deaf, slug, "both")) == 5


async def test_zalo_that_answers_nothing_loses_no_message_for_the_next_look(deaf: Ground) -> None:
    slug = "gia-lai"
    await keep_webhook(deaf.hands, deaf.tenant(slug))
    deaf.world.faults.add(Fault(kind="webhook_lost", oa=slug))
    await deaf.house.zalo.say(slug, "patient", "xin chào")
    deaf.world.faults.add(Fault(kind="http", status=500, call="read", oa=slug))
    assert await look(deaf, slug) == 0
    deaf.world.faults.clear()
    assert await look(deaf, slug) == 1


HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 11, 9, tzinfo=UTC)  # 07:00 in Vietnam


def office_hours(days: int, each: int) -> dict[datetime, int]:
    """Events of an office that is asked on working days from 07:00 to 17:00, Vietnamese time."""
    return {
        MONDAY + timedelta(days=day) + hour * HOUR: each
        for day in range(days)
        for hour in range(10)
        if (MONDAY + timedelta(days=day)).weekday() < 5
    }


def test_a_silence_is_compared_with_such_days_and_hours() -> None:
    events_ = office_hours(14, 30)
    morning = MONDAY + timedelta(days=14)
    assert rhythm.usual(events_, morning, morning + HOUR) == pytest.approx(30)
    assert rhythm.usual(events_, morning, morning + HOUR / 2) == pytest.approx(15)
    evening = MONDAY + timedelta(days=14) + 11 * HOUR
    assert rhythm.usual(events_, evening, evening + 12 * HOUR) == 0
    saturday = MONDAY + timedelta(days=12)
    assert rhythm.usual(office_hours(12, 30), saturday, saturday + 20 * HOUR) == 0
    assert rhythm.usual({}, morning, morning + HOUR) == 0


async def test_a_lively_account_that_falls_silent_is_an_alarm_and_a_quiet_one_is_not(deaf: Ground) -> None:
    now = datetime.now(UTC)
    hour = now.replace(minute=0, second=0, microsecond=0)
    for slug, each, alarmed in (("ha-tinh", 200, True), ("hung-yen", 1, False)):
        await keep_webhook(deaf.hands, deaf.tenant(slug))
        await deaf.ask(
            slug,
            "INSERT INTO webhook_hours (tenant_id, hour, signature, events) SELECT :tenant, h, 'body/app/mac', :events "
            "FROM generate_series(CAST(:first AS timestamptz), CAST(:last AS timestamptz), interval '1 hour') AS h",
            events=each, first=hour - timedelta(days=13), last=hour - 2 * HOUR,
        )  # fmt: skip
        await deaf.ask(slug, "UPDATE webhook_watches SET last_event_at = :at WHERE tenant_id = :tenant", at=now - HOUR)
        await keep_webhook(deaf.hands, deaf.tenant(slug))
        found = await deaf.ask(slug, OPEN)
        assert bool(found) is alarmed, slug
        if alarmed:
            assert "bình thường đã có khoảng" in found[0].says
            await deaf.house.zalo.say(slug, "back-again", "xin chào")
            await keep_webhook(deaf.hands, deaf.tenant(slug))
            assert await deaf.ask(slug, OPEN) == []
