"""A stand-in for Zalo that costs next to nothing: takes sends, gives tokens, counts every Official Account's requests in sliding windows.

`python -m benchmarks.standin PORT`: `GET /stats` tells what came and `DELETE /stats` forgets it; nothing is refused. With `API_PORT
TENANTS` behind it, each message is told back as Zalo does, its echo and then that it was received, signed, to its province's webhook.
"""

import asyncio
import hashlib
import json
import sys
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from pathlib import Path
from typing import cast
from urllib.parse import parse_qs

import uvloop

from benchmarks.load import connect

WINDOW_S = 60.0
# Webhooks of Zalo on their way at the same time.
CONNECTIONS = 16


class Counts:
    """What came, by Official Account."""

    def __init__(self) -> None:
        self.accepted: Counter[str] = Counter()
        self.peak: Counter[str] = Counter()
        self.seen: set[bytes] = set()
        self.repeated = 0
        self._recent: dict[str, deque[float]] = defaultdict(deque)

    def add(self, oa_id: str, recipient: bytes) -> None:
        now = time.monotonic()
        recent = self._recent[oa_id]
        recent.append(now)
        while recent[0] <= now - WINDOW_S:
            recent.popleft()
        self.accepted[oa_id] += 1
        if len(recent) > self.peak[oa_id]:
            self.peak[oa_id] = len(recent)
        key = oa_id.encode() + recipient
        self.repeated += key in self.seen
        self.seen.add(key)

    def told(self) -> dict[str, object]:
        return {"accepted": dict(self.accepted), "peak": dict(self.peak), "repeated": self.repeated}


class Webhooks:
    """What Zalo tells of each message, in order, over kept-alive connections."""

    def __init__(self, api_port: int, tenants: Path) -> None:
        from govchat.tenants.manifest import read_all  # noqa: PLC0415  # costs time where nothing is told

        self._port = api_port
        self._paths = {one.zalo.oa_id: (one.webhook_path, one.zalo.app_id) for one in read_all(tenants).manifests}
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue()

    def tell(self, oa_id: str, user: str, message_id: str, text: str) -> None:
        """Queue both webhooks of a message."""
        for request in self._requests(oa_id, user, message_id, text):
            self._waiting.put_nowait(request)

    def _requests(self, oa_id: str, user: str, message_id: str, text: str) -> Iterator[bytes]:
        path, app_id = self._paths[oa_id]
        for name, message in (
            ("oa_send_text", {"msg_id": message_id, "text": text}),
            ("user_received_message", {"msg_id": message_id}),
        ):
            stamp = str(int(time.time() * 1000))
            event = {
                "event_name": name, "app_id": app_id, "sender": {"id": oa_id}, "recipient": {"id": user}, "user_id_by_app": f"9{user}",
                "message": message, "timestamp": stamp,
            }  # fmt: skip
            body = json.dumps(event, ensure_ascii=False).encode()
            mac = hashlib.sha256(
                app_id.encode() + body + stamp.encode() + f"dev-oa-secret:{app_id}".encode()
            ).hexdigest()
            yield (
                f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                f"X-ZEvent-Signature: mac={mac}\r\nX-ZEvent-Timestamp: {stamp}\r\nContent-Length: {len(body)}\r\n\r\n"
            ).encode() + body

    async def run(self) -> None:
        """Post what waits, for ever."""

        async def one() -> None:
            while True:
                request = await self._waiting.get()
                connection = await connect("127.0.0.1", self._port)
                while await connection.ask(request) == 200:
                    request = await self._waiting.get()
                raise RuntimeError("a webhook was refused")

        await asyncio.gather(*(one() for _ in range(CONNECTIONS)))


COUNTS = Counts()
WEBHOOKS: Webhooks | None = None


class Zalo(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._seen = b""

    def data_received(self, data: bytes) -> None:
        self._seen += data
        while (end := self._seen.find(b"\r\n\r\n")) >= 0:
            head = self._seen[:end]
            at = head.lower().find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._seen) < end + 4 + length:
                return
            body, self._seen = self._seen[end + 4 : end + 4 + length], self._seen[end + 4 + length :]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        global COUNTS
        path = head.split(b" ", 2)[1]
        if path.startswith(b"/v3.0/oa/message"):
            token = _header(head, b"access_token:")
            start = body.find(b'"user_id":"') + 11
            user = body[start : body.find(b'"', start)]
            oa_id = token.split(":")[1] if ":" in token else ""
            COUNTS.add(oa_id, user)
            message_id = f"z{time.monotonic_ns()}"
            answer = b'{"error":0,"message":"Success","data":{"message_id":"%s","user_id":"%s"}}' % (
                message_id.encode(),
                user,
            )
            if WEBHOOKS is not None:
                WEBHOOKS.tell(oa_id, user.decode(), message_id, str(json.loads(body)["message"].get("text", "")))
        elif path.startswith(b"/v4/oa/access_token"):
            refresh = parse_qs(body.decode())["refresh_token"][0]
            oa_id = refresh.split(":")[1]
            answer = json.dumps(
                {"access_token": f"at:{oa_id}", "refresh_token": f"dev-refresh:{oa_id}:n", "expires_in": "90000"}
            ).encode()
        elif path == b"/stats":
            if head.startswith(b"DELETE"):
                COUNTS = Counts()
            answer = json.dumps(COUNTS.told()).encode()
        else:
            answer = b'{"error":0,"message":"Success","data":{}}'
        self.transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer
        )


def _header(head: bytes, name: bytes) -> str:
    at = head.lower().find(name)
    return head[at + len(name) :].split(b"\r\n", 1)[0].strip().decode() if at >= 0 else ""


async def main(port: int, *told: str) -> None:
    """Serve until ended; `told`: the API's port and the folder of the provinces."""
    global WEBHOOKS
    server = await asyncio.get_running_loop().create_server(Zalo, "127.0.0.1", port, backlog=1024)
    if told:
        WEBHOOKS = Webhooks(int(told[0]), Path(told[1]))
        await WEBHOOKS.run()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), *sys.argv[2:]))
