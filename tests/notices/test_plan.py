"""Planning: everybody who follows hears once, in one go of queries, and every decision is written down."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from tests.notices.stage import NOON, PHONE, Stage, counted, then

from govchat.citizens import consent
from govchat.notices import arrange, follow
from govchat.notices.kinds import Kind
from govchat.notices.templates import map_template, take_in
from govchat.tenants import testers
from govchat.tenants.registry import Registry
from govchat.zalo.messages import CsMessage
from govchat.zalo.templates import Param, PhoneTemplate, TemplateInfo, TemplateQuota, UidTemplate

NIGHT = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)
WEEKS = timedelta(days=20)

INFO = TemplateInfo(
    template_id="310002",
    name="Thay đổi trạng thái hồ sơ",
    status="ENABLE",
    tag="TRANSACTION",
    params=(Param("ho_ten", "NAME", 30), Param("ma_ho_so", "CODE", 30), Param("trang_thai", "STATUS", 30)),
    price_uid=300,
    price_phone=800,
)


@pytest.fixture
async def stage(registry: Registry) -> Stage:
    return await Stage.open(registry, "bac-ninh")


@pytest.fixture
async def paying(registry: Registry) -> Stage:
    """A province with a template for everything and 1,000 đồng a month, of which nothing is used."""
    stage = await Stage.open(registry, "cao-bang")
    async with stage.db.tenant(stage.id) as session:
        await take_in(session, stage.id, [INFO], TemplateQuota(1000, 1000))
        await map_template(session, stage.id, None, "310002", {}, actor="cli:test")
        await arrange.settle(session, stage.id, monthly_budget=1000, actor="cli:test")
    await stage.run("UPDATE notice_budgets SET reserved = 0, spent = 0, by_phone = 0 WHERE tenant_id = :tenant")
    return stage


async def test_a_follower_hears_office_person_and_times_with_a_way_to_look_and_a_way_out(stage: Stage) -> None:
    change = await stage.dossier()
    citizen = await stage.follower(change)
    assert await stage.plan(change) == [1]
    ((row, message),) = await stage.queued(change)
    assert isinstance(message, CsMessage)
    assert message.user_id == citizen.zalo_user_id
    for part in (change.code, "Sở Xây dựng", "Trần Văn An", "12:00 ngày 17/11/2026", "12:00 ngày 29/11/2026"):
        assert part in message.plain_text
    assert [button.payload for button in message.buttons] == [
        f"tra cứu {change.code}",
        f"hủy nhận thông báo {change.code}",
    ]
    assert (row.lane, row.cause) == (1, f"dossier:{change.code}#1")
    (notice,) = await stage.notices(change)
    assert (notice.state, notice.channel, notice.kind, notice.message_id) == ("planned", "cs", "received", row.id)
    assert notice.decision["consent"] == "granted"
    assert "Hiền" not in str(notice.decision)


async def test_nobody_hears_who_does_not_follow(stage: Stage) -> None:
    change = await stage.dossier()
    await stage.prove(await stage.citizen(), change)
    assert await stage.plan(change) == [0]
    assert await stage.notices(change) == []


async def test_several_people_follow_one_dossier_and_one_person_many(stage: Stage) -> None:
    first, second = await stage.dossier(), await stage.dossier()
    ada = await stage.follower(first)
    await stage.follower(first)
    await stage.prove(ada, second)
    (key,) = await stage.rows(
        "SELECT code_key FROM dossiers WHERE tenant_id = :tenant AND id = :id", id=second.dossier_id
    )
    async with stage.db.tenant(stage.id) as session:
        assert await follow.subscribe(session, stage.id, ada.id, at=NOON, evidence="event:2", key="no such") is None
        assert await follow.subscribe(session, stage.id, ada.id, at=NOON, evidence="event:2", key=key.code_key)
    assert await stage.plan(first, second) == [2, 1]
    async with stage.db.tenant(stage.id) as session:
        followed = await follow.following(session, stage.id, ada.id)
        assert {one.code for one in followed} == {first.code, second.code}
        assert await follow.unsubscribe(session, stage.id, ada.id, at=NOON, evidence="event:3", key=key.code_key) == 1
        assert (await consent.of(session, stage.id, ada.id))["status"].granted, "the other dossier is still followed"


async def test_planning_takes_at_most_five_queries_however_many_changes(paying: Stage) -> None:
    changes = [await paying.dossier() for _ in range(12)]
    for change in changes:
        await paying.follower(change, spoke=WEEKS if change is changes[0] else timedelta(minutes=5))
    with counted(paying.db) as few:
        assert await paying.plan(*changes) == [1] * 12
    assert len(few) <= 5, few
    with counted(paying.db) as none:
        assert await paying.plan(await paying.dossier()) == [0]
    assert len([one for one in none if "notices" in one]) == 1
    with counted(paying.db) as nothing:
        assert await paying.plan(then(changes[0], status=changes[0].status)) == [0]
    assert nothing == []


async def test_planning_the_same_change_again_says_it_once(stage: Stage) -> None:
    change = await stage.dossier()
    await stage.follower(change)
    assert [await stage.plan(change) for _ in range(2)] == [[1], [0]]
    assert len(await stage.queued(change)) == 1


# --- one notice a minute --------------------------------------------------------------------------------------------------


async def test_a_newer_change_takes_the_place_of_one_that_nobody_has_begun_to_say(stage: Stage) -> None:
    first = await stage.dossier()
    await stage.follower(first)
    await stage.plan(first)
    second = then(first, status=5, note="Bổ sung bản vẽ")
    assert await stage.plan(second, now=NOON + timedelta(seconds=5)) == [1]
    ((row, message),) = await stage.queued(first)
    assert isinstance(message, CsMessage)
    assert "Bổ sung bản vẽ" in message.plain_text
    assert row.caused_at == NOON, "the citizen has waited since the first change"
    old, new = await stage.notices(first)
    assert (old.state, old.merged_into, new.state, new.decision["merged"]) == ("merged", new.id, "planned", [1])
    (skipped,) = await stage.rows(
        "SELECT state FROM outbox_messages WHERE tenant_id = :tenant AND id = :id", id=old.message_id
    )
    assert skipped.state == "skipped"


async def test_after_a_notice_was_said_the_next_waits_for_the_end_of_the_minute_and_takes_in_what_follows(
    stage: Stage,
) -> None:
    first = await stage.dossier()
    await stage.follower(first)
    await stage.plan(first)
    ((row, _),) = await stage.queued(first)
    await stage.ended(row.id)
    second, at = then(first, status=4), NOON + timedelta(seconds=20)
    third, later = then(then(first, status=4), status=9), NOON + timedelta(seconds=40)
    await stage.plan(second, now=at)
    await stage.plan(third, now=later)
    ((row, message),) = await stage.queued(first)
    assert isinstance(message, CsMessage)
    assert "đã có kết quả" in message.plain_text
    assert row.due_at == NOON + timedelta(minutes=1)
    (notice,) = [one for one in await stage.notices(first) if one.state == "planned" and one.number == 3]
    assert notice.decision["held_for_minute"]
    (try_,) = await stage.rows(
        "SELECT held FROM notice_tries WHERE tenant_id = :tenant AND message_id = :id", id=row.id
    )
    assert try_.held


async def test_changes_of_one_dossier_in_one_call_are_one_notice(stage: Stage) -> None:
    first = await stage.dossier()
    await stage.follower(first)
    second = then(first, status=5, note="Thiếu giấy tờ")
    third = then(second, unit="Sở Tài chính", flags=frozenset({"moved"}))
    assert await stage.plan(first, second, third) == [0, 0, 1]
    (notice,) = await stage.notices(first)
    assert notice.decision["merged"] == [1, 2]
    assert notice.kind == Kind.SUPPLEMENT, "what was asked of the citizen is not lost behind a change of office"


# --- who does not hear, and why -------------------------------------------------------------------------------------------


async def test_what_a_citizen_caused_in_the_chat_is_told_to_the_others_alone(stage: Stage) -> None:
    change = await stage.dossier()
    doer, other = await stage.follower(change), await stage.follower(change)
    async with stage.db.tenant(stage.id) as session:
        await follow.hush(session, stage.id, doer.id, change.dossier_id, now=NOON)
    assert await stage.plan(then(change, status=7)) == [1]
    states = {row.citizen_id: (row.state, row.reason) for row in await stage.notices(change)}
    assert states[other.id][0] == "planned"
    assert states[doer.id] == ("withheld", "the citizen caused it in the chat a moment ago")


async def test_a_change_flagged_as_caused_in_the_chat_is_not_told_to_who_just_spoke(stage: Stage) -> None:
    change = await stage.dossier()
    await stage.follower(change, spoke=timedelta(minutes=2))
    await stage.follower(change, spoke=timedelta(hours=2))
    assert await stage.plan(then(change, status=7, flags=frozenset({"caused_by_chat"}))) == [1]


async def test_consent_withdrawn_by_one_message_ends_notices_and_what_waited(stage: Stage) -> None:
    change = await stage.dossier()
    citizen = await stage.follower(change)
    await stage.plan(change, now=NIGHT)
    assert len(await stage.queued(change)) == 1
    async with stage.db.tenant(stage.id) as session:
        assert await follow.unsubscribe(session, stage.id, citizen.id, at=NIGHT, evidence="event:9") == 1
        assert not (await consent.of(session, stage.id, citizen.id))["status"].granted
        evidence = await consent.evidence_of(session, stage.id, citizen.id)
    assert [(one.state, one.how, one.evidence) for one in evidence] == [
        ("granted", "chat", "event:1"),
        ("withdrawn", "chat", "event:9"),
    ]
    assert evidence[0].text_version == consent.text_of("status").version
    assert await stage.queued(change) == []
    assert await stage.plan(then(change, status=9)) == [0]


async def test_a_proof_by_phone_lapses_with_the_dossiers_phone(stage: Stage) -> None:
    change = await stage.dossier(phone="84911000111")
    await stage.follower(change, by="phone")
    assert await stage.plan(change) == [1]
    other = then(change, status=4, phone_index=stage.vault.index("84911000222", "phone"))
    assert await stage.plan(other, now=NOON + timedelta(hours=1)) == [0]
    assert (await stage.notices(change))[-1].reason.startswith("the dossier names another telephone number")


async def test_a_test_key_decides_everything_and_says_nothing(paying: Stage) -> None:
    change = await paying.dossier()
    await paying.follower(change, spoke=WEEKS)
    assert await paying.plan(change, test=True) == [1]
    (notice,) = await paying.notices(change)
    assert (notice.state, notice.channel, notice.message_id) == ("test", "uid", None)
    assert await paying.queued(change) == []
    budgets = await paying.rows("SELECT sum(reserved) AS reserved FROM notice_budgets WHERE tenant_id = :tenant")
    assert not budgets[0].reserved


async def test_on_trial_only_those_on_the_list_hear(registry: Registry) -> None:
    stage = await Stage.open(registry, "dien-bien")
    change = await stage.dossier()
    member, _ = await stage.follower(change), await stage.follower(change)
    async with stage.db.tenant(stage.id) as session:
        await testers.add(session, stage.id, member.zalo_user_id, actor="cli:test")
    await stage.run("UPDATE tenants SET state = 'trial' WHERE id = :tenant")
    try:
        assert await stage.plan(change) == [1]
    finally:
        await stage.run("UPDATE tenants SET state = 'live' WHERE id = :tenant")
    assert {row.citizen_id: row.state for row in await stage.notices(change)}[member.id] == "planned"


async def test_on_trial_a_number_on_the_list_hears_whom_the_counter_linked_by_it(registry: Registry) -> None:
    stage = await Stage.open(registry, "dong-thap")
    change = await stage.dossier()
    known = await stage.dossier(phone="84987650001")
    async with stage.db.tenant(stage.id) as session:
        await take_in(session, stage.id, [INFO], TemplateQuota(1000, 1000))
        await map_template(session, stage.id, None, "310002", {}, actor="cli:test")
        await arrange.settle(session, stage.id, monthly_budget=9000, actor="cli:test")
        for number in ("0987650000", "0987650009"):
            await follow.link(
                session, stage.vault, stage.id, change.dossier_id, number, actor="key:a", at=NOON, evidence="Phiếu 12"
            )
        for number in ("84987650000", "84987650001"):
            await testers.add(session, stage.id, consent.by_phone(stage.vault, number), actor="cli:test")
    shared = await stage.follower(known, by="phone")
    await stage.run("UPDATE tenants SET state = 'trial' WHERE id = :tenant")
    try:
        assert await stage.plan(change, known) == [1, 1]
    finally:
        await stage.run("UPDATE tenants SET state = 'live' WHERE id = :tenant")
    assert sorted(row.reason for row in await stage.notices(change)) == [
        "approved template to the telephone number, with consent",
        "on trial: the citizen is not on the list of testers",
    ]
    assert [(row.citizen_id, row.channel) for row in await stage.notices(known)] == [(shared.id, "cs")]


# --- templates, numbers, money --------------------------------------------------------------------------------------------


async def test_outside_the_window_an_approved_template_is_paid_from_the_months_budget(paying: Stage) -> None:
    changes = [await paying.dossier() for _ in range(5)]
    for change in changes:
        await paying.follower(change, spoke=WEEKS)
    # 1,000 đồng buy three messages of 300.
    assert await paying.plan(*changes[:4]) == [1, 1, 1, 0]
    assert await paying.plan(changes[4]) == [0]
    ((row, message),) = await paying.queued(changes[0])
    assert isinstance(message, UidTemplate)
    assert message.template_data == {
        "ho_ten": "Trịnh Thị Phương Hiền",
        "ma_ho_so": changes[0].code,
        "trang_thai": "Được tiếp nhận",
    }
    assert row.echo_hash == b""
    (unheard,) = await paying.notices(changes[4])
    assert unheard.state == "none"
    assert "100 đồng left" in str(unheard.decision["against"])
    (month,) = await paying.rows("SELECT * FROM notice_budgets WHERE tenant_id = :tenant AND period = '2026-11'")
    assert (month.reserved, month.spent) == (900, 0)


async def test_while_a_kinds_own_template_is_reviewed_the_one_for_every_kind_says_it(paying: Stage) -> None:
    own = msgspec.structs.replace(INFO, template_id="310009")

    async def told(status: str) -> str:
        async with paying.db.tenant(paying.id) as session:
            await take_in(session, paying.id, [INFO, msgspec.structs.replace(own, status=status)], TemplateQuota(1, 1))
            await map_template(session, paying.id, Kind.RECEIVED, "310009", {}, actor="cli:test")
        change = await paying.dossier()
        await paying.follower(change, spoke=WEEKS)
        assert await paying.plan(change) == [1]
        ((_, message),) = await paying.queued(change)
        assert isinstance(message, UidTemplate)
        return message.template_id

    try:
        assert [await told("ENABLE"), await told("PENDING_REVIEW")] == ["310009", "310002"]
    finally:
        await paying.run("DELETE FROM template_uses WHERE tenant_id = :tenant AND template_id = '310009'")


async def test_a_replaced_notice_gives_its_money_back(paying: Stage) -> None:
    change = await paying.dossier()
    await paying.follower(change, spoke=WEEKS)
    for number in range(5):
        await paying.plan(change, now=NOON + timedelta(seconds=number))
        change = then(change, status=5 if change.status == 4 else 4)
    (budget,) = await paying.rows("SELECT * FROM notice_budgets WHERE tenant_id = :tenant AND period = '2026-11'")
    assert budget.reserved == 300
    money = await paying.rows(
        "SELECT t.money FROM notice_tries t JOIN notices n ON n.tenant_id = t.tenant_id AND n.id = t.notice_id "
        "WHERE t.tenant_id = :tenant AND n.dossier_id = :id ORDER BY n.number",
        id=change.dossier_id,
    )
    assert [row.money for row in money] == ["refunded"] * 4 + ["reserved"]


async def test_linked_at_the_counter_is_told_by_number_and_told_once_when_also_known_to_zalo(paying: Stage) -> None:
    await paying.run("UPDATE zbs_templates SET price_uid = NULL WHERE tenant_id = :tenant")
    change = await paying.dossier()
    async with paying.db.tenant(paying.id) as session:
        await follow.link(
            session, paying.vault, paying.id, change.dossier_id, PHONE, actor="cli:test", at=NOON, evidence="slip 12"
        )
    assert await paying.plan(change) == [1]
    ((_, message),) = await paying.queued(change)
    assert isinstance(message, PhoneTemplate)
    assert message.phone == "84987654321"
    assert len(message.tracking_id) == 32
    index = paying.vault.index("84987654321", "phone")
    known = await paying.follower(change)
    await paying.run("UPDATE citizens SET phone_index = :index WHERE id = :id", index=index, id=known.id)
    assert await paying.plan(then(change, status=4), now=NOON + timedelta(hours=1)) == [1]
    assert (await paying.notices(change))[-1].citizen_id == known.id


async def test_one_followers_unreadable_number_keeps_nobody_else_from_hearing(paying: Stage) -> None:
    await paying.run("UPDATE zbs_templates SET price_uid = NULL WHERE tenant_id = :tenant")
    change = await paying.dossier()
    async with paying.db.tenant(paying.id) as session:
        broken = await follow.link(
            session,
            paying.vault,
            paying.id,
            change.dossier_id,
            "0987000111",
            actor="cli:test",
            at=NOON,
            evidence="slip 13",
        )
    await paying.run(
        "UPDATE citizen_phones SET phone_sealed = 'damaged' WHERE tenant_id = :tenant AND citizen_id = :id", id=broken
    )
    await paying.follower(change)
    await paying.plan(change)
    assert {row.citizen_id == broken: row.state for row in await paying.notices(change)} == {
        True: "none",
        False: "planned",
    }
    (month,) = await paying.rows("SELECT * FROM notice_budgets WHERE tenant_id = :tenant AND period = '2026-11'")
    assert month.reserved == 0


async def test_at_night_the_chat_waits_for_the_morning(stage: Stage) -> None:
    change = await stage.dossier()
    await stage.follower(change, now=NIGHT)
    await stage.plan(change, now=NIGHT)
    ((row, _),) = await stage.queued(change)
    six = datetime(2026, 11, 20, 23, 0, tzinfo=UTC)
    assert six <= row.due_at <= six + timedelta(minutes=10)
