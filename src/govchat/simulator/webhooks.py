"""The courier of webhooks: signs an event, posts it to the app's URL, keeps to the 2 s, climbs the redelivery ladder.

The body is made once; every redelivery carries the same bytes and the same signature. `Delivery` tells how the first attempt went,
later ones show in the counters and in the inspector.
"""

import asyncio
import hashlib
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
import msgspec

from govchat.simulator.world import AppConfig, Exchange, OaConfig, World

_encode = msgspec.json.Encoder().encode
T = TypeVar("T")
CONCURRENT = 256


def signature(app_id: str, body: bytes, timestamp: str, oa_secret: str) -> str:
    """Lower-case hex of plain SHA-256 over app id, raw body, timestamp and the OA's secret (fact sheet §2.2)."""
    return hashlib.sha256(app_id.encode() + body + timestamp.encode() + oa_secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the first attempt went. `status` 0: no answer (`error` says why); `lost`: a fault swallowed it; `sent` False: no URL."""

    event_name: str
    msg_id: str
    sent: bool
    status: int
    ms: float
    answer: str = ""
    error: str = ""

    def shown(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class _Parcel:
    oa: OaConfig
    app: AppConfig
    user_id: str
    event_name: str
    msg_id: str
    body: bytes
    headers: Mapping[str, str]


class Courier:
    """Posts webhooks. Needs `open` before and `close` after."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONCURRENT))

    async def close(self) -> None:
        """Drop what still waits on the ladder and hang up."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()
            self._session = None

    def post(self, oa: OaConfig, user_id: str, event: Mapping[str, Any], server: str = "") -> "asyncio.Task[Delivery]":
        """Deliver an event; await the task for how the first attempt went. `server` is the header X-ZEvent-Server."""
        app = self.world.app_by_id[oa.app_id]
        body = _encode(event)
        timestamp = str(event["timestamp"])
        headers = {
            "Content-Type": "application/json",
            "X-ZEvent-Signature": f"mac={signature(app.app_id, body, timestamp, app.oa_secret)}",
            "X-ZEvent-Timestamp": timestamp,
        }
        if server:
            headers["X-ZEvent-Server"] = server
        message = event.get("message")
        msg_id = str(message.get("msg_id", "")) if isinstance(message, dict) else ""
        parcel = _Parcel(oa, app, user_id, str(event["event_name"]), msg_id, body, headers)
        return self._spawn(self._deliver(parcel))

    async def verify(self, app: AppConfig) -> int:
        """What happens when the URL is saved in the console: an unsigned `{}`. Answers the receiver's HTTP status, 0 for none."""
        try:
            status, _ = await self._call(app.webhook_url, b"{}", {"Content-Type": "application/json"})
        except (TimeoutError, aiohttp.ClientError, OSError):
            return 0
        return status

    def waiting(self) -> int:
        """Deliveries under way or waiting on the ladder."""
        return len(self._tasks)

    async def settled(self) -> None:
        """Wait until nothing is under way nor on the ladder."""
        while self._tasks:
            await asyncio.wait(list(self._tasks))

    def _spawn(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _deliver(self, parcel: _Parcel) -> Delivery:
        world, stats = self.world, self.world.stats
        if not parcel.app.webhook_url or self._session is None:
            return Delivery(parcel.event_name, parcel.msg_id, False, 0, 0.0, error="the app has no webhook URL")
        stats.webhooks["events"] += 1
        if world.faults:
            for fault in self._struck(parcel, ("webhook_lost", "echo_lost", "webhook_reorder", "webhook_duplicate")):
                stats.faults[fault.kind] += 1
                if fault.kind == "webhook_reorder":
                    await asyncio.sleep(fault.seconds)
                elif fault.kind == "webhook_duplicate":
                    self._spawn(self._attempt(parcel, 0))
                else:
                    stats.webhooks["swallowed"] += 1
                    return Delivery(parcel.event_name, parcel.msg_id, False, 0, 0.0, error=fault.kind)
        first = await self._attempt(parcel, 0)
        if self._again(first):
            self._spawn(self._climb(parcel))
        return first

    def _struck(self, parcel: _Parcel, kinds: tuple[str, ...]) -> list[Any]:
        if not parcel.event_name.startswith("oa_send_"):
            kinds = tuple(kind for kind in kinds if kind != "echo_lost")
        return list(
            self.world.faults.strike(
                kinds, parcel.oa.oa_id, parcel.oa.slug, user=parcel.user_id, event=parcel.event_name
            )
        )

    def _again(self, delivery: Delivery) -> bool:
        if delivery.status == 200:
            return False
        return self.world.options.retry_on == "any" or delivery.status == 0

    async def _climb(self, parcel: _Parcel) -> None:
        options, stats = self.world.options, self.world.stats
        for rung, pause in enumerate(options.ladder, start=1):
            await asyncio.sleep(pause * options.ladder_scale)
            stats.webhooks["redelivered"] += 1
            if not self._again(await self._attempt(parcel, rung)):
                return
        stats.webhooks["lost"] += 1

    async def _attempt(self, parcel: _Parcel, rung: int) -> Delivery:
        world, stats = self.world, self.world.stats
        headers = {**parcel.headers, "num_retry": str(rung)} if rung else dict(parcel.headers)
        status, answer, error = 0, "", ""
        at, begun = int(world.now() * 1000), time.perf_counter()
        try:
            if world.faults and self._struck(parcel, ("webhook_down",)):
                stats.faults["webhook_down"] += 1
                raise ConnectionRefusedError("webhook_down")
            status, answer = await self._call(parcel.app.webhook_url, parcel.body, headers)
        except TimeoutError:
            error = f"no answer within {world.options.webhook_timeout:g} s"
        except (aiohttp.ClientError, OSError) as failure:
            error = f"{type(failure).__name__}: {failure}"
        ms = round((time.perf_counter() - begun) * 1000, 2)
        stats.webhooks[f"answer_{status}"] += 1
        stats.webhook_ms.append(ms)
        world.exchanged(
            Exchange(
                "webhook",
                at,
                parcel.oa.oa_id,
                parcel.user_id,
                parcel.event_name + (f" (gửi lại lần {rung})" if rung else ""),
                f"POST {parcel.app.webhook_url}",
                headers,
                parcel.body.decode(),
                status,
                answer or error,
                ms,
            )
        )
        return Delivery(parcel.event_name, parcel.msg_id, True, status, ms, answer, error)

    async def _call(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        assert self._session is not None
        timeout = aiohttp.ClientTimeout(total=self.world.options.webhook_timeout)
        async with self._session.post(url, data=body, headers=headers, timeout=timeout, allow_redirects=False) as reply:
            return reply.status, (await reply.content.read(4096)).decode("utf-8", "replace")
