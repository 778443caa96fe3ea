"""A simulator with two apps and three OAs, a receiver of webhooks, and a client that calls the false Zalo as anybody would."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from govchat.simulator import server
from govchat.simulator.world import AppConfig, OaConfig, World

A, B, C = "1001", "1002", "1003"  # A and B share an app


@dataclass
class Receiver:
    """Stands where govchat's webhook would: keeps what came, answers what a test wants."""

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    delay: float = 0.0
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        self.came.set()
        status = self.statuses.pop(0) if self.statuses else 200
        await asyncio.sleep(self.delay)
        return web.Response(status=status)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event_name"] == name]

    async def wait(self, count: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(60):
            while len(self.got) < count:
                await self.came.wait()
                self.came.clear()
        return self.events


@dataclass
class Zalo:
    """Calls the running simulator; `token` is the access token of OA A."""

    sim: server.Running
    http: aiohttp.ClientSession
    token: str = ""
    refresh_tokens: dict[str, str] = field(default_factory=dict)

    def tokens(self, oa_id: str) -> str:
        """A new access token; the first time by the token of development, later by the one that came with the last."""
        spend = self.refresh_tokens.get(oa_id, f"dev-refresh:{oa_id}")
        pair = self.sim.world.tokens.refresh({oa_id}, spend, self.sim.world.now())[1]
        self.refresh_tokens[oa_id] = pair.refresh_token
        return pair.access_token

    async def post(self, path: str, body: Any = None, token: str | None = None, **headers: str) -> dict[str, Any]:
        headers = {"access_token": self.token if token is None else token, **headers}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
        async with self.http.post(self.sim.url + path, data=data, headers=headers) as reply:
            return await reply.json()

    async def get(self, path: str, token: str | None = None, data: Any = None, **params: str) -> dict[str, Any]:
        if data is not None:
            params["data"] = json.dumps(data)
        headers = {"access_token": self.token if token is None else token}
        async with self.http.get(self.sim.url + path, params=params, headers=headers) as reply:
            return await reply.json()

    async def cs(self, message: Any, user: str = "u1", token: str | None = None) -> dict[str, Any]:
        return await self.post("/v3.0/oa/message/cs", {"recipient": {"user_id": user}, "message": message}, token)

    async def form(self, fields: dict[str, str], secret: str | None = "app-secret-1") -> dict[str, Any]:
        headers = {} if secret is None else {"secret_key": secret}
        async with self.http.post(self.sim.url + "/v4/oa/access_token", data=fields, headers=headers) as reply:
            assert reply.status == 200
            return await reply.json()

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        async with self.http.request(method, f"{self.sim.url}/_control/{path}", json=body) as reply:
            return await reply.json()


def make_world(webhook_url: str = "") -> World:
    apps = [
        AppConfig("11", "app-secret-1", "oa-secret-1", "shared", webhook_url),
        AppConfig("22", "app-secret-2", "oa-secret-2", "own", webhook_url, callback_url="https://govchat.vn/cb"),
    ]
    oas = [
        OaConfig(A, "11", "Tỉnh An Giang", "an-giang"),
        OaConfig(B, "11", "Tỉnh Bắc Ninh", "bac-ninh", requests_per_minute=100),
        OaConfig(C, "22", "Tỉnh Cà Mau", "ca-mau"),
    ]
    return World(apps, oas)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/webhook", receiver.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhook"
    yield receiver
    await runner.cleanup()


@pytest.fixture
async def sim(receiver: Receiver) -> AsyncIterator[server.Running]:
    async with await server.start(make_world(receiver.url)) as running:
        yield running


@pytest.fixture
async def zalo(sim: server.Running, http: aiohttp.ClientSession) -> Zalo:
    """Somebody called u1 follows OA A: the window is open. No webhook told of it."""
    zalo = Zalo(sim, http)
    zalo.token = zalo.tokens(A)
    person = sim.world.person(A, "u1")
    person.interact(sim.world.now())
    person.follows = True
    return zalo


@pytest.fixture(name="make_world")
def make_world_fixture() -> Callable[..., World]:
    return make_world


@pytest.fixture
def zalo_of() -> type[Zalo]:
    return Zalo
