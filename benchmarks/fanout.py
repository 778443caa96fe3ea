"""Campaign messages from the outbox to a stand-in for Zalo, over all provinces.

Targets, on two cores with everything on them: limits lifted, at least half the rate of a bare aiohttp loop that posts the same payloads to
the same stand-in, and at most 1.0 CPU second per 1,000 messages for worker, PostgreSQL and Valkey together; 34 provinces at once at
their full 2,000 a minute: use of the allowed rate at least 0.97, never over it, Jain's index at least 0.99.

`python -m benchmarks.fanout [lifted|full] [MINUTES]`. The bare loop runs before and after, in a process of its own that has the bulk
workers' priority: on a machine that others use too, both wait for the same things.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import aiohttp
import uvloop

from benchmarks.campaigns import TEXT, announce, plan_all
from benchmarks.ground import ROOT, Ground, cpu_seconds, ground, port, process, towards, wait_for
from benchmarks.replies import ask
from govchat.db.session import Database
from govchat.kit import clock
from govchat.local.followers import sow
from govchat.tenants.credentials import Credentials
from govchat.tenants.registry import Registry, Tenant
from govchat.worker import BULK_NICE
from govchat.zalo import messages
from govchat.zalo.client import ZaloClient

LIFTED = 500  # messages a province
CONCURRENT = 64
BARE = 5000  # messages of the bare loop, each time
WORKERS = 2
PROVINCES = 34
MINUTES = 3.0


async def fill(place: Ground, count: int) -> list[Tenant]:
    """A campaign to `count` followers of every province, planned to the last of them; tokens are at hand, as the keeper has them."""
    db = Database.connect(place.settings.database_url, part="fill", pool_size=4)
    registry = Registry(db, place.settings)
    await registry.load()
    tenants = list(registry.now.tenants.values())
    for tenant in tenants:
        await sow(db, tenant.id, tenant.slug, count, clock.now())
        await announce(registry, tenant)
    await plan_all(registry)
    urls = {f"{name}_url": getattr(place.settings, f"zalo_{name}_url") for name in ("openapi", "oauth", "business")}
    async with ZaloClient.open(**urls) as zalo:
        credentials = Credentials(registry, zalo.http, place.settings.zalo_oauth_url)
        for tenant in tenants:
            await credentials.access(tenant)
    await db.close()
    return tenants


async def bare(url: str, count: int) -> float:
    """A bare loop's rate: the same payloads to the same stand-in."""
    numbers = iter(range(count))
    began = time.perf_counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONCURRENT)) as http:

        async def one() -> None:
            for number in numbers:
                body = messages.encode(messages.texts(f"bare-{number}", TEXT, [])[0])
                headers = {"access_token": "at:bare", "Content-Type": "application/json"}
                async with http.post(f"{url}/v3.0/oa/message/cs", data=body, headers=headers) as answer:
                    await answer.read()

        await asyncio.gather(*(one() for _ in range(CONCURRENT)))
    return count / (time.perf_counter() - began)


def ceiling(url: str) -> float:
    """What the bare loop does now, at the bulk workers' priority."""
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.fanout", "bare", url], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return float(told.stdout)


def total(url: str) -> int:
    """How many sends the stand-in has taken."""
    return sum(ask(f"{url}/stats")["accepted"].values())


def main() -> None:
    """Run and print."""
    if "bare" in sys.argv:
        os.nice(BULK_NICE)
        print(uvloop.run(bare(sys.argv[-1], BARE)))
    elif "full" in sys.argv:
        full(next((float(word) for word in sys.argv if word.isdigit()), MINUTES))
    else:
        lifted()


def lifted() -> None:
    """All provinces, no limits."""
    busy(PROVINCES, LIFTED)


@contextlib.contextmanager
def sending(
    module: str, provinces: int, count: int, before: Callable[[str], object] | None = None
) -> Iterator[tuple[str, list[Tenant], dict[str, int]]]:
    """Bulk workers on campaigns to `count` followers of each province: the stand-in's address, the tenants, the processes' ids.

    `before` is called with the address before the workers are started.
    """
    with ground(provinces=provinces) as place, contextlib.ExitStack() as stack:
        zalo_port = port()
        zalo = f"http://127.0.0.1:{zalo_port}"
        environ = towards(place, zalo)
        stack.enter_context(process(["-m", "benchmarks.standin", str(zalo_port)], environ, place.folder / "zalo.log"))
        wait_for(f"{zalo}/stats")
        tenants = uvloop.run(fill(place, count))
        if before is not None:
            before(zalo)
        ask(f"{zalo}/stats", method="DELETE")
        pids = {"PostgreSQL": place.postgres_pid, "Valkey": place.valkey_pid}
        for number in range(1, WORKERS + 1):
            log = place.folder / f"bulk-{number}.log"
            pids[f"worker {number}"] = stack.enter_context(
                process(["-m", module, "worker", "--bulk"], environ, log)
            ).pid
        yield zalo, tenants, pids


def busy(provinces: int, count: int, begin: int = 1000, end: int | None = None) -> float:
    """No limits: from the first thousand messages to the last, or between those. Answers CPU seconds per 1,000 messages."""
    ceilings: list[float] = []

    def measure(url: str) -> None:
        ceilings.append(ceiling(url))

    with sending("benchmarks.lifted", provinces, count, measure) as (zalo, tenants, pids):
        end = end or count * len(tenants) - 500
        while total(zalo) < begin:
            time.sleep(0.05)
        began, first = time.perf_counter(), total(zalo)
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        while (last := total(zalo)) < end and time.perf_counter() - began < 120:
            time.sleep(0.2)
        seconds, sent = time.perf_counter() - began, last - first
        spent = {name: (cpu_seconds(pid) - before[name]) / sent * 1000 for name, pid in pids.items()}
        measure(zalo)
    each = ", ".join(f"{name} {cpu:.2f}" for name, cpu in spent.items())
    print(
        f"fan-out, limits lifted: {sent / seconds:.0f}/s over {provinces} provinces ({sent} in {seconds:.1f} s), "
        f"{sent / seconds / (sum(ceilings) / len(ceilings)):.2f} (target ≥ 0.5) of a bare aiohttp loop to the same stand-in, "
        f"{', '.join(f'{rate:.0f}/s' for rate in ceilings)}\n"
        f"  {sum(spent.values()):.2f} CPU s per 1,000 messages (target ≤ 1.0): {each}",
        flush=True,
    )
    return sum(spent.values())


def full(minutes: float = MINUTES) -> None:
    """Every province at its full rate; the first minute fills the windows and is not counted."""
    with sending("govchat", PROVINCES, int(2000 * (minutes + 1.5))) as (zalo, tenants, pids):
        time.sleep(65)
        began, first = time.perf_counter(), ask(f"{zalo}/stats")["accepted"]
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        time.sleep(minutes * 60)
        seconds, stats = time.perf_counter() - began, ask(f"{zalo}/stats")
        spent = {name: cpu_seconds(pid) - cpu for (name, pid), cpu in zip(pids.items(), before.values(), strict=True)}
    rates = [(stats["accepted"][t.oa_id] - first[t.oa_id]) / seconds * 60 for t in tenants]
    allowed = [t.manifest.zalo.requests_per_minute for t in tenants]
    use = sum(rates) / sum(allowed)
    jain = sum(rates) ** 2 / (len(rates) * sum(rate * rate for rate in rates))
    over = sum(stats["peak"][t.oa_id] > limit for t, limit in zip(tenants, allowed, strict=True))
    sent = sum(rates) * seconds / 60
    print(
        f"fan-out at full rate: {sum(rates) / 60:.0f}/s over {len(tenants)} provinces for {minutes:g} min; use of the allowed rate "
        f"{use:.3f} (target ≥ 0.97), over it in any sliding minute: {over} provinces (target 0; highest {max(stats['peak'].values())}), "
        f"Jain {jain:.4f} (target ≥ 0.99), repeated {stats['repeated']}; {sum(spent.values()) / sent * 1000:.2f} CPU s per 1,000 messages "
        f"({', '.join(f'{name} {cpu / seconds:.2f}' for name, cpu in spent.items())} of a core)",
        flush=True,
    )


if __name__ == "__main__":
    main()
