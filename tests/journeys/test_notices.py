"""From a one-stop system's push to a follower's phone, over real HTTP: told once, within moments, whatever breaks on the way."""

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis
from tests.house import House, open_house
from tests.journeys.stage import PATIENCE_S, eventually, own, rows, said
from tests.journeys.test_killed import worker_process
from tests.sender.stage import hurry
from tests.stack import Services

from govchat import worker
from govchat.access import keys
from govchat.callbacks.models import CallbackEndpointRow
from govchat.citizens.know import know
from govchat.dossiers import codes, watch
from govchat.dossiers.lookup import Seen, look_up
from govchat.kit import clock
from govchat.kit.ids import new_id
from govchat.notices import follow, rounds
from govchat.obs import metrics
from govchat.procedures.book import Book
from govchat.simulator.faults import Fault

SLUG = "dong-nai"
# No quiet hours: the tests run at any time of the day.
AWAKE = """UPDATE tenants SET manifest = jsonb_set(manifest, '{quiet_hours}', '{"from": "00:00", "to": "00:00"}') WHERE id = :tenant"""
NOTICES = """
    SELECT n.id, n.state, n.reason, c.zalo_user_id AS user_id, m.state AS message, m.settled_by
    FROM notices n JOIN dossiers d ON d.tenant_id = n.tenant_id AND d.id = n.dossier_id
    JOIN citizens c ON c.tenant_id = n.tenant_id AND c.id = n.citizen_id
    LEFT JOIN outbox_messages m ON m.tenant_id = n.tenant_id AND m.id = n.message_id
    WHERE n.tenant_id = :tenant AND d.code = :code ORDER BY n.number, n.planned_at
"""
LATER = "2026-11-17T09:00:00+07:00"


@pytest.fixture(scope="module")
async def town(services: Services, redis_url: str) -> AsyncIterator[House]:
    """A house in which doubts are settled soon and nothing sleeps."""
    with pytest.MonkeyPatch.context() as patch:
        hurry(patch)
        async with open_house(await own(services, redis_url)) as house:
            await rows(house, house.registry.by_slug(SLUG), AWAKE)
            yield house


@pytest.fixture
async def deaf(town: House) -> AsyncIterator[House]:
    """Nobody sweeps: only the bell can be what wakes the worker."""
    with pytest.MonkeyPatch.context() as patch:
        await town.stop_worker()
        patch.setattr(worker, "SWEEP_S", 3600)
        await town.start_worker()
        await asyncio.sleep(0.2)  # the sweep of its start
        yield town
        await town.stop_worker()
    await town.start_worker()


async def follows(house: House, code: str, *users: str) -> None:
    """They spoke just now, proved the dossier by its secret, and follow it."""
    tenant = house.registry.by_slug(SLUG)
    vault, now = await house.registry.tenant_vault(tenant.id), clock.now()
    catalogue = Book(house.registry.db, house.registry).of(tenant.id)
    async with house.registry.db.tenant(tenant.id) as session:
        for user in users:
            person = house.zalo.world.person(tenant.oa_id, user)
            person.follows, person.last_interaction = True, now.timestamp()
            citizen = await know(session, tenant.id, user, by_app=None, interacted_at=now)
            key = codes.parse(code).key
            assert isinstance(await look_up(session, vault, tenant.id, citizen, key, "K7PX", now, catalogue), Seen)
            assert await follow.subscribe(session, tenant.id, citizen.id, at=now, evidence="event:1", key=key)


async def told(house: House, code: str, users: list[str], within: float = PATIENCE_S) -> None:
    """Each has heard exactly once, and nothing is in doubt any more."""

    async def unheard() -> list[str]:
        return [user for user in users if not any(code in text for text in said(house, SLUG, user))]

    await eventually(unheard, until=lambda left: not left, within=within, what="everybody being told")

    async def open_messages() -> list[Any]:
        found = await rows(house, house.registry.by_slug(SLUG), NOTICES, code=code)
        return [one for one in found if one.state == "planned" and one.message != "sent"]

    await eventually(open_messages, until=lambda left: not left, within=within, what="every doubt being settled")
    heard = {user: sum(code in text for text in said(house, SLUG, user)) for user in users}
    assert heard == dict.fromkeys(users, 1)


def item(code: str, **changes: Any) -> dict[str, Any]:
    return {
        "code": code, "procedure_code": "1.013225", "applicant": {"name": "Trịnh Thị Phương Hiền"}, "status": 4,
        "handler": {"unit": "Sở Xây dựng", "officer": "Trần Văn An"}, "changed_at": LATER, "lookup_secret": "K7PX",
        **changes,
    }  # fmt: skip


async def test_a_change_reaches_its_follower_once_because_the_bell_rings(deaf: House) -> None:
    town = deaf
    code = "H19.12-261117-0001"
    await town.put_dossier(SLUG, code, status=2)
    await follows(town, code, "hien", "an")
    pushed = await town.put_dossier(SLUG, code, status=9, changed_at=LATER)
    assert (pushed["outcome"], pushed["notices"]) == ("updated", 2)
    await told(town, code, ["hien", "an"])
    again = await town.put_dossier(SLUG, code, status=9, changed_at=LATER)
    assert (again["outcome"], again["notices"]) == ("unchanged", 0)
    (text,) = [text for text in said(town, SLUG, "hien") if code in text]
    assert "Sở Xây dựng" in text
    assert "Trần Văn An" in text
    (first, _) = await rows(town, town.registry.by_slug(SLUG), NOTICES, code=code)
    headers = {"Authorization": f"Bearer {await town.key(SLUG, 'messages:read')}"}
    async with town.http.get(f"{town.url}/v1/messages/{first.id}", headers=headers) as answer:
        story = await answer.json()
    assert story["messages"][0]["accepted_after_s"] < 10


async def test_a_batch_with_a_bad_item_and_an_idempotency_key_tells_of_the_good_ones_once(deaf: House) -> None:
    town = deaf
    good, other = "H19.12-261117-0002", "H19.12-261117-0003"
    for code in (good, other):
        await town.put_dossier(SLUG, code, status=2)
    await follows(town, good, "binh")
    await follows(town, other, "cuong")
    sent = [item(good), item("H19.12-261117-0009", status=11), item(other, status=5, status_note="Bổ sung bản vẽ"), 7]
    key = {"Idempotency-Key": "one-push"}
    tenant_key = await town.key(SLUG)
    answers = []
    for _ in range(2):
        async with town.http.post(
            f"{town.url}/v1/dossiers/batch",
            json={"items": sent},
            headers={"Authorization": f"Bearer {tenant_key}", **key},
        ) as answer:
            answers.append((answer.status, await answer.json(), answer.headers.get("Idempotency-Replayed")))
    (status, body, _), (_, replayed, marked) = answers
    assert (status, marked, replayed) == (200, "true", body)
    assert [(one["outcome"], one["notices"]) for one in body["results"]] == [
        ("updated", 1), ("refused", 0), ("updated", 1), ("refused", 0),
    ]  # fmt: skip
    assert body["results"][1]["problem"]["errors"][0]["field"] == "status"
    await told(town, good, ["binh"])
    await told(town, other, ["cuong"])


async def test_what_a_test_key_causes_is_decided_and_never_said(town: House) -> None:
    code = "H19.12-261117-0004"
    await town.put_dossier(SLUG, code, status=2)
    await follows(town, code, "dung")
    tenant = town.registry.by_slug(SLUG)
    async with town.registry.db.tenant(tenant.id) as session:
        key = await keys.create(
            session, tenant_id=tenant.id, slug=SLUG, tag=tenant.key_tag, scopes=("dossiers:write",), test=True
        )
    async with town.http.post(
        f"{town.url}/v1/dossiers/batch",
        json={"items": [item(code)]},
        headers={"Authorization": f"Bearer {key.key}"},
    ) as answer:
        assert [one["notices"] for one in (await answer.json())["results"]] == [1]
    (decided,) = await rows(town, tenant, NOTICES, code=code)
    assert (decided.state, decided.message) == ("test", None)
    assert said(town, SLUG, "dung") == []


async def test_whatever_zalo_answers_nobody_is_told_twice_and_nothing_is_lost(town: House) -> None:
    code, tenant = "H19.12-261117-0005", town.registry.by_slug(SLUG)
    await town.put_dossier(SLUG, code, status=2)
    faults = {
        "over-the-limit": Fault(kind="error", code=-32, call="cs", count=1),
        "window-closed": Fault(kind="error", code=-230, call="cs", count=1),
        "unreachable": Fault(kind="error", code=-213, call="cs", count=1),
        "server-error": Fault(kind="http", status=500, call="cs", count=1),
        "says-nothing": Fault(kind="hang", seconds=0.3, call="cs", count=1),
        "answer-lost": Fault(kind="reply_lost", call="cs", count=1),
    }
    for user, fault in faults.items():
        fault.user = user
        town.zalo.world.faults.add(fault)
    await follows(town, code, *faults, "plain")
    async with town.registry.db.tenant(tenant.id) as session:
        # Disabled: what it would hear is held, and nobody is called.
        session.add(
            CallbackEndpointRow(
                tenant_id=tenant.id, id=new_id(), url="https://motcua.example/", kinds=[], description="", timeout_s=5,
                secret_sealed=b"", state="disabled",
            )
        )  # fmt: skip
    before = {name: metrics.SENDS.labels(SLUG, "notice", name)._value.get() for name in ("wait", "permanent", "sent")}
    assert (await town.put_dossier(SLUG, code, status=9, changed_at=LATER))["notices"] == 7
    lost = {"window-closed", "unreachable"}
    await told(town, code, [user for user in (*faults, "plain") if user not in lost])
    found = {one.user_id: one for one in await rows(town, tenant, NOTICES, code=code)}
    assert {user for user, one in found.items() if one.state == "none"} == lost
    assert {found[user].message for user in lost} == {"failed"}
    after = {name: metrics.SENDS.labels(SLUG, "notice", name)._value.get() for name in before}
    assert after["permanent"] - before["permanent"] == 2
    assert after["wait"] - before["wait"] == 4, "-32, 500, silence and the lost answer"
    assert after["sent"] - before["sent"] >= 4

    async def heard() -> dict[str, int]:
        kinds = await rows(
            town, tenant, "SELECT kind, count(*) AS n FROM callback_deliveries WHERE tenant_id = :tenant GROUP BY kind"
        )
        return {row.kind: row.n for row in kinds if row.kind.startswith("notice.")}

    told_of = {"notice.refused": 2, "notice.unreached": 2, "notice.delivered": 5}
    assert await eventually(heard, until=lambda seen: seen == told_of, what="what the one-stop system hears") == told_of

    await rounds.all_tenants(town.registry)
    share = metrics.PROMISE_ACCEPTED.labels(SLUG)._value.get()
    assert share >= 7


async def test_an_overdue_dossier_is_told_once(town: House) -> None:
    code, tenant = "H19.12-261117-0006", town.registry.by_slug(SLUG)
    await town.put_dossier(SLUG, code, status=4, due_at="2026-11-16T17:00:00+07:00")
    await follows(town, code, "em")
    book = Book(town.registry.db, town.registry)
    with clock.shifted(timedelta(days=30)):
        assert tenant.id in await watch.note_all(town.registry, book)
        assert await watch.note_all(town.registry, book) == []
    assert town.worker is not None
    (noted,) = await rows(town, tenant, NOTICES, code=code)
    assert noted.state == "none", "a month later nobody is within Zalo's window"


async def test_a_killed_worker_leaves_nobody_untold_and_nobody_told_twice(services: Services, redis_url: str) -> None:
    async with open_house(await own(services, redis_url), worker=False) as house:
        code = "H19.12-261117-0007"
        await rows(house, house.registry.by_slug(SLUG), AWAKE)
        await house.put_dossier(SLUG, code, status=2)
        users = [f"killed-{number}" for number in range(24)]
        await follows(house, code, *users)
        house.zalo.world.faults.add(Fault(kind="latency", call="cs", ms=20, jitter_ms=60))
        house.zalo.world.faults.add(Fault(kind="reply_lost", call="cs", count=2))

        async def heard() -> int:
            return sum(bool(said(house, SLUG, user)) for user in users)

        with worker_process(house.settings) as first:
            assert (await house.put_dossier(SLUG, code, status=9, changed_at=LATER))["notices"] == len(users)
            await eventually(heard, until=lambda count: count >= 5, what="the first notices")
            first.send_signal(signal.SIGKILL)
            first.wait()
        async with Redis.from_url(house.settings.redis_url) as redis:
            await redis.flushdb()
        with worker_process(house.settings):
            await told(house, code, users)
