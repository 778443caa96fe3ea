"""The probes tell the truth: about this process, the database, Redis and the workers."""

import asyncio
import time
from collections.abc import AsyncIterator

import asyncpg
import msgspec
import pytest
import redis.asyncio
from prometheus_client.parser import text_string_to_metric_families
from tests.db.clones import clone
from tests.house import House, free_port, open_house
from tests.stack import Services

from govchat.obs import beat
from govchat.settings import Settings

pytestmark = pytest.mark.usefixtures("no_parts_left")


@pytest.fixture
async def no_parts_left(redis_url: str) -> AsyncIterator[None]:
    """Other tests' workers are not heard of in these."""
    client = redis.asyncio.Redis.from_url(redis_url)
    await client.delete(beat.PARTS)
    yield
    await client.delete(beat.PARTS)
    await client.aclose()


@pytest.fixture(scope="module")
async def api(services: Services, settings: Settings) -> AsyncIterator[House]:
    own = await clone(services, settings)
    async with open_house(own.settings, worker=False) as house:
        yield house


async def _probe(house: House, path: str) -> tuple[int, dict[str, object]]:
    async with house.http.get(house.url + path) as answer:
        return answer.status, await answer.json()


async def _checks(house: House) -> tuple[int, str, dict[str, bool]]:
    status, told = await _probe(house, "/healthz/ready")
    checks = told["checks"]
    assert isinstance(checks, list)
    return status, str(told["status"]), {check["name"]: check["ok"] for check in checks}


async def _heard(redis_url: str, *parts: str, ago: float = 0) -> None:
    client = redis.asyncio.Redis.from_url(redis_url)
    await client.zadd(beat.PARTS, {part: time.time() - ago for part in parts})
    await client.aclose()


async def test_live_says_that_the_process_runs(api: House) -> None:
    status, told = await _probe(api, "/healthz/live")
    assert (status, told["status"], told["part"]) == (200, "ok", "api")


async def test_ready_is_ok_when_all_are_there(api: House, redis_url: str) -> None:
    await _heard(redis_url, "worker-1", "worker-bulk-1")
    assert await _checks(api) == (
        200,
        "ok",
        {"database": True, "redis": True, "worker": True, "worker-bulk": True},
    )


async def test_a_worker_that_never_came_or_died_degrades_but_takes_no_traffic_away(api: House, redis_url: str) -> None:
    assert (await _checks(api))[:2] == (200, "degraded")
    await _heard(redis_url, "worker-1", ago=60)
    await _heard(redis_url, "worker-bulk-1")
    status, told, checks = await _checks(api)
    assert (status, told) == (200, "degraded")
    assert checks == {"database": True, "redis": True, "worker": False, "worker-bulk": True}


async def test_one_living_worker_of_a_kind_is_enough(api: House, redis_url: str) -> None:
    await _heard(redis_url, "worker-1", ago=60)
    await _heard(redis_url, "worker-2", "worker-bulk-1")
    assert (await _checks(api))[1] == "ok"


async def test_ready_fails_without_the_database_and_live_does_not(services: Services, settings: Settings) -> None:
    """The database goes away under a running process, and comes back."""
    own = await clone(services, settings)
    name = own.app_url.rpartition("/")[2]
    admin = await asyncpg.connect(services.postgres_url)
    try:
        async with open_house(own.settings, worker=False) as house:
            key = await house.key("dong-nai")
            await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
            for _ in range(3):
                status, told, checks = await _checks(house)
                assert (status, told, checks["database"]) == (503, "unavailable", False)
            assert (await _probe(house, "/healthz/live"))[0] == 200
            headers = {"Authorization": f"Bearer {key}"}
            async with house.http.get(f"{house.url}/v1/dossiers/H19.12-261103-0001", headers=headers) as answer:
                assert (answer.status, (await answer.json(content_type=None))["code"]) == (503, "unavailable")
                assert answer.headers["Retry-After"]
            assert 'govchat_database_up{part="api"} 0.0' in await _metrics(house)
            await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            async with asyncio.timeout(60):
                while (await _checks(house))[0] != 200:
                    continue
            async with house.http.get(f"{house.url}/v1/dossiers/H19.12-261103-0001", headers=headers) as answer:
                assert answer.status == 404
    finally:
        await admin.close()


async def test_ready_is_degraded_without_redis(services: Services, settings: Settings) -> None:
    own = await clone(services, settings)
    alone = msgspec.structs.replace(own.settings, redis_url=f"redis://127.0.0.1:{free_port()}/0")
    async with open_house(alone, worker=False) as house:
        status, told, checks = await _checks(house)
        assert (status, told) == (200, "degraded")
        assert checks == {"database": True, "redis": False}
        assert 'govchat_redis_up{part="api"} 0.0' in await _metrics(house)


async def _metrics(house: House) -> str:
    async with house.http.get(house.url + "/metrics") as answer:
        assert answer.status == 200
        assert answer.content_type == "text/plain"
        return await answer.text()


async def test_metrics_are_read_by_prometheus_and_name_no_citizen(api: House) -> None:
    text = await _metrics(api)
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["govchat_database_up"].samples[0].value == 1
    assert families["govchat_redis_up"].samples[0].value == 1
    assert all(family.documentation for family in families.values())
    labels = {label for family in families.values() for sample in family.samples for label in sample.labels}
    assert not labels & {"citizen", "user", "user_id", "phone", "name"}
