"""PostgreSQL away: Zalo is told so in time, nothing is answered 200 that is not durable, and the door opens again by itself."""

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest
from tests.house import House, open_house
from tests.journeys.stage import Wire, eventually, own, post, rows, text_event, wire_to
from tests.stack import Services

ZALO_WAITS_S = 2.0


@pytest.fixture
async def wired(services: Services, redis_url: str) -> AsyncIterator[tuple[House, Wire, str]]:
    """A house that reaches its database over a wire, and the superuser's way around it."""
    settings = await own(services, redis_url)
    name = urlsplit(settings.database_url).path[1:]
    async with wire_to(settings.database_url) as (wire, url):
        wired_settings = msgspec.structs.replace(settings, database_url=url)
        async with open_house(wired_settings, worker=False) as house:
            yield house, wire, urlsplit(services.postgres_url)._replace(path=f"/{name}").geturl()
            wire.drop()


async def within_zalos_patience(house: House, slug: str, user: str, body: bytes | None = None) -> tuple[int, str]:
    """One knock that must be answered before Zalo hangs up."""
    tenant = house.registry.by_slug(slug)
    async with asyncio.timeout(
        5 * ZALO_WAITS_S
    ):  # five times as long: a busy test machine, but no door that waits for ever
        return await post(house, tenant, body or text_event(tenant, user, "xin chào"))


async def back(house: House, slug: str, user: str) -> None:
    async def knock() -> int:
        return (await post(house, house.registry.by_slug(slug), text_event(house.registry.by_slug(slug), user, "x")))[0]

    await eventually(knock, until=lambda status: status == 200, what="the door opening again")


@pytest.mark.parametrize("how", ["cut", "silent"])
async def test_a_database_that_is_away_is_503_in_time_and_200_once_it_is_back(
    wired: tuple[House, Wire, str], how: str
) -> None:
    house, wire, direct_url = wired
    # One province has been heard since the start, another has not: its key is not in memory yet.
    known, fresh = ("an-giang", "ca-mau") if how == "cut" else ("an-giang", "lang-son")
    tenant = house.registry.by_slug(known)
    assert (await post(house, tenant, text_event(tenant, f"before-{how}", "x")))[0] == 200
    if how == "cut":
        await wire.cut()
    else:
        wire.silence()
    shared = house.registry.by_slug("dien-bien")
    nameless = json.dumps({"event_name": "app_changed", "timestamp": "1795000000000"}).encode()
    answers = await asyncio.gather(
        *(within_zalos_patience(house, known, f"during-{how}") for _ in range(5)),
        within_zalos_patience(house, fresh, f"during-{how}"),
        within_zalos_patience(house, shared.slug, "", nameless),
    )
    for status, answer in answers:
        assert status == 503, answer
        assert json.loads(answer)["code"] in ("not_durable", "registry_unreadable")
    # The probe says so too, and in time.
    async with asyncio.timeout(5 * ZALO_WAITS_S), house.http.get(f"{house.url}/healthz/ready") as probed:
        assert probed.status == 503
    # What needs no database is answered as ever.
    assert (await within_zalos_patience(house, known, "", b"{}"))[0] == 200
    assert (await within_zalos_patience(house, known, "", b"[]"))[0] == 400
    strayed = text_event(tenant, "x", "x", recipient={"id": "1234567890123456789"})
    assert (await within_zalos_patience(house, known, "", strayed))[0] in (403, 503)
    assert (await post(house, tenant, b"{}", key="nobody"))[0] in (404, 503)
    await wire.mend()
    for slug in (known, fresh):
        await back(house, slug, f"after-{how}")
    async with asyncio.timeout(60):  # nothing was lost, nothing that was refused is there
        direct = await asyncpg.connect(direct_url)
        try:
            kept = {row["user_id"] for row in await direct.fetch("SELECT user_id FROM inbox_events")}
        finally:
            await direct.close()
    assert {f"before-{how}", f"after-{how}"} <= kept


async def test_a_database_that_turns_everybody_out_is_503_and_then_200(services: Services, redis_url: str) -> None:
    settings = await own(services, redis_url, number=1)
    name = urlsplit(settings.database_url).path[1:]
    async with open_house(settings, worker=False) as house:
        tenant = house.registry.by_slug("an-giang")
        assert (await post(house, tenant, text_event(tenant, "before", "x")))[0] == 200
        admin = await asyncpg.connect(services.postgres_url)
        try:
            await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
            body = text_event(tenant, "during", "x")
            assert (await within_zalos_patience(house, "an-giang", "", body))[0] == 503
            await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            # Zalo sends the same event again: it becomes the one row.
            again = await eventually(lambda: post(house, tenant, body), until=lambda found: found[0] == 200)
            assert again == (200, "{}")
        finally:
            await admin.close()
        found = await rows(house, tenant, "SELECT user_id FROM inbox_events WHERE tenant_id = :tenant ORDER BY seq")
        assert [row.user_id for row in found] == ["before", "during"]
