"""From a citizen's message to its answer accepted by Zalo, over all provinces: the whole stack on one machine, simulator included.

Targets: p50 ≤ 150 ms, p99 ≤ 500 ms at 100 messages a second over 34 tenants. Run at a fifth of that first, so that a machine which can't
carry the whole stack at 100 still shows what one answer takes.
"""

import contextlib
import json
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import msgspec

from benchmarks.ground import Ground, cpu_seconds, ground, port, process, towards, wait_for
from govchat.tenants.manifest import read_all

RATES = (20.0, 100.0)
SECONDS = 20
USERS = 20


class Talk(msgspec.Struct):
    """A running stack: its simulator's address, a burst for it over all provinces, and the process ids that count."""

    place: Ground
    zalo: str
    burst: dict[str, Any]
    pids: dict[str, int]


def ask(url: str, body: dict[str, Any] | None = None, method: str | None = None, timeout: float = 120) -> Any:
    """One JSON request."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return json.loads(answer.read() or b"null")


def main() -> None:
    """Run and print."""
    with talking() as talk:
        for rate in RATES:
            measure(talk, rate, SECONDS)


@contextlib.contextmanager
def talking(provinces: int | None = None, *, bulk: bool = False) -> Iterator[Talk]:
    """The whole stack, warm; with a worker for campaigns when asked for."""
    with ground(seed=provinces is None, provinces=provinces) as place, contextlib.ExitStack() as stack:
        api_port, zalo_port = port(), port()
        zalo = f"http://127.0.0.1:{zalo_port}"
        environ = towards(place, zalo, public_url=f"http://127.0.0.1:{api_port}")
        parts = {
            "simulator": ["simulator", "--port", str(zalo_port)],
            "API": ["api", "--port", str(api_port)],
            "worker": ["worker"],
        } | ({"bulk worker": ["worker", "--bulk"]} if bulk else {})
        running = {
            name: stack.enter_context(process(["-m", "govchat", *arguments], environ, place.folder / f"{name}.log"))
            for name, arguments in parts.items()
        }
        wait_for(f"http://127.0.0.1:{api_port}/healthz/ready", 120)
        wait_for(f"{zalo}/")
        slugs = [manifest.slug for manifest in read_all(place.settings.tenants_dir).manifests]
        texts = ["tra cuu ho so H19.12-261103-0007", "xin chào", "H26.12-261103-0007", "trợ giúp"]
        wish = {"oas": slugs, "per_second": 34, "seconds": max(3, len(slugs) // 34), "texts": texts, "users": USERS}
        ask(f"{zalo}/_control/burst", wish)
        time.sleep(3)
        pids = {"PostgreSQL": place.postgres_pid, "Valkey": place.valkey_pid} | {
            name: child.pid for name, child in running.items() if name != "simulator"
        }
        yield Talk(place, zalo, wish, pids)


def measure(talk: Talk, rate: float, seconds: int) -> float:
    """One rate: send, wait for the last answers, print; answers CPU seconds per 1,000 messages."""
    before = {name: cpu_seconds(pid) for name, pid in talk.pids.items()}
    sent, stats = burst(talk, rate, seconds)
    spent = {name: cpu_seconds(pid) - before[name] for name, pid in talk.pids.items()}
    reply = stats["reply_ms"]
    print(
        f"replies at {rate:.0f}/s over {len(talk.burst['oas'])} provinces: {stats['accepted']} of {sent} answered; "
        f"p50 {reply['p50']:.0f} ms (target ≤ 150), p99 {reply['p99']:.0f} ms (target ≤ 500)"
    )
    each = ", ".join(f"{name} {cpu / sent * 1000:.2f}" for name, cpu in spent.items())
    print(f"  {sum(spent.values()) / sent * 1000:.1f} CPU s per 1,000 messages: {each}", flush=True)
    return sum(spent.values()) / sent * 1000


def burst(talk: Talk, rate: float, seconds: int) -> tuple[int, dict[str, Any]]:
    """Citizens write at that rate: how many messages, and the simulator's counts once all of them are answered, or 30 s later."""
    ask(f"{talk.zalo}/_control/stats", method="DELETE")
    ask(f"{talk.zalo}/_control/burst", talk.burst | {"per_second": rate, "seconds": seconds})
    sent = int(rate * seconds)
    until = time.monotonic() + 30
    while (stats := ask(f"{talk.zalo}/_control/stats"))["reply_ms"]["count"] < sent and time.monotonic() < until:
        time.sleep(1)
    return sent, stats


if __name__ == "__main__":
    main()
