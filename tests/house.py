"""The whole house in one process, over real HTTP: the API under uvicorn, a worker, the simulator as Zalo."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import msgspec
import uvicorn

from govchat.access import keys
from govchat.app import create_app
from govchat.cli.false_zalo import build_world
from govchat.conversation.desk import Desk
from govchat.db.session import Database
from govchat.kit.ending import end
from govchat.procedures.book import Book
from govchat.settings import Settings
from govchat.simulator.server import Running, start
from govchat.tenants.registry import Registry
from govchat.worker import Workplace


@dataclass
class House:
    """What a journey needs at hand. `zalo` is the simulator: `await house.zalo.say(…)`, `await house.zalo.answers(…)`."""

    settings: Settings
    url: str
    zalo: Running
    http: aiohttp.ClientSession
    registry: Registry
    desk: Desk
    worker: Workplace | None = None
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    async def start_worker(self) -> Workplace:
        """A worker in this process: hears the bell and sweeps; the tests say when a round over all provinces takes place."""
        self.worker = Workplace(self.settings, bulk=False)
        await self.worker.open()
        self.worker.chores.clear()  # one of its own rounds would do what a test is about to do, or do it by a made-up clock
        self._tasks = [asyncio.create_task(part) for part in self.worker.parts()]
        return self.worker

    async def stop_worker(self) -> None:
        """End it as SIGTERM would."""
        await end(self._tasks)
        if self.worker is not None:
            await self.worker.close()
        self.worker, self._tasks = None, []

    async def key(self, slug: str, *scopes: str) -> str:
        """A fresh API key of a tenant."""
        tenant = self.registry.by_slug(slug)
        async with self.registry.db.tenant(tenant.id) as session:
            made = await keys.create(
                session, tenant_id=tenant.id, slug=slug, tag=tenant.key_tag, scopes=scopes or keys.SCOPES
            )
        return made.key

    async def put_dossier(self, slug: str, code: str, **changes: object) -> dict[str, object]:
        """Push a dossier as the one-stop system would; answers the API's answer."""
        body = {
            "procedure_code": "1.013225",
            "applicant": {"name": "Trịnh Thị Phương Hiền", "phone": "0912345678", "id_number": "060190000123"},
            "lookup_secret": "K7PX",
            "received_at": "2026-11-03T09:12:00+07:00",
            "due_at": "2026-12-01T17:00:00+07:00",
            "status": 4,
            "status_note": "Đang thẩm định tại hiện trường",
            "handler": {"unit": "Sở Xây dựng", "officer": "Trần Văn An"},
            "changed_at": "2026-11-16T08:00:00+07:00",
            **changes,
        }
        headers = {"Authorization": f"Bearer {await self.key(slug)}"}
        async with self.http.put(f"{self.url}/v1/dossiers/{code}", json=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            told: dict[str, object] = await answer.json()
            return told


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the test owns the process."""

    def install_signal_handlers(self) -> None:
        """Nothing."""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def open_house(settings: Settings, *, worker: bool = True) -> AsyncIterator[House]:
    """Open everything on free ports, close everything at the end."""
    port = free_port()
    settings = msgspec.structs.replace(settings, public_url=f"http://127.0.0.1:{port}")
    zalo = await start(build_world(settings))
    settings = msgspec.structs.replace(
        settings, zalo_openapi_url=zalo.url, zalo_oauth_url=zalo.url, zalo_business_url=zalo.url
    )
    server = _Server(
        uvicorn.Config(
            create_app(settings),
            host="127.0.0.1",
            port=port,
            log_config=None,
            access_log=False,
            lifespan="on",
            timeout_keep_alive=60,  # longer than aiohttp keeps a connection
        )
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        if serving.done():
            await serving
        await asyncio.sleep(0.01)

    db = Database.connect(settings.database_url, part="test", pool_size=4)
    registry = Registry(db, settings)
    await registry.load()
    async with aiohttp.ClientSession() as http:
        house = House(settings, settings.public_url, zalo, http, registry, Desk(registry, Book(db, registry)))
        try:
            if worker:
                await house.start_worker()
            yield house
        finally:
            await house.stop_worker()
            server.should_exit = True
            await serving
            await zalo.close()
            await db.close()
