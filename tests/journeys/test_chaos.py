"""`make chaos` in small: a campaign in bad weather, judged by Zalo's own book: nobody forgotten, nobody told twice, no limit passed.

Workers are killed with messages in flight, PostgreSQL hangs up on everybody, Valkey dies and comes back empty.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import pytest
from benchmarks.chaos import announce
from sqlalchemy import make_url
from tests.house import House, open_house
from tests.journeys.stage import environment, eventually, own, rows, wire_to
from tests.journeys.test_killed import own_valkey
from tests.stack import PASSWORD, Services

import govchat
from govchat.local import valkey
from govchat.local.ports import free_port
from govchat.settings import Settings
from govchat.simulator.faults import Fault

SLUGS, EACH = ("an-giang", "bac-ninh"), 120

# `govchat worker --bulk`, with doubts settled in three seconds instead of twenty.
BULK = """
import os
from datetime import timedelta
import uvloop
from govchat import worker
from govchat.sender import drain, say, sweep
from govchat.settings import Settings

sweep.STALE_AFTER = timedelta(seconds=3)
drain.NOT_BEGUN_S = 1.5
say.REST_S = 0.5
worker.SWEEP_S = 0.2
uvloop.run(worker.run(Settings.from_env(os.environ), bulk=True))
"""
WEATHER = (
    Fault(kind="latency", call="cs", ms=10, jitter_ms=60),
    Fault(kind="error", code=-32, call="cs", count=1),
    Fault(kind="http", status=429, call="cs", count=1, oa="bac-ninh"),
    Fault(kind="http", status=500, call="cs", probability=0.02),
    Fault(kind="reset", call="cs", probability=0.02),
    Fault(kind="reply_lost", call="cs", probability=0.03),
    Fault(kind="hang", call="cs", seconds=0.6, probability=0.01),
)


@contextmanager
def bulk_worker(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own; killed at the end if it still lives."""
    source = str(Path(govchat.__file__).parents[1])
    process = subprocess.Popen(
        [sys.executable, "-c", BULK],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": source, **environment(settings)},
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def book(house: House) -> "Counter[str]":
    """How often Zalo told each citizen."""
    heard: Counter[str] = Counter()
    for slug in SLUGS:
        oa_id = house.registry.by_slug(slug).oa_id
        heard.update(message.user_id for message in house.zalo.world.messages(oa_id) if message.outgoing)
    return heard


async def state_of(house: House, slug: str, query: str, **values: object) -> list[object]:
    return [tuple(row) for row in await rows(house, house.registry.by_slug(slug), query, **values)]


OPEN = (
    "SELECT state, count(*) FROM outbox_messages WHERE tenant_id = :tenant "
    "AND (state IN ('queued', 'sending') OR (state = 'uncertain' AND settled_by IS NULL)) GROUP BY state"
)
FLYING = "SELECT count(*) FROM outbox_messages WHERE tenant_id = :tenant AND state = 'sending'"


async def everything_settled(house: House, campaigns: dict[str, UUID]) -> None:
    """Until both campaigns are done and nothing is open."""

    async def left() -> list[object]:
        found: list[object] = []
        for slug, campaign in campaigns.items():
            found += await state_of(house, slug, OPEN)
            found += await state_of(
                house, slug, "SELECT state FROM campaigns WHERE id = :id AND state <> 'done'", id=campaign
            )
        return found

    await eventually(left, until=lambda open_: not open_, within=60, what="everything being settled")


async def in_flight(house: House) -> int:
    counted = [(await state_of(house, slug, FLYING))[0] for slug in SLUGS]
    return sum(int(one[0]) for one in counted)  # type: ignore[index]


async def told(house: House, count: int) -> None:
    async def reached() -> int:
        return len(book(house))

    await eventually(reached, until=lambda seen: seen >= count, within=40, what=f"{count} being told")


async def hang_up(services: Services, settings: Settings) -> None:
    """PostgreSQL ends every connection to this database, as when it restarts."""
    admin = await asyncpg.connect(services.postgres_url)
    try:
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1",
            make_url(settings.database_url).database,
        )
    finally:
        await admin.close()


@dataclass
class Storm:
    """What happens to the machines while the campaigns run."""

    house: House
    services: Services
    campaigns: dict[str, UUID]
    folder: Path
    port: int

    async def rage(self, valkey_server: subprocess.Popen[bytes]) -> int:
        """Until everything is settled; answers how many messages were in flight when the worker was killed."""
        with bulk_worker(self.house.settings) as survivor, bulk_worker(self.house.settings) as doomed:
            await told(self.house, 30)
            doomed.send_signal(signal.SIGKILL)
            doomed.wait()
            flying = await in_flight(self.house)
            await hang_up(self.services, self.house.settings)
            await told(self.house, 90)
            valkey_server.kill()
            valkey_server.wait()
            await asyncio.sleep(0.2)
            with own_valkey(self.folder, self.port):
                await everything_settled(self.house, self.campaigns)
            assert survivor.poll() is None, "the worker that nobody killed still lives"
        return flying


async def test_a_campaign_in_bad_weather_is_told_to_everybody_once(
    services: Services, redis_url: str, tmp_path: Path
) -> None:
    port = free_port()
    settings = msgspec.structs.replace(await own(services, redis_url), redis_url=valkey.server_url(port, PASSWORD))
    with own_valkey(tmp_path, port) as server:
        async with open_house(settings, worker=False) as house:
            world = house.zalo.world
            world.options.echo = world.options.receipts = False
            for slug in SLUGS:
                world.seed(house.registry.by_slug(slug).oa_id, EACH, "xin chào")
            for fault in WEATHER:
                world.faults.add(msgspec.structs.replace(fault))
            campaigns = await announce(house.settings, SLUGS, EACH)
            flying = await Storm(house, services, campaigns, tmp_path, port).rage(server)
            heard = book(house)
            assert {user: count for user, count in heard.items() if count > 1} == {}, "told twice"
            uncertain = 0
            for slug in SLUGS:
                found = await state_of(
                    house, slug,
                    "SELECT c.zalo_user_id, m.state FROM outbox_messages m JOIN citizens c "
                    "ON c.tenant_id = m.tenant_id AND c.id = m.citizen_id WHERE m.tenant_id = :tenant AND m.body_ref IS NOT NULL",
                )  # fmt: skip
                assert len(found) == EACH
                assert {row for row in found if row[1] not in ("sent", "uncertain")} == set()  # type: ignore[index]
                assert {row for row in found if row[1] == "sent" and not heard[row[0]]} == set(), "lost"  # type: ignore[index]
                uncertain += sum(row[1] == "uncertain" for row in found)  # type: ignore[index]
            assert uncertain <= flying
            meters = [*world.oa_meters.values(), *world.app_meters.values()]
            assert sum(meter.over for meter in meters) == 0, "over the limit, by Zalo's own count"


@pytest.mark.parametrize("lost", ["Redis", "PostgreSQL"])
async def test_a_worker_that_is_cut_off_leaves_its_work_to_others(
    services: Services, redis_url: str, lost: str
) -> None:
    """From one moment on no packet comes back; `python -m benchmarks.chaos cut` measures how long the others need."""
    slug, each = SLUGS[0], 40
    settings = await own(services, redis_url)
    async with (
        open_house(settings, worker=False) as house,
        wire_to(settings.redis_url) as (redis, redis_wire),
        wire_to(settings.database_url) as (database, database_wire),
    ):
        world, oa_id = house.zalo.world, house.registry.by_slug(slug).oa_id
        world.options.echo = world.options.receipts = False
        world.seed(oa_id, each, "xin chào")
        world.faults.add(Fault(kind="latency", call="cs", ms=150, jitter_ms=100))
        campaigns = await announce(house.settings, (slug,), each)
        behind = msgspec.structs.replace(house.settings, redis_url=redis_wire, database_url=database_wire)
        with bulk_worker(behind):
            await told(house, 5)
            (redis if lost == "Redis" else database).silence()
            with bulk_worker(house.settings):
                await everything_settled(house, campaigns)
        assert {count for _, count in book(house).items()} == {1}
        assert len(book(house)) == each
