"""Worker, Valkey and PostgreSQL are killed in the middle of it and come back: every accepted event is answered, once."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec
import pytest
from tests.conftest import _clone, _settings
from tests.house import House, open_house
from tests.journeys.stage import PATIENCE_S, environment, eventually, own, said
from tests.sender.stage import hurry
from tests.stack import PASSWORD, Services

import govchat
from govchat import worker
from govchat.local import postgres, valkey
from govchat.local.ports import free_port
from govchat.settings import Settings
from govchat.simulator.faults import Fault

SLUG, CODE = "dong-nai", "H19.12-261103-0700"

# The worker as `govchat worker` runs it, with doubts settled in a second instead of twenty.
WORKER = """
import os
from datetime import timedelta
import uvloop
from govchat import worker
from govchat.sender import sweep
from govchat.settings import Settings

sweep.STALE_AFTER = timedelta(seconds=1.5)
worker.SWEEP_S = 0.2
uvloop.run(worker.run(Settings.from_env(os.environ), bulk=False))
"""


@contextmanager
def worker_process(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process of its own; killed at the end if it still lives."""
    source = str(Path(govchat.__file__).parents[1])
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": source, **environment(settings)},
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def everybody_answered_once(house: House, users: list[str], within: float = PATIENCE_S) -> None:
    """Each citizen has exactly one answer, and none gets a second while doubts are settled."""

    async def unanswered() -> list[str]:
        return [user for user in users if not said(house, SLUG, user)]

    await eventually(unanswered, until=lambda left: not left, within=within, what="everybody being answered")

    async def open_messages() -> int:
        tenant = house.registry.by_slug(SLUG)
        from tests.journeys.stage import rows

        found = await rows(
            house,
            tenant,
            "SELECT count(*) FROM outbox_messages WHERE tenant_id = :tenant AND state IN ('queued', 'sending', 'uncertain')",
        )
        return int(found[0][0])

    await eventually(open_messages, until=lambda count: count == 0, within=within, what="every doubt being settled")
    assert {user: len(said(house, SLUG, user)) for user in users} == dict.fromkeys(users, 1)


async def write(house: House, users: list[str]) -> None:
    """Each citizen asks; what is not accepted at once Zalo sends again."""
    await asyncio.gather(*(house.zalo.say(SLUG, user, CODE) for user in users))


async def test_a_worker_that_is_killed_mid_burst_leaves_nobody_unanswered_and_nobody_answered_twice(
    services: Services, redis_url: str
) -> None:
    async with open_house(await own(services, redis_url), worker=False) as house:
        await house.put_dossier(SLUG, CODE)
        # Sends take a moment, so that some are under way when the end comes; some replies are lost on top.
        house.zalo.world.faults.add(Fault(kind="latency", call="cs", ms=20, jitter_ms=60))
        users = [f"killed-{number}" for number in range(60)]
        with worker_process(house.settings) as first:
            await write(house, users[:30])

            async def answered() -> int:
                return sum(bool(said(house, SLUG, user)) for user in users)

            await eventually(answered, until=lambda count: count >= 8, what="the first answers")
            first.send_signal(signal.SIGKILL)
            first.wait()
        await write(house, users[30:])
        with worker_process(house.settings) as second:
            await eventually(answered, until=lambda count: count >= 35, what="the next worker's answers")
            second.send_signal(signal.SIGKILL)
            second.wait()
        with worker_process(house.settings) as third:
            await everybody_answered_once(house, users)
            third.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(third.wait, 10) == 0
        assert house.zalo.world.stats.repeated == 0


@contextmanager
def own_valkey(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    server = valkey.start_server(port, PASSWORD, folder / "valkey.log")
    try:
        while not valkey.is_ready(port, PASSWORD):
            assert server.poll() is None
            time.sleep(0.01)
        yield server
    finally:
        server.kill()
        server.wait()


async def test_valkey_is_killed_and_comes_back_empty(services: Services, redis_url: str, tmp_path: Path) -> None:
    port = free_port()
    settings = await own(services, redis_url)
    settings = msgspec.structs.replace(settings, redis_url=valkey.server_url(port, PASSWORD))
    with pytest.MonkeyPatch.context() as patch:
        hurry(patch, stale_s=5)
        with own_valkey(tmp_path, port) as server:
            async with open_house(settings) as house:
                await house.put_dossier(SLUG, CODE)
                before = [f"before-{number}" for number in range(15)]
                await write(house, before)
                server.kill()
                server.wait()
                during = [f"during-{number}" for number in range(15)]
                await write(house, during)
                await everybody_answered_once(house, before + during)
                with own_valkey(tmp_path, port):
                    # From here on only the bell can be what wakes the worker.
                    patch.setattr(worker, "SWEEP_S", 3600)
                    assert house.worker is not None
                    await eventually(house.worker.bell.reachable, what="Valkey being back")
                    await asyncio.sleep(0.3)

                    async def heard() -> bool:
                        user = f"after-{secrets.token_hex(4)}"
                        await house.zalo.say(SLUG, user, CODE)
                        try:
                            return bool(await house.zalo.answers(SLUG, user, timeout=1.5))
                        except TimeoutError:
                            return False

                    await eventually(heard, what="the bell being heard again")
                    await house.stop_worker()


@asynccontextmanager
async def own_postgres(folder: Path) -> AsyncIterator[tuple[Services, "Postgres"]]:
    cluster = folder / "postgres"
    identity = postgres.identity_for(cluster)
    await asyncio.to_thread(postgres.create_cluster, cluster, PASSWORD, identity, folder / "postgres.log")
    server = Postgres(cluster, folder)
    await server.start()
    try:
        yield Services(postgres.server_url(postgres.SUPERUSER, PASSWORD, server.port, "postgres"), ""), server
    finally:
        server.kill()


class Postgres:
    """A server of this test's own, that survives being killed as a production server does."""

    def __init__(self, cluster: Path, folder: Path) -> None:
        self.cluster, self.log, self.port = cluster, folder / "postgres.log", free_port()
        self.identity = postgres.identity_for(cluster)

    async def start(self) -> None:
        self.server = await asyncio.to_thread(postgres.start_server, self.cluster, self.port, self.identity, self.log)

        async def ready() -> bool:
            assert self.server.poll() is None, self.log.read_text()[-2000:]
            return postgres.is_ready(self.cluster, self.server.pid)

        await eventually(ready, what="PostgreSQL")

    def kill(self) -> None:
        """As the kernel would when memory runs out."""
        self.server.kill()
        self.server.wait()


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that the user PostgreSQL runs as can enter."""
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="govchat-own-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


async def test_postgresql_is_killed_and_recovers(services: Services, redis_url: str, public_folder: Path) -> None:
    async with own_postgres(public_folder) as (its, server):
        shared = await own(services, redis_url)
        settings = _settings(its, shared.redis_url, await _clone(its))
        with pytest.MonkeyPatch.context() as patch:
            hurry(patch, stale_s=2)
            async with open_house(settings) as house:
                house.zalo.world.options.ladder_scale = 0.3
                house.zalo.world.faults.add(Fault(kind="latency", call="cs", ms=10, jitter_ms=40))
                await house.put_dossier(SLUG, CODE)
                before = [f"before-{number}" for number in range(20)]
                await write(house, before)

                async def answered() -> int:
                    return sum(bool(said(house, SLUG, user)) for user in before)

                await eventually(answered, until=lambda count: count >= 3, what="the first answers")
                server.kill()
                during = [f"during-{number}" for number in range(10)]
                await write(house, during)
                await server.start()
                await house.zalo.courier.settled()
                after = [f"after-{number}" for number in range(5)]
                await write(house, after)
                await everybody_answered_once(house, before + during + after)
                assert house.zalo.world.stats.webhooks["lost"] == 0
