"""After it was planned: refused and tried elsewhere, received and seen, added up, explained."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from tests.notices.stage import NOON, PHONE, Stage, then
from tests.notices.test_plan import INFO, WEEKS

from govchat.citizens import consent
from govchat.inbox.receipts import NOTE
from govchat.kit import clock
from govchat.kit.clock import VN
from govchat.notices import arrange, budget, promise
from govchat.notices.explain import MessageUnknown, explain
from govchat.notices.receipts import HEARD, ReceiptRow, note_receipts, rows_of
from govchat.notices.refusal import after_refusal
from govchat.notices.templates import map_template, note_event, take_in, templates_of
from govchat.tenants.registry import Registry
from govchat.zalo import errors as e
from govchat.zalo import events
from govchat.zalo.errors import Kind
from govchat.zalo.messages import CsMessage
from govchat.zalo.templates import PhoneTemplate, TemplateQuota, UidTemplate


@pytest.fixture
async def stage(registry: Registry) -> Stage:
    """A province with every channel open and money for all."""
    stage = await Stage.open(registry, "hue")
    async with stage.db.tenant(stage.id) as session:
        await take_in(session, stage.id, [INFO], TemplateQuota(1000, 1000))
        await map_template(session, stage.id, None, "310002", {}, actor="cli:test")
        await arrange.settle(session, stage.id, monthly_budget=1_000_000, actor="cli:test")
    await stage.run("UPDATE notice_settings SET unpaid_until = NULL WHERE tenant_id = :tenant")
    await stage.run("DELETE FROM notice_budgets WHERE tenant_id = :tenant")
    return stage


def daytime() -> datetime:
    """Noon in Vietnam today: the fallback looks at the clock."""
    return clock.now().astimezone(VN).replace(hour=12, minute=0, second=0, microsecond=0)


@pytest.fixture(autouse=True)
def _at_noon() -> object:
    with clock.shifted(daytime() - clock.now()):
        yield


async def planned(stage: Stage, *, with_phone: bool = True) -> tuple[object, object, object]:
    """A notice in the chat to somebody who can also be reached by template: change, row, citizen."""
    change = await stage.dossier()
    citizen = await stage.follower(change, now=clock.now())
    if with_phone:
        async with stage.db.tenant(stage.id) as session:
            await consent.keep_phone(
                session, stage.vault, stage.id, citizen.id, "84987654321", how="form", at=NOON, evidence="event:1"
            )
    assert await stage.plan(change, now=clock.now()) == [1]
    ((row, message),) = await stage.queued(change)
    assert isinstance(message, CsMessage)
    return change, row, citizen


async def refuse(stage: Stage, message_id: object, error: e.ZaloError) -> bool:
    async with stage.db.tenant(stage.id) as session:
        more = await after_refusal(session, stage.vault, stage.id, message_id, error)  # type: ignore[arg-type]
    if more or error.kind in (Kind.permanent, Kind.data):
        await stage.ended(message_id, "failed")  # type: ignore[arg-type]
    return more


async def test_refused_in_the_chat_then_by_user_id_it_goes_by_number_and_then_the_office_sees_it(stage: Stage) -> None:
    change, row, _ = await planned(stage)
    assert await refuse(stage, row.id, e.WindowClosed(code=-230))
    ((row, message),) = await stage.queued(change)
    assert isinstance(message, UidTemplate)
    assert await refuse(stage, row.id, e.RecipientUnreachable(code=-213))
    ((row, message),) = await stage.queued(change)
    assert isinstance(message, PhoneTemplate)
    assert not await refuse(stage, row.id, e.RecipientUnreachable(code=-118))
    assert await stage.queued(change) == []
    (notice,) = await stage.notices(change)
    assert (notice.state, notice.channel) == ("none", None)
    money = await stage.rows(
        "SELECT channel, number, cost, money FROM notice_tries WHERE tenant_id = :tenant AND notice_id = :id ORDER BY number",
        id=notice.id,
    )
    assert [tuple(one) for one in money] == [
        ("cs", 1, 0, "none"), ("uid", 2, 300, "refunded"), ("phone", 3, 800, "refunded"),
    ]  # fmt: skip
    (left,) = await stage.rows("SELECT sum(reserved) AS reserved FROM notice_budgets WHERE tenant_id = :tenant")
    assert left.reserved == 0


async def test_a_refusal_by_the_person_is_remembered_until_they_speak_again(stage: Stage) -> None:
    change, row, citizen = await planned(stage, with_phone=False)
    assert await refuse(stage, row.id, e.RecipientRefused(code=-244))
    second = then(change, status=4)
    later = clock.now() + timedelta(minutes=5)
    await stage.plan(second, now=later)
    assert (await stage.notices(change))[-1].channel == "uid"
    await stage.citizen(spoke=timedelta(), user=citizen.zalo_user_id, now=later)
    await stage.plan(then(second, status=9), now=later + timedelta(minutes=5))
    assert (await stage.notices(change))[-1].channel == "cs"


async def test_a_refused_template_is_used_no_more(stage: Stage) -> None:
    change = await stage.dossier()
    await stage.follower(change, spoke=WEEKS)
    await stage.plan(change, now=clock.now())
    ((row, _),) = await stage.queued(change)
    assert not await refuse(stage, row.id, e.TemplateRefused(code=-249, kind=Kind.data))
    other = await stage.dossier()
    await stage.follower(other, spoke=WEEKS)
    assert await stage.plan(other, now=clock.now()) == [0]
    assert "no variant by user id" in str((await stage.notices(other))[0].decision["against"])


async def test_without_money_on_the_account_paid_channels_rest(stage: Stage) -> None:
    change = await stage.dossier()
    await stage.follower(change, spoke=WEEKS)
    await stage.plan(change, now=clock.now())
    ((row, _),) = await stage.queued(change)
    assert not await refuse(stage, row.id, e.PaymentNeeded(code=-321, kind=Kind.human))
    assert len(await stage.queued(change)) == 1, "it waits for somebody to pay"
    other = await stage.dossier()
    await stage.follower(other, spoke=WEEKS)
    assert await stage.plan(other, now=clock.now()) == [0]
    assert await stage.plan(then(other, status=4), now=clock.now() + timedelta(hours=2)) == [1]


async def test_what_is_not_a_refusal_or_not_a_notice_is_left_to_the_sender(stage: Stage) -> None:
    _, row, _ = await planned(stage)
    assert not await refuse(stage, row.id, e.RateLimited(code=-32))
    assert not await refuse(stage, row.id, e.OutcomeUnknown())
    assert not await refuse(stage, uuid4(), e.RateLimited(code=-32))
    async with stage.db.tenant(stage.id) as session:
        assert not await after_refusal(session, stage.vault, stage.id, uuid4(), e.RecipientRefused(code=-244))


async def test_reservations_become_spent_or_return(stage: Stage) -> None:
    rows = []
    for _ in range(2):
        change = await stage.dossier()
        await stage.follower(change, spoke=WEEKS)
        await stage.plan(change, now=clock.now())
        rows += [row for row, _ in await stage.queued(change)]
    await stage.ended(rows[0].id)
    await stage.ended(rows[1].id, "failed")
    async with stage.db.tenant(stage.id) as session:
        await budget.balance(session, stage.id, clock.now())
        told = await arrange.settings_of(session, stage.id)
    assert (told.reserved, told.spent) == (0, 300)


async def test_zalos_events_about_templates_count_at_once(stage: Stage) -> None:
    def event(name: str, field: str, **change: str) -> events.Event:
        body = {
            "event_name": name, "oa_id": stage.tenant.oa_id, "app_id": stage.tenant.app.app_id, "template_id": "310002",
            field: change, "timestamp": str(int(clock.now().timestamp() * 1000)),
        }  # fmt: skip
        import msgspec

        return events.decode(msgspec.json.encode(body))

    async def noted(one: events.Event) -> bool:
        async with stage.db.tenant(stage.id) as session:
            return await note_event(session, stage.id, one)

    async def reaches() -> int:
        change = await stage.dossier()
        await stage.follower(change, spoke=WEEKS)
        return (await stage.plan(change, now=clock.now()))[0]

    assert await reaches() == 1
    assert await noted(event("change_template_status", "status", prev_status="ENABLE", new_status="DISABLE"))
    assert await reaches() == 0
    assert await noted(event("change_template_status", "status", prev_status="DISABLE", new_status="ENABLE"))
    assert await reaches() == 1
    assert await noted(event("change_template_quality", "quality", prev_value="HIGH", new_value="LOW"))
    assert await noted(event("change_template_quota", "quota", prev_value="500", new_value="0"))
    assert await noted(event("change_oa_daily_quota", "quota", prev_value="500", new_value="2000"))
    async with stage.db.tenant(stage.id) as session:
        (shown,) = await templates_of(session, stage.id)
        assert (shown.status, shown.quality, shown.quota, shown.kinds) == ("ENABLE", "LOW", 0, ["any"])
        assert (await arrange.settings_of(session, stage.id)).daily_quota == 2000


async def test_receipts_find_their_notice_and_settle_what_was_unknown(stage: Stage) -> None:
    _, row, _ = await planned(stage)
    await stage.ended(row.id)
    at = clock.now()
    milliseconds = int((at + timedelta(seconds=9)).timestamp() * 1000)
    seen = events.decode(
        b'{"event_name":"user_seen_message","sender":{"id":"1"},"recipient":{"id":"2"},"timestamp":"%d","message":{"msg_ids":["z%s"]}}'
        % (milliseconds, row.id.hex.encode())
    )
    assert seen.event_name in HEARD
    receipts = [
        *rows_of(seen),
        ReceiptRow(f"z{row.id.hex}", False, at + timedelta(seconds=2)),
        ReceiptRow("unknown", False, at),
    ]
    async with stage.db.tenant(stage.id) as session:
        assert await note_receipts(session, stage.vault, stage.id, receipts) == 1
        assert (
            await note_receipts(
                session, stage.vault, stage.id, [ReceiptRow(f"z{row.id.hex}", True, at + timedelta(hours=1))]
            )
            == 1
        )
        (told,) = (await explain(session, stage.id, row.id)).messages
    assert (told.delivered_at, told.seen_at) == (at + timedelta(seconds=2), seen.occurred_at)

    await stage.run("UPDATE zbs_templates SET price_uid = NULL WHERE tenant_id = :tenant")
    change = await stage.dossier()
    citizen = await stage.follower(change, spoke=WEEKS)
    async with stage.db.tenant(stage.id) as session:
        await consent.keep_phone(session, stage.vault, stage.id, citizen.id, "84987654322", how="form", at=NOON)
    await stage.plan(change, now=clock.now())
    ((lost, message),) = await stage.queued(change)
    assert isinstance(message, PhoneTemplate)
    await stage.run("UPDATE outbox_messages SET state = 'uncertain' WHERE tenant_id = :tenant AND id = :id", id=lost.id)
    async with stage.db.tenant(stage.id) as session:
        assert (
            await note_receipts(session, stage.vault, stage.id, [ReceiptRow("zalo-1", False, at, message.tracking_id)])
            == 1
        )
        (told,) = (await explain(session, stage.id, lost.id)).messages
    assert (told.state, told.settled_by, told.zalo_message_id) == ("sent", "receipt", "zalo-1")


async def test_receipts_are_noted_in_bulk_unless_a_system_hears_of_deliveries(registry: Registry) -> None:
    stage = await Stage.open(registry, "lao-cai")
    change = await stage.dossier()
    await stage.follower(change, now=clock.now())
    assert await stage.plan(change, now=clock.now()) == [1]
    ((row, _),) = await stage.queued(change)
    await stage.ended(row.id)
    at = clock.now()
    zalo_id = f"z{row.id.hex}"

    async def heard(seen: bool, seconds: int) -> list[int]:
        return list(
            await stage.db.call(NOTE, [stage.id], [zalo_id], [None], [seen], [at + timedelta(seconds=seconds)]) or ()
        )

    assert await heard(True, 9) == []
    assert await heard(False, 2) == []
    async with stage.db.tenant(stage.id) as session:
        (told,) = (await explain(session, stage.id, row.id)).messages
    assert (told.delivered_at, told.seen_at) == (at + timedelta(seconds=2), at + timedelta(seconds=9))
    await stage.run(
        "INSERT INTO callback_endpoints (tenant_id, id, url, kinds, description, timeout_s, secret_sealed) "
        "VALUES (:tenant, gen_random_uuid(), 'https://motcua.example/zalo', '{}', '', 10, 'x')"
    )
    assert await heard(False, 1) == [1], "left to the transaction that tells the system"
    async with stage.db.tenant(stage.id) as session:
        (told,) = (await explain(session, stage.id, row.id)).messages
    assert told.delivered_at == at + timedelta(seconds=2)


async def test_the_promise_is_added_up_per_day_without_what_was_held(registry: Registry) -> None:
    stage = await Stage.open(registry, "lai-chau")
    noon = clock.now()
    for seconds in (1, 9, 30, 90):
        change = await stage.dossier()
        await stage.follower(change, now=noon)
        await stage.plan(change, now=noon)
        ((row, _),) = await stage.queued(change)
        await stage.ended(row.id, at=noon + timedelta(seconds=seconds))
    held = then(change, status=4)
    await stage.plan(held, now=noon + timedelta(seconds=5))
    async with stage.db.tenant(stage.id) as session:
        assert await promise.add_up(session, stage.id, noon + timedelta(minutes=2))
        assert not await promise.add_up(session, stage.id, noon + timedelta(minutes=2, seconds=30))
        (day,) = await promise.days_of(session, stage.id)
    assert (day.day, day.accepted, day.handed, day.within_10, day.within_60, day.held) == (
        noon.astimezone(VN).date(),
        4,
        4,
        2,
        3,
        1,
    )
    assert (day.share_10, day.share_60, day.kept) == (0.5, 0.75, False)


async def test_the_story_of_what_zalo_accepted_tells_the_wait_and_the_call(stage: Stage) -> None:
    _, row, _ = await planned(stage)
    claimed = (
        "UPDATE outbox_messages SET claimed_at = due_at + interval '3 seconds' WHERE tenant_id = :tenant AND id = :id"
    )
    await stage.run(claimed, id=row.id)
    await stage.ended(row.id)
    async with stage.db.tenant(stage.id) as session:
        (said,) = (await explain(session, stage.id, row.id)).messages
    assert said.waited_s == pytest.approx(3, abs=0.5)
    assert [(one.number, one.outcome, one.zalo_code) for one in said.attempts] == [(1, "sent", 0)]


async def test_a_story_tells_decision_attempts_and_answers_and_no_personal_data(stage: Stage) -> None:
    change, row, citizen = await planned(stage)
    await stage.run(
        "INSERT INTO outbox_attempts (tenant_id, message_id, number, started_at, finished_at, outcome, zalo_code, kind, detail) "
        "VALUES (:tenant, :id, 1, now(), now(), 'refused', -230, 'permanent', 'window_closed: user 0987654321 token=abcdefgh12345')",
        id=row.id,
    )
    assert await refuse(stage, row.id, e.WindowClosed(code=-230))
    async with stage.db.tenant(stage.id) as session:
        story = await explain(session, stage.id, row.id)
        (notice,) = await stage.notices(change)
        assert (await explain(session, stage.id, notice.id)).messages == story.messages
    assert story.decision is not None
    assert (story.decision.dossier_code, story.decision.channel, story.decision.consent) == (
        change.code,
        "uid",
        "granted",
    )
    assert [one.channel for one in story.messages] == ["cs", "uid"]
    assert story.messages[0].attempts[0].zalo_code == -230
    assert ["cs", "Zalo refused: zalo_error"] in [[one.channel, one.why] for one in story.decision.against]
    told = str(story)
    for secret in (PHONE, "abcdefgh12345", "Hiền", citizen.zalo_user_id):
        assert secret not in told
    async with stage.db.tenant(stage.id) as session:
        with pytest.raises(MessageUnknown):
            await explain(session, stage.id, uuid4())


@pytest.mark.parametrize(("code", "whose"), [(-144, ""), (-147, "310002")])
async def test_once_zalo_calls_a_day_spent_the_next_notice_waits_for_the_morning(
    stage: Stage, code: int, whose: str
) -> None:
    await stage.run("DELETE FROM template_days WHERE tenant_id = :tenant")
    await stage.run("UPDATE zbs_templates SET price_uid = NULL WHERE tenant_id = :tenant")
    change = await stage.dossier()
    await by_number(stage, change)
    assert await stage.plan(change, now=clock.now()) == [1]
    ((row, message),) = await stage.queued(change)
    assert isinstance(message, PhoneTemplate)
    spent = e.QuotaSpent("spent", code=code)
    assert not await refuse(stage, row.id, spent)
    days = await stage.rows("SELECT template_id, spent FROM template_days WHERE tenant_id = :tenant")
    assert [tuple(day) for day in days] == [(whose, True)]
    other = await stage.dossier()
    await by_number(stage, other)
    assert await stage.plan(other, now=clock.now()) == [1]
    ((later, _),) = await stage.queued(other)
    assert later.due_at.astimezone(VN).date() == clock.now().astimezone(VN).date() + timedelta(days=1)
    assert later.due_at.astimezone(VN).hour == 6
    await stage.run("DELETE FROM template_days WHERE tenant_id = :tenant")


async def by_number(stage: Stage, change: object) -> None:
    """Somebody who last wrote weeks ago and can be reached by telephone number alone."""
    citizen = await stage.follower(change, spoke=WEEKS, now=clock.now())  # type: ignore[arg-type]
    async with stage.db.tenant(stage.id) as session:
        await consent.keep_phone(
            session, stage.vault, stage.id, citizen.id, "84987654321", how="form", at=NOON, evidence="event:1"
        )
