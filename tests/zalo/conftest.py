"""A stand-in for Zalo's hosts that answers what a test tells it to: real sockets, no knowledge of the client."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from govchat.zalo.client import ZaloClient

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


@dataclass
class Stand:
    """The server: `seen` is what came, `says` sets what the next requests are answered with."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    answer: Answer | None = None

    def says(self, body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)

        async def answer(request: web.Request) -> web.StreamResponse:
            return web.Response(body=raw, status=status, headers=headers or {})

        self.answer = answer

    @property
    def last(self) -> Seen:
        return self.seen[-1]


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    it = Stand()

    async def handle(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        it.seen.append(Seen(request.method, request.path, dict(request.query), dict(request.headers), body))
        assert it.answer is not None, "the test set no answer"
        return await it.answer(request)

    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_route("*", "/{tail:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield it
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
async def client(stand: Stand) -> AsyncIterator[ZaloClient]:
    async with ZaloClient.open(openapi_url=stand.url, oauth_url=stand.url, business_url=f"{stand.url}/business") as it:
        yield it
