"""A stand-in for Zalo that costs next to nothing: takes sends, gives tokens, counts every Official Account's requests in sliding windows.

`python -m benchmarks.standin PORT`. `GET /stats` tells what came and `DELETE /stats` forgets it; nothing is refused and no webhook is sent.
"""

import asyncio
import json
import sys
import time
from collections import Counter, defaultdict, deque
from typing import cast
from urllib.parse import parse_qs

import uvloop

WINDOW_S = 60.0


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


COUNTS = Counts()


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
            COUNTS.add(token.split(":")[1] if ":" in token else "", user)
            answer = b'{"error":0,"message":"Success","data":{"message_id":"z%d","user_id":"%s"}}' % (
                time.monotonic_ns(),
                user,
            )
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


async def main(port: int) -> None:
    """Serve until ended."""
    server = await asyncio.get_running_loop().create_server(Zalo, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
