"""From a citizen's message to its answer accepted by Zalo, over all provinces: the whole stack on one machine, simulator included.

Targets: p50 ≤ 150 ms, p99 ≤ 500 ms at 100 messages a second over 34 tenants. Run at a fifth of that first, so that a machine which can't
carry the whole stack at 100 still shows what one answer takes.
"""

import contextlib
import json
import time
import urllib.request
from typing import Any

from benchmarks.ground import cpu_seconds, ground, port, process, wait_for
from govchat.tenants.manifest import read_all

RATES = (20.0, 100.0)
SECONDS = 20
USERS = 20


def ask(url: str, body: dict[str, Any] | None = None, method: str | None = None, timeout: float = 120) -> Any:
    """One JSON request."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return json.loads(answer.read() or b"null")


def main() -> None:
    """Run and print."""
    with ground(seed=True) as place, contextlib.ExitStack() as stack:
        api_port, zalo_port = port(), port()
        zalo = f"http://127.0.0.1:{zalo_port}"
        place.settings = place.settings.__class__(
            **{name: getattr(place.settings, name) for name in place.settings.__struct_fields__}
            | {"public_url": f"http://127.0.0.1:{api_port}"}
            | {f"zalo_{name}_url": zalo for name in ("openapi", "oauth", "business")}
        )
        environ = {**place.environ, "GOVCHAT_DATA_DIR": str(place.folder)}
        parts = {
            "simulator": ["simulator", "--port", str(zalo_port)],
            "API": ["api", "--port", str(api_port)],
            "worker": ["worker"],
        }
        running = {
            name: stack.enter_context(process(["-m", "govchat", *arguments], environ, place.folder / f"{name}.log"))
            for name, arguments in parts.items()
        }
        wait_for(f"http://127.0.0.1:{api_port}/healthz/ready")
        wait_for(f"{zalo}/")
        slugs = [manifest.slug for manifest in read_all(place.settings.tenants_dir).manifests]
        texts = ["tra cuu ho so H19.12-261103-0007", "xin chào", "H26.12-261103-0007", "trợ giúp"]
        burst = {"oas": slugs, "per_second": 34, "seconds": 3, "texts": texts, "users": USERS}
        ask(f"{zalo}/_control/burst", burst)
        time.sleep(3)
        pids = {"PostgreSQL": place.postgres_pid, "Valkey": place.valkey_pid} | {
            name: child.pid for name, child in running.items() if name != "simulator"
        }
        for rate in RATES:
            measure(zalo, burst, pids, rate)


def measure(zalo: str, burst: dict[str, Any], pids: dict[str, int], rate: float) -> None:
    """One rate: send, wait for the last answers, print."""
    ask(f"{zalo}/_control/stats", method="DELETE")
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    ask(f"{zalo}/_control/burst", burst | {"per_second": rate, "seconds": SECONDS})
    sent = int(rate * SECONDS)
    until = time.monotonic() + 30
    while (stats := ask(f"{zalo}/_control/stats"))["accepted"] < sent and time.monotonic() < until:
        time.sleep(1)
    spent = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}
    reply = stats["reply_ms"]
    print(
        f"replies at {rate:.0f}/s over {len(burst['oas'])} provinces: {stats['accepted']} of {sent} answered; p50 {reply['p50']:.0f} ms "
        f"(target ≤ 150), p99 {reply['p99']:.0f} ms (target ≤ 500)"
    )
    each = ", ".join(f"{name} {cpu / sent * 1000:.2f}" for name, cpu in spent.items())
    print(f"  {sum(spent.values()) / sent * 1000:.1f} CPU s per 1,000 messages: {each}", flush=True)


if __name__ == "__main__":
    main()
