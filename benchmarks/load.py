"""A lean HTTP/1.1 load generator: prepared requests over kept-alive connections, so that the server is what is measured.

Closed loop (as fast as answers come) or open loop (so many a second, latency counted from the moment the request was due).
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import cast

import msgspec


class Result(msgspec.Struct):
    """What a run saw; latencies in seconds, sorted."""

    answers: Counter[int]
    seconds: float
    latencies: list[float]

    @property
    def per_second(self) -> float:
        return self.answers.total() / self.seconds

    def quantile(self, share: float) -> float:
        """The latency that this share of answers stayed under."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))] if self.latencies else 0.0


class _Connection(asyncio.Protocol):
    """One connection, one request at a time; bodies are skipped by Content-Length."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[int] | None = None
        self._seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._seen += data
        end = self._seen.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._seen[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._seen) < end + 4 + length or self.answered is None or self.answered.done():
            return
        status = int(self._seen[9:12])
        self._seen = self._seen[end + 4 + length :]
        self.answered.set_result(status)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_exception(ConnectionError("closed"))

    async def ask(self, request: bytes) -> int:
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.answered


async def connect(host: str, port: int) -> _Connection:
    """A connection, kept alive, for one request at a time."""
    _, protocol = await asyncio.get_running_loop().create_connection(_Connection, host, port)
    return protocol


async def closed(port: int, make: Callable[[], bytes], *, connections: int, seconds: float) -> Result:
    """Each connection asks again as soon as it was answered."""
    answers: Counter[int] = Counter()
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    async def one() -> None:
        connection = await connect("127.0.0.1", port)
        while (began := time.perf_counter()) < end:
            answers[await connection.ask(make())] += 1
            latencies.append(time.perf_counter() - began)
        connection.transport.close()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    return Result(answers, time.perf_counter() - began, sorted(latencies))


async def open_loop(
    port: int, make: Callable[[], bytes], *, rate: float, seconds: float, connections: int = 64
) -> Result:
    """`rate` requests a second whatever the answers do; a late start counts as latency."""
    answers: Counter[int] = Counter()
    latencies: list[float] = []
    free: asyncio.Queue[_Connection] = asyncio.Queue()
    for _ in range(connections):
        free.put_nowait(await connect("127.0.0.1", port))

    async def one(due: float) -> None:
        connection = await free.get()
        try:
            answers[await connection.ask(make())] += 1
        finally:
            free.put_nowait(connection)
        latencies.append(time.perf_counter() - due)

    began = time.perf_counter()
    tasks = []
    for number in range(int(rate * seconds)):
        due = began + number / rate
        if (pause := due - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        tasks.append(asyncio.create_task(one(due)))
    await asyncio.gather(*tasks)
    seconds_taken = time.perf_counter() - began
    while not free.empty():
        free.get_nowait().transport.close()
    return Result(answers, seconds_taken, sorted(latencies))
