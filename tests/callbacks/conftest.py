"""A one-stop system that listens on loopback, and a deliverer that may reach it."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
from aiohttp import web
from sqlalchemy import delete
from tests.callbacks.stage import LOOPBACK, Receiver, Stage
from tests.db.clones import clone
from tests.stack import Services

from govchat.callbacks.deliver import Deliverer
from govchat.callbacks.models import CallbackEndpointRow
from govchat.db.session import Database
from govchat.settings import Settings
from govchat.tenants.registry import Registry


@pytest.fixture(scope="module")
async def own(services: Services, settings: Settings) -> Settings:
    """A database of this module's own: a look at what is due looks at all provinces."""
    return msgspec.structs.replace((await clone(services, settings)).settings, callback_allow=LOOPBACK)


@pytest.fixture(scope="module")
async def registry(own: Settings) -> AsyncIterator[Registry]:
    db = Database.connect(own.database_url, part="test", pool_size=6)
    made = Registry(db, own)
    await made.load()
    yield made
    await db.close()


@pytest.fixture
async def stage(registry: Registry) -> AsyncIterator[Stage]:
    deliverer = Deliverer(registry)
    yield Stage(registry, deliverer)
    await deliverer.close()
    for slug in ("lam-dong", "hue", "dong-nai"):
        tenant_id = registry.by_slug(slug).id
        async with registry.db.tenant(tenant_id) as session:
            await session.execute(delete(CallbackEndpointRow).where(CallbackEndpointRow.tenant_id == tenant_id))


@pytest.fixture
async def receivers() -> AsyncIterator[Callable[..., Any]]:
    """`await receivers()` makes one more, on 127.0.0.1 unless told otherwise."""
    runners: list[web.AppRunner] = []
    made: list[Receiver] = []

    async def make(host: str = "127.0.0.1") -> Receiver:
        receiver = Receiver()
        app = web.Application()
        app.router.add_post("/hear", receiver.take)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, host, 0).start()
        receiver.url = f"http://{host}:{runner.addresses[0][1]}/hear"
        runners.append(runner)
        made.append(receiver)
        return receiver

    yield make
    for receiver in made:
        if receiver.gate is not None:
            receiver.gate.set()
    for runner in runners:
        await runner.cleanup()
