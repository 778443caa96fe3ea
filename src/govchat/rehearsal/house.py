"""The whole house in this process, over real HTTP on free loopback ports: the API, both workers, the false Zalo."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

import aiohttp
import msgspec
import uvicorn

from govchat.app import create_app
from govchat.connect.backfill import Hands
from govchat.db.migrate import upgrade_async
from govchat.db.session import Database
from govchat.kit.ending import end
from govchat.local.ports import HOST, free_port
from govchat.onboarding.parts import PARTS
from govchat.rehearsal.cast import world_of
from govchat.settings import Settings
from govchat.simulator import server
from govchat.tenants.apply import apply
from govchat.tenants.manifest import Manifest
from govchat.tenants.registry import Registry
from govchat.worker import Workplace


@dataclass
class House:
    """What the acts have at hand. `zalo` is the false Zalo, whose citizens one can be."""

    settings: Settings
    zalo: server.Running
    http: aiohttp.ClientSession
    registry: Registry
    worker: Workplace
    bulk: Workplace

    @property
    def url(self) -> str:
        """Where the API answers."""
        return self.settings.public_url

    @property
    def hands(self) -> Hands:
        """What the keeper of connections needs."""
        drainer = self.worker.drainer
        return Hands(self.registry, drainer.credentials, drainer.zalo, drainer.buckets, self.worker.bell, at_once=True)


class _Server(uvicorn.Server):
    """uvicorn that leaves signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def open_house(settings: Settings, manifests: Sequence[Manifest]) -> AsyncIterator[House]:
    """Migrate, apply the manifests, open everything; close everything at the end, in the order in which nothing is lost."""
    port = free_port()
    async with AsyncExitStack() as closing:
        url = f"http://{HOST}:{port}"
        zalo = await closing.enter_async_context(await server.start(world_of(manifests, url)))
        settings = msgspec.structs.replace(
            settings, public_url=url, zalo_openapi_url=zalo.url, zalo_oauth_url=zalo.url, zalo_business_url=zalo.url
        )
        await upgrade_async(settings.migration_database_url, _role(settings.database_url))
        db = Database.connect(settings.database_url, part="rehearsal", pool_size=4)
        closing.push_async_callback(db.close)
        registry = Registry(db, settings)
        for manifest in manifests:
            home = settings.tenants_dir / manifest.slug
            await apply(db, registry.vault, settings, manifest, home=home if home.is_dir() else None, parts=PARTS)
        await registry.load()
        await closing.enter_async_context(_api(settings, port))
        worker = await closing.enter_async_context(_work(settings, bulk=False))
        bulk = await closing.enter_async_context(_work(settings, bulk=True))
        http = await closing.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)))
        yield House(settings, zalo, http, registry, worker, bulk)


def _role(url: str) -> str:
    return url.partition("://")[2].partition(":")[0]


@asynccontextmanager
async def _api(settings: Settings, port: int) -> AsyncIterator[None]:
    config = uvicorn.Config(
        create_app(settings),
        host=HOST,
        port=port,
        log_config=None,
        access_log=False,
        lifespan="on",
        timeout_keep_alive=60,  # longer than who calls keeps a connection, so that none is used as it is being closed
    )
    api = _Server(config)
    serving = asyncio.create_task(api.serve())
    try:
        while not api.started:
            if serving.done():
                serving.result()
                raise RuntimeError("the API ended while starting: its log says why")
            await asyncio.sleep(0.01)
        yield
    finally:
        api.should_exit = True
        await serving


@asynccontextmanager
async def _work(settings: Settings, *, bulk: bool) -> AsyncIterator[Workplace]:
    """A worker as `govchat worker` runs it, ended as SIGTERM would; the acts say when a round over all provinces takes place."""
    place = Workplace(settings, bulk=bulk)
    await place.open()
    place.chores.clear()
    tasks = [asyncio.create_task(part) for part in place.parts()]
    try:
        yield place
    finally:
        await end(tasks)
        await place.close()
