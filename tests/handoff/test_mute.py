"""An officer takes over, the bot keeps still, and comes back."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.notices.stage import Stage

from govchat.handoff import mute, settings
from govchat.handoff.ask import ask
from govchat.kit.phrases import phrases

NOON = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)  # a Friday, 12:00 in Vietnam: lunch


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.fixture
async def stage(registry) -> Stage:
    return await Stage.open(registry, "hue")


async def wrote(stage: Stage, *what) -> int:
    async with stage.db.tenant(stage.id) as session:
        return await mute.mute(session, stage.id, what)


async def still(stage: Stage, citizen, at: datetime) -> bool:
    async with stage.db.tenant(stage.id) as session:
        return await mute.is_muted(session, stage.id, citizen.id, at)


async def rows(stage: Stage, citizen) -> list:
    return await stage.rows(
        "SELECT * FROM handoffs WHERE tenant_id = :tenant AND citizen_id = :id ORDER BY opened_at", id=citizen.id
    )


async def test_an_officers_word_silences_the_bot_until_half_an_hour_after_the_last(stage) -> None:
    one, other = await stage.citizen(), await stage.citizen()
    said = [(one.zalo_user_id, NOON), (one.zalo_user_id, NOON + minutes(20)), ("nobody-we-know", NOON)]
    assert await wrote(stage, *said) == 1
    assert [await still(stage, one, NOON + minutes(after)) for after in (0, 49.9, 50)] == [True, True, False]
    assert not await still(stage, other, NOON)
    assert await wrote(stage, (one.zalo_user_id, NOON + minutes(5))) == 1, "a word that is read late"
    assert await still(stage, one, NOON + minutes(49))
    (row,) = await rows(stage, one)
    assert (row.officer_at, row.ended_at) == (NOON + minutes(20), None)


async def test_the_citizen_gets_the_bot_back_and_a_late_echo_does_not_take_it(stage) -> None:
    one = await stage.citizen()
    await wrote(stage, (one.zalo_user_id, NOON))
    async with stage.db.tenant(stage.id) as session:
        assert await mute.give_back(session, stage.id, one.id, NOON + minutes(3))
        assert not await mute.give_back(session, stage.id, one.id, NOON + minutes(3))
    assert not await still(stage, one, NOON + minutes(3))
    assert await wrote(stage, (one.zalo_user_id, NOON + minutes(2))) == 0
    assert not await still(stage, one, NOON + minutes(4))
    assert await wrote(stage, (one.zalo_user_id, NOON + minutes(6))) == 1
    assert [row.ended_by for row in await rows(stage, one)] == ["citizen", None]


async def test_many_are_muted_in_one_statement(stage) -> None:
    from tests.notices.stage import counted

    people = [await stage.citizen() for _ in range(30)]
    with counted(stage.db) as statements:
        assert await wrote(stage, *((one.zalo_user_id, NOON) for one in people)) == 30
    assert len([each for each in statements if "handoffs" in each]) == 1


async def test_silence_is_written_down_and_settled_by_the_province(registry) -> None:
    stage = await Stage.open(registry, "nghe-an")
    one = await stage.citizen()
    async with stage.db.tenant(stage.id) as session:
        assert await settings.minutes_of(session, stage.id) == 30
        await settings.settle(session, stage.id, 5, actor="cli:test")
        with pytest.raises(settings.SilenceInvalid):
            await settings.settle(session, stage.id, 0, actor="cli:test")
    await wrote(stage, (one.zalo_user_id, NOON))
    assert not await still(stage, one, NOON + minutes(5))
    async with stage.db.tenant(stage.id) as session:
        assert await mute.end_silent(session, stage.id, NOON + minutes(4)) == 0
        assert await mute.end_silent(session, stage.id, NOON + minutes(6)) == 1
    (row,) = await rows(stage, one)
    assert (row.ended_by, row.ended_at) == ("silence", NOON + minutes(5))


@pytest.mark.parametrize(
    ("at", "open_now", "says"),
    [
        (datetime(2026, 11, 20, 3, 0, tzinfo=UTC), True, "đã báo cán bộ"),
        (NOON, False, "13:00 ngày 20/11/2026"),
        (datetime(2026, 11, 21, 3, 0, tzinfo=UTC), False, "cuối tuần"),
        (datetime(2026, 11, 24, 3, 0, tzinfo=UTC), False, "nghỉ lễ: Ngày Văn hóa Việt Nam"),
    ],
)
async def test_who_asks_for_a_person_is_told_when_one_is_there(stage, at, open_now, says) -> None:
    one = await stage.citizen()
    async with stage.db.tenant(stage.id) as session:
        asked = await ask(session, stage.vault, stage.id, one.id, stage.tenant.manifest, at=at)
        again = await ask(session, stage.vault, stage.id, one.id, stage.tenant.manifest, at=at + minutes(1))
        waiting = await settings.open_ones(session, stage.id)
    assert (asked.is_new, asked.open_now, again.is_new) == (True, open_now, False)
    assert says in asked.words
    assert asked.handoff_id in [each.id for each in waiting]
    assert not await still(stage, one, at), "the bot goes on until an officer writes"
    assert again.handoff_id == asked.handoff_id


@pytest.mark.parametrize(
    ("words", "wants"),
    [("Gặp trợ lý!", True), ("menu", True), ("bot", True), ("trợ lý giám đốc ở đâu", False), ("", False)],
)
def test_a_whole_message_asks_for_the_bot(words: str, wants: bool) -> None:
    assert mute.wants_bot(words) is wants


def test_every_reason_to_be_closed_has_words() -> None:
    from govchat.offices.hours import Why

    closed = set(Why) - {Why.WORKDAY, Why.MAKEUP, Why.SATURDAY}  # on these it is outside office hours, no more
    assert {f"why_{why.value}" for why in closed} <= phrases("govchat.handoff").keys()
