"""`Idempotency-Key` on every POST under /v1: carried out once, answered the same, in one transaction with the act."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from tests.access.test_routes import CODE, V1, Call, things
from tests.house import House, open_house

from govchat.access.idempotency import KEPT_FOR, Once
from govchat.access.models import ApiKeyRow, IdempotencyKeyRow
from govchat.dossiers.models import DossierEventRow
from govchat.kit import clock
from govchat.kit.ids import new_id
from govchat.settings import Settings

SLUG = "son-la"
POSTS = [call for call in V1 if call.method == "POST"]
ALWAYS = [call for call in POSTS if not call.elsewhere]
_numbers = itertools.count(1)


def body(**changes: Any) -> dict[str, Any]:
    item = {
        "code": f"H52.07-261103-{next(_numbers):04d}",
        "procedure_code": "1.013225",
        "applicant": {"name": "Lò Thị Kín"},
        "status": 2,
        "handler": {"unit": "Sở Xây dựng"},
        "changed_at": "2026-11-16T08:00:00+07:00",
        **changes,
    }
    return {"items": [item]}


class Client:
    """A one-stop system that sends again."""

    def __init__(self, house: House, key: str) -> None:
        self.house, self.key = house, key

    async def post(
        self, given: Any, idempotency: str | None, *, path: str = "/v1/dossiers/batch", key: str = ""
    ) -> tuple[int, dict[str, str], bytes]:
        headers = {"Authorization": f"Bearer {key or self.key}"}
        if idempotency is not None:
            headers["Idempotency-Key"] = idempotency
        return await self.send({"json": given}, headers, path)

    async def send(
        self, given: dict[str, Any], headers: dict[str, str], path: str
    ) -> tuple[int, dict[str, str], bytes]:
        async with self.house.http.post(self.house.url + path, headers=headers, **given) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, await answer.read()

    async def count(self, table: Any) -> int:
        tenant = self.house.registry.by_slug(SLUG)
        async with self.house.registry.db.tenant(tenant.id) as session:
            return int(await session.scalar(select(func.count()).select_from(table)) or 0)


@pytest.fixture(scope="module")
async def client(settings: Settings) -> AsyncIterator[Client]:
    async with open_house(settings, worker=False) as house:
        await things(house, SLUG)
        await house.put_dossier(SLUG, CODE)
        yield Client(house, await house.key(SLUG))


def unique() -> str:
    return str(new_id())


def test_every_post_under_v1_goes_through_it() -> None:
    assert POSTS
    without = [c.name for c in POSTS if not any(isinstance(one, Once) for one in c.handler.resolve_middleware())]
    assert without == []


@pytest.mark.parametrize("call", ALWAYS, ids=lambda call: call.name)
async def test_every_post_under_v1_is_answered_the_same_when_sent_again(client: Client, call: Call) -> None:
    await things(client.house, SLUG)  # what an earlier call ended is under way again
    headers, given = {"Authorization": f"Bearer {client.key}", "Idempotency-Key": unique()}, call.given()
    first = await client.send(given, headers, call.url())
    again = await client.send(given, headers, call.url())
    assert first[0] < 300, first
    assert (again[0], again[2], again[1]["content-type"]) == (first[0], first[2], first[1]["content-type"])
    assert again[1]["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first[1]


async def test_what_is_sent_again_is_not_carried_out_again(client: Client) -> None:
    given, key = body(), unique()
    await client.post(given, key)
    events = await client.count(DossierEventRow)
    status, headers, told = await client.post(given, key)
    assert (status, headers.get("idempotency-replayed")) == (200, "true")
    assert b'"created"' in told, "not even looked at: a second look would find it unchanged"
    assert await client.count(DossierEventRow) == events
    assert b'"unchanged"' in (await client.post(given, unique()))[2]


async def test_the_same_key_with_another_body_or_address_is_refused(client: Client) -> None:
    key = unique()
    await client.post(body(), key)
    for given, path in ((body(), "/v1/dossiers/batch"), ({"data": []}, "/v1/national/DongBoHoSoMC")):
        status, _, told = await client.post(given, key, path=path)
        assert (status, b'"idempotency_key_reused"' in told) == (422, True), told


async def test_keys_of_two_api_keys_are_two_keys(client: Client) -> None:
    key = unique()
    await client.post(body(), key)
    status, headers, _ = await client.post(body(), key, key=await client.house.key(SLUG))
    assert (status, "idempotency-replayed" in headers) == (200, False)


async def test_while_the_first_runs_the_second_is_told_to_wait(client: Client) -> None:
    given, key = body(), unique()
    await client.post(given, unique())
    tenant = client.house.registry.by_slug(SLUG)
    lock = text("SELECT 1 FROM dossiers WHERE code_key = :key FOR UPDATE")
    async with client.house.registry.db.tenant(tenant.id) as session:
        await session.execute(lock, {"key": given["items"][0]["code"]})
        first = asyncio.create_task(client.post(given, key))
        await waiting(client, "FROM dossiers")
        status, headers, told = await client.post(given, key)
        assert status == 409
        assert (headers["retry-after"], b'"idempotency_in_progress"' in told) == ("1", True)
    assert (await first)[0] == 200
    assert (await client.post(given, key))[1]["idempotency-replayed"] == "true"


async def test_ten_at_once_are_carried_out_once(client: Client) -> None:
    given, key = body(), unique()
    answers = await asyncio.gather(*(client.post(given, key) for _ in range(10)))
    assert {answer[0] for answer in answers} <= {200, 409}
    assert len({answer[2] for answer in answers if answer[0] == 200}) == 1
    assert sum(answer[0] == 200 and "idempotency-replayed" not in answer[1] for answer in answers) == 1


async def test_a_refused_request_is_not_kept_and_may_be_mended(client: Client) -> None:
    key = unique()
    status, _, told = await client.post({"items": []}, key)
    assert (status, b'"items"' in told) == (422, True)
    assert (await client.post(body(), key))[0] == 200


async def test_a_key_is_forgotten_after_a_day(client: Client) -> None:
    given, key = body(), unique()
    await client.post(given, key)
    with clock.shifted(KEPT_FOR + timedelta(minutes=1)):
        kept = await client.count(IdempotencyKeyRow)
        status, headers, told = await client.post(given, key)
        assert (status, "idempotency-replayed" in headers, b'"unchanged"' in told) == (200, False, True)
        assert await client.count(IdempotencyKeyRow) < kept, "those that ran out go with every answer kept"


@pytest.mark.parametrize("key", ["", "   ", "x" * 256, "khóa"], ids=["empty", "blank", "long", "not ASCII"])
async def test_what_is_no_key_is_refused(client: Client, key: str) -> None:
    status, _, told = await client.post(body(), key)
    assert (status, b'"idempotency_key_invalid"' in told) == (400, True), told


async def test_a_stranger_learns_nothing_of_a_key(client: Client) -> None:
    given, key = body(), unique()
    await client.post(given, key)
    assert (await client.post(given, key, key="gvc_live_" + "x" * 40))[0] == 401


async def test_the_answer_is_kept_sealed(client: Client) -> None:
    given, key = body(), unique()
    await client.post(given, key)
    tenant = client.house.registry.by_slug(SLUG)
    async with client.house.registry.db.tenant(tenant.id) as session:
        row = (await session.scalars(select(IdempotencyKeyRow).where(IdempotencyKeyRow.key == key))).one()
    assert given["items"][0]["code"].encode() not in row.answer_sealed + row.fingerprint


async def test_an_act_whose_answer_can_not_be_kept_is_not_kept_either(client: Client) -> None:
    """As when the process dies between the two: they are one transaction."""
    given, key = body(), unique()
    tenant = client.house.registry.by_slug(SLUG)
    events = await client.count(DossierEventRow)
    async with client.house.registry.db.tenant(tenant.id) as session:
        # The answer's row, not yet committed by somebody else: keeping the answer waits for it.
        owner = await session.scalar(
            select(ApiKeyRow.id).where(ApiKeyRow.prefix == client.key[: len("gvc_live_") + 12])
        )
        other = IdempotencyKeyRow(
            tenant_id=tenant.id, key_id=owner, key=key, fingerprint=b"", status=200, content_type="", answer_sealed=b"",
            created_at=clock.now(), expires_at=clock.now(),
        )  # fmt: skip
        session.add(other)
        await session.flush()
        asking = asyncio.create_task(client.post(given, key))
        await waiting(client, "INTO idempotency_keys", "SELECT pg_terminate_backend(pid)")
        assert (await asking)[0] >= 500
    assert await client.count(DossierEventRow) == events
    assert b'"created"' in (await client.post(given, key))[2]


async def waiting(client: Client, statement: str, then: str = "SELECT pid") -> None:
    """Until a statement that reads like this waits for a lock."""
    for _ in range(500):
        found = await client.house.registry.db.rows(
            f"{then} FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            f" AND query LIKE '%{statement}%' AND pid <> pg_backend_pid()"
        )
        if found:
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"no statement with {statement} came to wait")


async def test_blocks_inside_a_whole_are_one_transaction_and_other_tasks_are_not_in_it(client: Client) -> None:
    db, tenant = client.house.registry.db, client.house.registry.by_slug(SLUG)
    number = text("SELECT pg_current_xact_id()::text")

    async def elsewhere() -> str:
        async with db.tenant(tenant.id) as session:
            return str(await session.scalar(number))

    async def half_done() -> None:
        async with db.tenant(tenant.id) as session:
            await session.execute(text("CREATE TEMPORARY TABLE half (x int)"))
            raise ZeroDivisionError

    async with db.whole(tenant.id) as whole:
        own = str(await whole.scalar(number))
        assert await elsewhere() == own
        assert await asyncio.create_task(elsewhere()) != own
        with pytest.raises(ZeroDivisionError):
            await half_done()
        assert await whole.scalar(text("SELECT to_regclass('pg_temp.half')")) is None, "what failed inside is undone"
        assert str(await whole.scalar(number)) == own
