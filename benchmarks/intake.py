"""Durable webhook intake against a bare endpoint of the same framework and server, in turn, on the same load.

Targets: ≥ 0.5 of the bare endpoint's rate; at 500 events/s p99 ≤ 200 ms and ≤ 0.8 CPU seconds per 1,000 events for API, PostgreSQL
and Valkey together.
"""

import asyncio
import hashlib
import itertools
import random
import statistics
import time
from collections.abc import Callable

from benchmarks.ground import Ground, cpu_seconds, ground, port, process, wait_for
from benchmarks.load import closed, open_loop
from govchat.tenants.manifest import read_all

ROUNDS = 4
SECONDS = 5.0
CONNECTIONS = 64
RATE = 500.0


def events(place: Ground) -> Callable[[], bytes]:
    """Signed text events of many citizens of all provinces, each a new one, as whole HTTP requests."""
    manifests = read_all(place.settings.tenants_dir).manifests
    count = itertools.count(time.time_ns())
    chance = random.Random(1)

    def make() -> bytes:
        manifest = chance.choice(manifests)
        number = next(count)
        stamp = str(int(time.time() * 1000))
        app_id = manifest.zalo.app_id
        body = (
            f'{{"app_id":"{app_id}","user_id_by_app":"9{number % 5000}","event_name":"user_send_text","timestamp":"{stamp}",'
            f'"sender":{{"id":"{number % 5000}"}},"recipient":{{"id":"{manifest.zalo.oa_id}"}},'
            f'"message":{{"msg_id":"m{number}","text":"tra cứu hồ sơ H19.12-261103-0007 giúp em với ạ"}}}}'
        ).encode()
        mac = hashlib.sha256(app_id.encode() + body + stamp.encode() + f"dev-oa-secret:{app_id}".encode()).hexdigest()
        return (
            f"POST {manifest.webhook_path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"X-ZEvent-Signature: mac={mac}\r\nX-ZEvent-Timestamp: {stamp}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    return make


def main() -> None:
    """Run and print."""
    import uvloop  # noqa: PLC0415

    with ground() as place:
        make = events(place)
        api_port, bare_port = port(), port()
        with (
            process(["-m", "govchat", "api", "--port", str(api_port)], place.environ, place.folder / "api.log") as api,
            process(["-m", "benchmarks.bare", str(bare_port)], place.environ, place.folder / "bare.log"),
        ):
            wait_for(f"http://127.0.0.1:{api_port}/healthz/ready")
            uvloop.run(_warm(api_port, bare_port, make))
            ratios = []
            for _ in range(ROUNDS):
                bare = uvloop.run(closed(bare_port, make, connections=CONNECTIONS, seconds=SECONDS))
                ours = uvloop.run(closed(api_port, make, connections=CONNECTIONS, seconds=SECONDS))
                assert set(ours.answers) == {200}, ours.answers
                ratios.append(ours.per_second / bare.per_second)
                print(f"  durable {ours.per_second:6.0f}/s   bare {bare.per_second:6.0f}/s   ratio {ratios[-1]:.2f}")
            print(
                f"intake: ratio to a bare endpoint, median of {ROUNDS}: {statistics.median(ratios):.2f} (target ≥ 0.5)"
            )
            pids = (api.pid, place.postgres_pid, place.valkey_pid)
            before = [cpu_seconds(pid) for pid in pids]
            paced = uvloop.run(open_loop(api_port, make, rate=RATE, seconds=12))
            each = [
                (cpu_seconds(pid) - was) / paced.answers.total() * 1000 for pid, was in zip(pids, before, strict=True)
            ]
            assert set(paced.answers) == {200}, paced.answers
            print(
                f"intake at {RATE:.0f}/s: p50 {paced.quantile(0.5) * 1000:.1f} ms, p99 {paced.quantile(0.99) * 1000:.1f} ms "
                f"(target ≤ 200 ms); {sum(each):.2f} CPU s per 1,000 events (target ≤ 0.8)"
            )
            named = zip(("API", "PostgreSQL", "Valkey"), each, strict=True)
            print("  of which " + ", ".join(f"{name} {cpu:.2f}" for name, cpu in named))


async def _warm(api_port: int, bare_port: int, make: Callable[[], bytes]) -> None:
    await asyncio.gather(*(closed(one, make, connections=8, seconds=2.0) for one in (api_port, bare_port)))


if __name__ == "__main__":
    main()
