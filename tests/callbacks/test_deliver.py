"""Deliveries over real HTTP: signed, repeated, given up, held and replayed; one address never in another's way."""

import asyncio
import contextlib
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update
from tests.callbacks.stage import verify

from govchat.audit.models import AuditEntryRow
from govchat.callbacks import claim, deliver, endpoints, retry
from govchat.callbacks.deliver import Deliverer
from govchat.callbacks.models import CallbackDeliveryRow, CallbackEndpointRow
from govchat.callbacks.tidy import KEPT, tidy
from govchat.incidents.models import IncidentRow
from govchat.kit import clock
from govchat.kit.clock import shifted

LONG = timedelta(minutes=10)


async def test_a_message_arrives_signed_and_says_what_happened(stage, receivers):
    receiver = await receivers()
    made = await stage.add("lam-dong", receiver.url)
    assert await stage.put("lam-dong", "notice.delivered", {"code": "H36.01-261103-0007", "status": 9}) == 1
    assert await stage.deliverer.run_once() == 1
    ((headers, body),) = receiver.got
    assert verify(made.secret, headers, body)
    assert not verify(made.secret, headers, body + b" ")
    assert not verify(made.secret, headers | {"webhook-id": "other"}, body)
    assert headers["content-type"] == "application/json"
    assert abs(int(headers["webhook-timestamp"]) - clock.now().timestamp()) < 60
    (told,) = receiver.bodies
    assert told["type"] == "notice.delivered"
    assert told["data"] == {"code": "H36.01-261103-0007", "status": 9}
    assert datetime.fromisoformat(told["timestamp"]).tzinfo is not None
    (row,) = await stage.rows("lam-dong", made.id)
    assert (row.state, row.last_status, headers["webhook-id"]) == ("delivered", 204, str(row.message_id))
    assert b"H36.01" not in row.body_sealed
    assert await stage.deliverer.run_once() == 0


async def test_an_address_hears_the_kinds_it_asked_for_and_its_own_province_alone(stage, receivers):
    some, every, other = [await receivers() for _ in range(3)]
    await stage.add("lam-dong", some.url, kinds=["petition.answered"])
    await stage.add("lam-dong", every.url)
    await stage.add("hue", other.url)
    assert await stage.put("lam-dong", "notice.delivered") == 1
    assert await stage.put("lam-dong", "petition.answered") == 2
    assert await stage.put("dong-nai") == 0
    await stage.deliverer.run_once()
    assert [told["type"] for told in some.bodies] == ["petition.answered"]
    assert sorted(told["type"] for told in every.bodies) == ["notice.delivered", "petition.answered"]
    assert other.got == []


async def test_nothing_is_put_when_its_cause_is_rolled_back(stage, receivers):
    made = await stage.add("lam-dong", (await receivers()).url)
    tenant_id = stage.tenant("lam-dong")
    vault = await stage.registry.tenant_vault(tenant_id)
    with contextlib.suppress(RuntimeError):
        async with stage.registry.db.tenant(tenant_id) as session:
            await deliver_put(session, vault, tenant_id)
            raise RuntimeError("the cause failed")
    assert await stage.rows("lam-dong", made.id) == []


async def deliver_put(session, vault, tenant_id):
    from govchat.callbacks.put import put

    assert await put(session, vault, tenant_id, "notice.delivered", {}) == 1


async def test_a_refused_message_is_tried_on_the_schedule_under_one_id_and_then_given_up(stage, receivers):
    receiver = await receivers()
    receiver.statuses = [500] * 30
    made = await stage.add("lam-dong", receiver.url)
    await stage.put("lam-dong")
    assert await stage.deliverer.run_once() == 1
    passed = timedelta()
    for wait in retry.WAITS:
        with shifted(passed + wait * (1 - retry.JITTER) - timedelta(seconds=1)):
            assert await stage.deliverer.run_once() == 0, "too soon"
        passed += wait * (1 + retry.JITTER) + timedelta(seconds=1)
        with shifted(passed):
            assert await stage.deliverer.run_once() == 1, f"due after {passed}"
    (row,) = await stage.rows("lam-dong", made.id)
    assert (row.state, row.attempts, row.last_error) == ("failed", retry.MOST_ATTEMPTS, "answered 500")
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    stamps = [int(headers["webhook-timestamp"]) for headers, _ in receiver.got]
    assert stamps == sorted(set(stamps)), "each attempt is signed with its own time"
    assert all(verify(made.secret, *one) for one in receiver.got)


async def test_an_address_that_takes_nothing_for_days_is_disabled_with_an_incident_and_enabling_lets_go(
    stage, receivers
):
    receiver = await receivers()
    receiver.statuses = [503, 503]
    made = await stage.add("lam-dong", receiver.url)
    await stage.put("lam-dong")
    await stage.deliverer.run_once()
    with shifted(retry.DISABLE_AFTER + timedelta(hours=1)):
        await stage.deliverer.run_once()
        assert await stage.put("lam-dong") == 1, "kept while disabled"
        assert {row.state for row in await stage.rows("lam-dong", made.id)} == {"held"}
        assert await stage.deliverer.run_once() == 0
        assert await open_incidents(stage, made.id) == 1
        (entry,) = await audited(stage, made.id, "callback.disabled")
        assert entry.actor == "system:callbacks"
        with pytest.raises(endpoints.CallbackDisabled):
            await stage.act("lam-dong", endpoints.replay, made.id, clock.now(), delivered_too=False, actor="cli:test")
        assert await stage.act("lam-dong", endpoints.set_state, made.id, "enabled", "cli:test")
        assert await open_incidents(stage, made.id) == 0
        assert await stage.deliverer.run_once() == 2
    assert {row.state for row in await stage.rows("lam-dong", made.id)} == {"delivered"}


async def open_incidents(stage, endpoint_id) -> int:
    async with stage.registry.db.tenant(stage.tenant("lam-dong")) as session:
        found = await session.scalars(
            select(IncidentRow).where(
                IncidentRow.subject == claim.subject_of(endpoint_id), IncidentRow.healed_at.is_(None)
            )
        )
        return len(found.all())


async def audited(stage, endpoint_id, act) -> list[AuditEntryRow]:
    async with stage.registry.db.tenant(stage.tenant("lam-dong")) as session:
        found = await session.scalars(
            select(AuditEntryRow).where(
                AuditEntryRow.subject == claim.subject_of(endpoint_id), AuditEntryRow.act == act
            )
        )
        return list(found)


async def test_410_ends_it_at_once(stage, receivers):
    receiver = await receivers()
    receiver.statuses = [410]
    made = await stage.add("lam-dong", receiver.url)
    await stage.put("lam-dong")
    await stage.deliverer.run_once()
    assert [row.state for row in await stage.rows("lam-dong", made.id)] == ["held"]
    assert await open_incidents(stage, made.id) == 1


async def test_a_success_ends_the_row_of_failures(stage, receivers):
    receiver = await receivers()
    receiver.statuses = [500]
    made = await stage.add("lam-dong", receiver.url)
    await stage.put("lam-dong")
    await stage.deliverer.run_once()
    with shifted(LONG):
        await stage.deliverer.run_once()
    async with stage.registry.db.tenant(stage.tenant("lam-dong")) as session:
        row = await endpoints.get(session, stage.tenant("lam-dong"), made.id)
        assert (row.failures, row.failing_since, row.rest_until) == (0, None, None)


async def test_retry_after_is_kept_to_and_an_absurd_one_is_not(stage, receivers):
    receiver = await receivers()
    receiver.statuses, receiver.headers = [429, 429], {"Retry-After": "120"}
    made = await stage.add("lam-dong", receiver.url)
    await stage.put("lam-dong")
    await stage.deliverer.run_once()
    (row,) = await stage.rows("lam-dong", made.id)
    assert timedelta(seconds=110) < row.due_at - clock.now() <= timedelta(seconds=120)
    receiver.headers = {"Retry-After": "9999999"}
    with shifted(timedelta(seconds=130)):
        await stage.deliverer.run_once()
        (row,) = await stage.rows("lam-dong", made.id)
        assert row.due_at - clock.now() <= retry.LONGEST_ASKED


async def test_a_hanging_address_of_one_province_delays_nobody(stage, receivers):
    hanging, quick, beside = [await receivers() for _ in range(3)]
    hanging.gate = asyncio.Event()
    await stage.add("lam-dong", hanging.url, timeout_s=30)
    await stage.add("lam-dong", beside.url)
    await stage.add("hue", quick.url)
    for _ in range(12):
        await stage.put("lam-dong")
    running = asyncio.create_task(stage.deliverer.run_for_ever())
    try:
        await hanging.wait(claim.SLOTS)
        for _ in range(8):
            await stage.put("hue")
        await quick.wait(8)
        await beside.wait(12)
        assert hanging.most_at_once == claim.SLOTS
        hanging.gate.set()
        await hanging.wait(12)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_no_connection_to_the_database_is_held_while_a_receiver_thinks(stage, receivers):
    hanging = await receivers()
    hanging.gate = asyncio.Event()
    await stage.add("lam-dong", hanging.url)
    await stage.put("lam-dong")
    sending = asyncio.create_task(stage.deliverer.run_once())
    await hanging.wait(1)
    assert stage.registry.db.engine.pool.checkedout() == 0
    hanging.gate.set()
    assert await sending == 1


async def test_an_address_that_does_not_answer_in_time_is_left(stage, receivers):
    hanging = await receivers()
    hanging.gate = asyncio.Event()
    made = await stage.add("lam-dong", hanging.url, timeout_s=1)
    await stage.put("lam-dong")
    await stage.deliverer.run_once()
    (row,) = await stage.rows("lam-dong", made.id)
    assert (row.state, row.last_error) == ("queued", "no answer within 1 s")


async def test_a_failing_address_gets_one_call_at_a_time_and_rests(stage, receivers):
    receiver = await receivers()
    receiver.statuses = [500] * 30
    await stage.add("lam-dong", receiver.url)
    for _ in range(10):
        await stage.put("lam-dong")
    assert await stage.deliverer.run_once() == claim.SLOTS
    assert await stage.deliverer.run_once() == 0, "it rests"
    with shifted(LONG):
        assert await stage.deliverer.run_once() == 1


async def test_what_a_killed_process_was_sending_is_sent_again(stage, receivers):
    receiver = await receivers()
    made = await stage.add("lam-dong", receiver.url)
    await stage.put("lam-dong")
    tenant_id = stage.tenant("lam-dong")
    assert await claim.claim(stage.registry.db, tenant_id, made.id, stage.deliverer.worker)
    assert await stage.deliverer.run_once() == 0
    with shifted(claim.STALE + timedelta(seconds=1)):
        assert await stage.deliverer.run_once() == 1
    assert [row.state for row in await stage.rows("lam-dong", made.id)] == ["delivered"]


async def test_two_processes_never_send_one_message_twice(stage, receivers):
    receiver = await receivers()
    await stage.add("lam-dong", receiver.url)
    for _ in range(20):
        await stage.put("lam-dong")
    second = Deliverer(stage.registry)
    await asyncio.gather(stage.deliverer.run_once(), second.run_once())
    await second.close()
    ids = [headers["webhook-id"] for headers, _ in receiver.got]
    assert (len(ids), len(set(ids))) == (20, 20)


async def test_replay_sends_what_was_given_up_and_on_demand_the_rest_too(stage, receivers):
    receiver = await receivers()
    made = await stage.add("lam-dong", receiver.url)
    await stage.put("lam-dong", body={"n": 1})
    await stage.deliverer.run_once()
    await stage.put("lam-dong", body={"n": 2})
    tenant_id = stage.tenant("lam-dong")
    async with stage.registry.db.tenant(tenant_id) as session:
        await session.execute(
            update(CallbackDeliveryRow).where(CallbackDeliveryRow.state == "queued").values(state="failed")
        )
    since = clock.now() - timedelta(hours=1)
    assert await stage.act("lam-dong", endpoints.replay, made.id, since, delivered_too=False, actor="cli:test") == 1
    await stage.deliverer.run_once()
    assert await stage.act("lam-dong", endpoints.replay, made.id, since, delivered_too=True, actor="cli:test") == 2
    await stage.deliverer.run_once()
    assert sorted(told["data"]["n"] for told in receiver.bodies) == [1, 1, 2, 2]
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 2
    later = clock.now() + timedelta(hours=1)
    assert await stage.act("lam-dong", endpoints.replay, made.id, later, delivered_too=True, actor="cli:test") == 0


async def test_after_a_rotation_both_secrets_sign_for_a_day(stage, receivers):
    receiver = await receivers()
    old = await stage.add("lam-dong", receiver.url)
    tenant_id = stage.tenant("lam-dong")
    vault = await stage.registry.tenant_vault(tenant_id)
    async with stage.registry.db.tenant(tenant_id) as session:
        new = await endpoints.rotate(session, vault, tenant_id, old.id, "cli:test")
    await stage.put("lam-dong")
    await stage.deliverer.run_once()
    assert [verify(secret, *receiver.got[0]) for secret in (old.secret, new.secret)] == [True, True]
    with shifted(endpoints.OVERLAP + timedelta(minutes=1)):
        await stage.put("lam-dong")
        await stage.deliverer.run_once()
    assert [verify(secret, *receiver.got[1]) for secret in (old.secret, new.secret)] == [False, True]


async def test_secrets_stand_nowhere_readable(stage, receivers):
    made = await stage.add("lam-dong", (await receivers()).url)
    async with stage.registry.db.tenant(stage.tenant("lam-dong")) as session:
        row = (await session.execute(select(CallbackEndpointRow.__table__))).one()
        entries = (await session.scalars(select(AuditEntryRow))).all()
    stored = repr(tuple(row)) + "".join(repr((entry.before, entry.after)) for entry in entries)
    assert made.secret not in stored
    assert made.secret.removeprefix("whsec_") not in stored


async def test_old_deliveries_are_forgotten_and_those_on_their_way_are_not(stage, receivers):
    made = await stage.add("lam-dong", (await receivers()).url)
    await stage.put("lam-dong")
    await stage.deliverer.run_once()
    await stage.put("lam-dong")
    assert await tidy(stage.registry) == 0
    with shifted(KEPT + timedelta(hours=1)):
        assert await tidy(stage.registry) == 1
    assert [row.state for row in await stage.rows("lam-dong", made.id)] == ["queued"]


def test_the_answers_time_to_wait_is_read_only_when_it_is_a_number():
    assert deliver._judged(503, "soon").asked is None
    assert deliver._judged(503, "30").asked == timedelta(seconds=30)
    assert deliver._judged(503, "9" * 30).asked is None


async def test_what_is_due_is_told_with_whom_it_is_due_to_and_no_others(stage, receivers):
    """The look that every process takes each second: who has an address at all, and where something waits."""
    receiver = await receivers()
    waits, still = await stage.add("lam-dong", receiver.url), await stage.add("hue", receiver.url)
    await stage.put("lam-dong")
    which = [stage.tenant(slug) for slug in ("lam-dong", "hue", "dong-nai")]
    rows = await stage.registry.db.rows("SELECT * FROM callbacks_due($1, $2)", which, clock.now())
    assert {(row["tenant"], row["endpoint"], row["due"]) for row in rows} == {
        (which[0], waits.id, True),
        (which[1], still.id, False),
    }
