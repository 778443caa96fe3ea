"""One rating a dossier: who is asked and when, who may answer, and what the office hears."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from tests.notices.stage import NOON, Stage

from govchat.callbacks.put import body_context
from govchat.citizens import consent
from govchat.conversation import asks
from govchat.conversation import rate as in_chat
from govchat.db.session import Database
from govchat.handoff.mute import mute
from govchat.kit import clock
from govchat.kit.clock import VN
from govchat.kit.phrases import phrases
from govchat.kit.text import fold
from govchat.ratings import give, scale, settings
from govchat.ratings.give import RatingRefused, RatingUnfit
from govchat.ratings.invite import invite_due
from govchat.ratings.queries import page, seen
from govchat.ratings.scale import ROOM, reasons_for
from govchat.reports.ratings import PeriodInvalid, ratings_report

HOUR = timedelta(hours=1)


async def finished(stage: Stage, *, at=NOON - 3 * HOUR, unit="Sở Xây dựng", status=10):
    change = await stage.dossier()
    await stage.run(
        "UPDATE dossiers SET status = :status, finished_at = :at, unit = :unit, code_key = code WHERE tenant_id = :tenant AND id = :id",
        id=change.dossier_id, at=at, unit=unit, status=status,
    )  # fmt: skip
    return change


async def asked(stage: Stage, change, **how):
    """A follower who agreed to be asked."""
    citizen = await stage.follower(change, **how)
    async with stage.db.tenant(stage.id) as session:
        await consent.give(session, stage.id, citizen.id, "survey", how="chat", at=NOON)
    return citizen


async def invite(stage: Stage, now=NOON) -> int:
    async with stage.db.tenant(stage.id) as session:
        return await invite_due(session, stage.vault, stage.id, now=now)


async def rate(stage: Stage, citizen, change, level: int, **given):
    async with stage.db.tenant(stage.id) as session:
        return await give.give(session, stage.vault, stage.id, citizen.id, change.code, level, **given)


async def questions(stage: Stage, change) -> list:
    rows = await stage.rows(
        "SELECT * FROM outbox_messages WHERE tenant_id = :tenant AND cause = :cause",
        cause=f"rating:{change.dossier_id}",
    )
    return [stage.opened(row) for row in rows]


@pytest.fixture
async def stage(registry) -> Stage:
    return await Stage.open(registry, "quang-ninh")


async def test_who_agreed_is_asked_once_after_the_result(stage) -> None:
    change = await finished(stage)
    await asked(stage, change)
    silent = await finished(stage)
    await stage.follower(silent)
    early = await finished(stage, at=NOON - HOUR)
    await asked(stage, early)
    gone = await finished(stage)
    await asked(stage, gone, spoke=timedelta(hours=49))
    running = await finished(stage, status=4)
    await asked(stage, running)
    assert await invite(stage) == 1
    assert await invite(stage) == 0
    (message,) = await questions(stage, change)
    assert change.code in message.plain_text
    assert [(one.title, one.payload) for one in message.buttons] == [
        ("Rất hài lòng", f"đánh giá {change.code} 3"),
        ("Hài lòng", f"đánh giá {change.code} 2"),
        ("Không hài lòng", f"đánh giá {change.code} 1"),
    ]
    assert await invite(stage, NOON + 2 * HOUR) == 1, "the early one is asked later"
    assert await questions(stage, early) != []


async def test_a_word_or_a_number_answers_what_was_asked_lately_and_nothing_else(registry) -> None:
    stage = await Stage.open(registry, "lai-chau")
    change = await finished(stage)
    citizen = await asked(stage, change)
    async with stage.db.tenant(stage.id) as session:
        nothing = await in_chat.rate(session, stage.vault, stage.id, citizen.id, asks.Rate(said="5", alone=True), NOON)
    assert not nothing.asked, "a number alone is no rating where none was asked for"
    assert await invite(stage) == 1
    async with stage.db.tenant(stage.id) as session:
        odd = await in_chat.rate(session, stage.vault, stage.id, citizen.id, asks.Rate(said="tam tam"), NOON + HOUR)
        assert odd.asked == f"level {change.code} 3", "what names no level is asked again"
        given = await in_chat.rate(session, stage.vault, stage.id, citizen.id, asks.Rate(said="rat te"), NOON + HOUR)
    assert given.asked.startswith("reason ")
    (row,) = await stage.rows("SELECT level, poor FROM ratings WHERE tenant_id = :tenant AND state = 'given'")
    assert (row.level, row.poor) == (1, True)
    (dossier_id,) = [UUID(part) for part in given.asked.split(" ")[1:2]]
    async with stage.db.tenant(stage.id) as session:
        said = asks.Comment(dossier_id, change.code, "attitude", "chờ dài cả cổ")
        noted = await in_chat.comment(session, stage.vault, stage.id, citizen.id, said, NOON + HOUR)
        listed = await page(session, stage.vault, stage.id, cursor=None)
    assert noted.asked.split(" ")[3] == "attitude", "the question that was open is put again"
    assert listed.items[0].comment == "chờ dài cả cổ"


@pytest.mark.parametrize(
    ("words", "of_three", "of_five"),
    [
        ("rất hài lòng", 3, 5), ("hài lòng", 2, 4), ("bình thường", 0, 3), ("chưa hài lòng lắm", 1, 2), ("quá tệ", 1, 1), ("ko tốt", 1, 2),
        ("ok", 2, 4), ("tuyệt vời", 3, 5), ("đường hư", 0, 0),
    ],
)  # fmt: skip
def test_a_level_is_read_in_words(words: str, of_three: int, of_five: int) -> None:
    assert (scale.level_in(fold(words), 3), scale.level_in(fold(words), 5)) == (of_three, of_five)


async def test_nobody_is_asked_at_night_or_while_an_officer_speaks(registry) -> None:
    stage = await Stage.open(registry, "an-giang")
    change = await finished(stage, at=NOON)
    citizen = await asked(stage, change)
    async with stage.db.tenant(stage.id) as session:
        await mute(session, stage.id, [(citizen.zalo_user_id, NOON + 3 * HOUR)])
    assert await invite(stage, NOON + 3 * HOUR) == 0
    night = NOON + 11 * HOUR  # 23:00 in Vietnam
    assert await invite(stage, night) == 1
    (row,) = await stage.rows("SELECT due_at FROM outbox_messages WHERE tenant_id = :tenant")
    assert row.due_at.astimezone(VN).hour == 6


async def test_a_province_asks_all_followers_on_five_levels_or_nobody(registry) -> None:
    stage = await Stage.open(registry, "can-tho")
    change = await finished(stage)
    citizen = await stage.follower(change)
    async with stage.db.tenant(stage.id) as session:
        await settings.settle(session, stage.id, levels=5, invite="nobody", actor="cli:test")
    assert await invite(stage) == 0
    async with stage.db.tenant(stage.id) as session:
        await settings.settle(session, stage.id, invite="followers", actor="cli:test")
        for wrong in ({"levels": 4}, {"invite": "everybody"}):
            with pytest.raises(settings.RatingSettingsInvalid):
                await settings.settle(session, stage.id, actor="cli:test", **wrong)
    assert await invite(stage) == 1
    assert len((await questions(stage, change))[0].buttons) == 5
    with pytest.raises(RatingUnfit, match="1 to 5"):
        await rate(stage, citizen, change, 6)
    assert (await rate(stage, citizen, change, 2)).poor


async def test_one_rating_a_dossier_by_whoever_proved_it(stage) -> None:
    change = await finished(stage)
    owner, second, stranger = await stage.follower(change), await stage.follower(change), await stage.citizen()
    async with stage.db.tenant(stage.id) as session:
        assert await give.may_rate(session, stage.id, owner.id, change.code) is None
        assert await give.may_rate(session, stage.id, stranger.id, change.code) == "unproved"
    with pytest.raises(RatingRefused) as refused:
        await rate(stage, stranger, change, 3)
    unknown = await finished(stage)
    await stage.run("DELETE FROM dossiers WHERE tenant_id = :tenant AND id = :id", id=unknown.dossier_id)
    with pytest.raises(RatingRefused) as nothing:
        await rate(stage, stranger, unknown, 3)
    assert refused.value.detail == nothing.value.detail, "guessing tells nothing"
    assert not (await rate(stage, owner, change, 3)).poor
    with pytest.raises(RatingRefused, match="one rating a dossier"):
        await rate(stage, second, change, 1)
    assert (await rate(stage, owner, change, 1)).poor, "one's own may be changed for a day"
    with pytest.raises(RatingRefused, match="one rating a dossier"):
        await rate(stage, owner, change, 2, at=clock.now() + timedelta(days=2))
    running = await finished(stage, status=4)
    with pytest.raises(RatingRefused, match="no result yet"):
        await rate(stage, await stage.follower(running), running, 3)


async def test_a_poor_rating_alerts_the_office_until_somebody_looks(registry) -> None:
    stage = await Stage.open(registry, "lang-son")
    await stage.run(
        "INSERT INTO callback_endpoints (tenant_id, id, url, kinds, description, timeout_s, secret_sealed)"
        " VALUES (:tenant, gen_random_uuid(), 'https://motcua.example', '{}', '', 5, '')"
    )
    change = await finished(stage)
    citizen = await stage.follower(change)
    given = await rate(stage, citizen, change, 1)
    async with stage.db.tenant(stage.id) as session:
        with pytest.raises(RatingUnfit, match="expected one of"):
            await give.explain(session, stage.vault, stage.id, citizen.id, given.dossier_id, because=["khác"])
        assert await give.explain(
            session, stage.vault, stage.id, citizen.id, given.dossier_id, because=["late", "extra_costs"], about_time=1,
            comment="Đi lại bốn lần, bị đòi thêm 200 nghìn.",
        )  # fmt: skip
        stranger = await stage.citizen()
        assert not await give.explain(session, stage.vault, stage.id, stranger.id, given.dossier_id, about_time=3)
    rows = await stage.rows("SELECT * FROM callback_deliveries WHERE tenant_id = :tenant ORDER BY message_id")
    assert [row.kind for row in rows] == ["rating.given", "rating.poor", "rating.explained"]
    bodies = [stage.vault.open(row.body_sealed, body_context(row.message_id)).decode() for row in rows]
    assert '"late"' in bodies[2]
    assert not any("bốn lần" in body or str(citizen.id) in body for body in bodies)
    async with stage.db.tenant(stage.id) as session:
        (alert,) = (await page(session, stage.vault, stage.id, cursor=None, alerts=True)).items
        assert (alert.dossier_code, alert.extra_costs, alert.reasons) == (change.code, True, ["extra_costs", "late"])
        assert alert.comment is not None
        assert "bốn lần" in alert.comment
        await seen(session, stage.id, alert.id, actor="key:test")
        assert (await page(session, stage.vault, stage.id, cursor=None, alerts=True)).items == []
        assert len((await page(session, stage.vault, stage.id, cursor=None)).items) == 1


async def _given(db: Database, stage: Stage, unit: str, levels: list[int], **more) -> None:
    for level in levels:
        change = await finished(stage, unit=unit)
        values = {"id": change.dossier_id, "level": level, "unit": unit, "at": NOON, "poor": level == 1, **more}
        await stage.run(
            "INSERT INTO ratings (tenant_id, dossier_id, id, unit, procedure_code, state, levels, level, poor, given_at, reasons)"
            " VALUES (:tenant, :id, gen_random_uuid(), :unit, '1.0', 'given', 3, :level, :poor, :at, '{late}')", **values,
        )  # fmt: skip


async def test_a_report_tells_of_offices_and_of_no_person(registry, db) -> None:
    stage = await Stage.open(registry, "gia-lai")
    day = NOON.astimezone(VN).date()

    async def report():
        async with stage.db.tenant(stage.id) as session:
            return await ratings_report(session, stage.id, day, day)

    assert (await report()).total is None
    await _given(db, stage, "Sở Xây dựng", [3, 3, 2, 2, 1, 1])
    await _given(db, stage, "Sở Y tế", [1, 1])
    told = await report()
    (office,) = told.offices
    assert (office.unit, office.ratings, office.satisfied, office.poor, office.satisfied_share) == (
        "Sở Xây dựng",
        6,
        4,
        2,
        0.667,
    )
    assert (office.time_share, office.reasons) == (None, {"late": 6})
    assert (told.others, told.withheld, told.total.ratings) == (None, True, 6), "the total would give away the two"
    await _given(db, stage, "Sở Nội vụ", [3, 3, 3])
    told = await report()
    assert told.others is not None
    assert (told.others.ratings, told.others.poor, told.withheld, told.total.ratings) == (5, 2, False, 11)
    async with stage.db.tenant(stage.id) as session:
        for since, until in ((date(2026, 2, 1), date(2026, 1, 1)), (date(2020, 1, 1), date(2026, 1, 1))):
            with pytest.raises(PeriodInvalid):
                await ratings_report(session, stage.id, since, until)


def test_buttons_fit_and_reasons_leave_room_for_no_answer() -> None:
    said = phrases(ROOM)
    for levels in (3, 5):
        for level in range(1, levels + 1):
            assert len(said[f"level_{levels}_{level}"]) <= 30
            assert 1 <= len(reasons_for(level, levels)) <= 4
