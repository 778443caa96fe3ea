"""What the stories share: a database of one's own, signed events by hand, a wire that can be cut, waiting without sleeping blindly."""

import asyncio
import contextlib
import io
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
import msgspec
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.conftest import _clone, _settings
from tests.house import House, open_house
from tests.stack import Services

from govchat.settings import Settings
from govchat.simulator.webhooks import signature
from govchat.tenants.registry import Tenant

T = TypeVar("T")
_serial = iter(range(10**9))


async def own(services: Services, redis_url: str, number: int = 0) -> Settings:
    """Settings on a fresh database and an emptied Valkey database that no other fixture or process of this run uses.

    `number` is 1 for a second house beside one that is open.
    """
    server, _, taken = redis_url.rpartition("/")
    url = f"{server}/{2 + 2 * (int(taken) % 7) + number}"  # of 16
    async with Redis.from_url(url) as redis:
        await redis.flushdb()
    return _settings(services, url, await _clone(services))


def environment(settings: Settings) -> dict[str, str]:
    """The `GOVCHAT_*` variables that give another process these settings."""
    return {
        f"GOVCHAT_{name.upper()}": ",".join(value) if isinstance(value, tuple) else str(value)
        for name, value in msgspec.structs.asdict(settings).items()
        if value
    }


@asynccontextmanager
async def own_house(services: Services, redis_url: str, *, worker: bool = True) -> AsyncIterator[House]:
    """A house of a module's own."""
    async with open_house(await own(services, redis_url), worker=worker) as house:
        yield house


def text_event(tenant: Tenant, user: str, said: str, *, msg_id: str = "", at: int = 0, **more: Any) -> bytes:
    """The body of a `user_send_text`; a fresh message id unless one is given, `at` in milliseconds."""
    event = {
        "app_id": tenant.app.app_id,
        "event_name": "user_send_text",
        "timestamp": str(at or int(time.time() * 1000)),
        "sender": {"id": user},
        "recipient": {"id": tenant.oa_id},
        "message": {"msg_id": msg_id or f"m{next(_serial)}", "text": said},
        **more,
    }
    return json.dumps(event, ensure_ascii=False).encode()


def headers_for(tenant: Tenant, body: bytes, timestamp: str | None = None) -> dict[str, str]:
    """The headers with which Zalo signs `body` for the tenant's app."""
    if timestamp is None:
        found = re.search(rb'"timestamp": ?"([0-9]{13})"', body)
        timestamp = found.group(1).decode() if found else "1795000000000"
    secret = f"dev-oa-secret:{tenant.app.app_id}"
    return {
        "X-ZEvent-Signature": f"mac={signature(tenant.app.app_id, body, timestamp, secret)}",
        "X-ZEvent-Timestamp": timestamp,
        "Content-Type": "application/json",
    }


async def post(
    house: House, tenant: Tenant, body: bytes, *, headers: dict[str, str] | None = None, key: str = ""
) -> tuple[int, str]:
    """Knock as Zalo does; the status and the answer."""
    url = f"{house.url}/webhooks/zalo/{key or tenant.app.key}"
    given = headers_for(tenant, body) if headers is None else headers
    data = io.BytesIO(body) if len(body) >= 1_000_000 else body  # aiohttp warns of larger ones
    try:
        async with house.http.post(url, data=data, headers=given, timeout=aiohttp.ClientTimeout(total=30)) as answer:
            return answer.status, await answer.text()
    finally:
        if isinstance(data, io.BytesIO):
            data.close()


async def rows(house: House, tenant: Tenant, query: str, **values: Any) -> list[Any]:
    """Rows of one tenant, as the application role sees them; `:tenant` is bound."""
    for again in (True, False):
        try:
            async with house.registry.db.tenant(tenant.id) as session:
                result = await session.execute(text(query), {"tenant": tenant.id, **values})
                return list(result.all()) if result.returns_rows else []
        except DBAPIError:  # a connection from before the test broke it
            if not again:
                raise
    raise AssertionError("unreachable")


# How long something may take to come true on the slowest machine: what never comes is a failure, what comes late is not.
PATIENCE_S = 90.0


async def eventually(
    look: Callable[[], Awaitable[T]], *, until: Callable[[T], bool] = bool, within: float = PATIENCE_S, what: str = "it"
) -> T:
    """Look again and again until it is so; a failure tells what was seen last."""
    ends = time.monotonic() + within
    while True:
        seen = await look()
        if until(seen):
            return seen
        assert time.monotonic() < ends, f"{what} did not come true in {within:g} s, last seen: {seen!r}"
        await asyncio.sleep(0.03)


def said(house: House, slug: str, user: str) -> list[str]:
    """Everything the OA ever said to this person, oldest first."""
    oa_id = house.registry.by_slug(slug).oa_id
    return [message.text for message in house.zalo.world.messages(oa_id, user) if message.outgoing]


class Wire:
    """A TCP proxy on a loopback port. `open`: passes bytes; `cut`: drops what stands and refuses; `silent`: takes and says nothing.

    Connections that stood when the wire fell silent stay silent for ever, as after a lost route.
    """

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.port = 0
        self.mode = "open"
        self._silenced = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Nobody listens any more and every connection ends."""
        self.mode = "cut"
        assert self._server is not None
        self._server.close()
        self.drop()

    def drop(self) -> None:
        """Every connection ends at once."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def mend(self) -> None:
        """Listen again on the same port; connections that fell silent stay so."""
        was_cut, self.mode = self.mode == "cut", "open"
        if was_cut:
            await self.start()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self.drop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            there, back = await asyncio.open_connection(*self.target)
            self._writers.add(back)
            await asyncio.gather(self._pass(reader, back), self._pass(there, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()
            self._tasks.discard(task)

    def silence(self) -> None:
        """Take everything and say nothing."""
        self.mode = "silent"
        self._silenced.set()
        self._silenced = asyncio.Event()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        silenced = self._silenced
        with contextlib.suppress(OSError):
            while part := await reader.read(65536):
                if silenced.is_set() or self.mode == "silent":
                    await asyncio.Event().wait()
                if writer.is_closing():
                    break
                writer.write(part)
                await writer.drain()
        writer.transport.abort()
        self._writers.discard(writer)


@asynccontextmanager
async def wire_to(url: str) -> AsyncIterator[tuple[Wire, str]]:
    """A wire to the server of `url`, and the URL through it."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    wire = Wire(parts.hostname, parts.port)
    await wire.start()
    there = parts.netloc.rpartition("@")
    netloc = f"{there[0]}{there[1]}127.0.0.1:{wire.port}"
    try:
        yield wire, parts._replace(netloc=netloc).geturl()
    finally:
        await wire.close()
