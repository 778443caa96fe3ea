"""Campaign messages from the outbox to a stand-in for Zalo, over all provinces.

Targets, on two cores with everything on them: limits lifted, at least half the rate of a bare aiohttp loop that posts the same payloads to
the same stand-in, and at most 1.0 CPU second per 1,000 messages for worker, PostgreSQL and Valkey together; 34 provinces at once at
their full 2,000 a minute: use of the allowed rate at least 0.97, never over it, Jain's index at least 0.99.

`python -m benchmarks.fanout [lifted|full] [MINUTES]`.
"""

import asyncio
import contextlib
import sys
import time
from typing import Any

import aiohttp
import uvloop

from benchmarks.ground import Ground, cpu_seconds, ground, port, process, wait_for
from benchmarks.replies import ask
from govchat.db.session import Database
from govchat.kit import clock
from govchat.local.followers import sow
from govchat.outbox.put import Draft, Lane, put
from govchat.tenants.registry import Registry, Tenant
from govchat.zalo import messages

TEXT = "Cảnh báo bão số 9: từ 18 giờ hôm nay mưa rất to, bà con ven sông chủ động di dời theo hướng dẫn của xã."
LIFTED = 500  # messages a province
BATCH = 1000
CONCURRENT = 64
WORKERS = 2


async def fill(place: Ground, count: int) -> list[Tenant]:
    """`count` campaign messages to as many followers in every province's outbox."""
    db = Database.connect(place.settings.database_url, part="fill", pool_size=4)
    registry = Registry(db, place.settings)
    await registry.load()
    tenants = list(registry.now.tenants.values())
    for tenant in tenants:
        await sow(db, tenant.id, tenant.slug, count, clock.now())
        vault = await registry.tenant_vault(tenant.id)
        rows = await _citizens(db, tenant)
        for first in range(0, len(rows), BATCH):
            drafts = [
                Draft(
                    citizen_id=row[0],
                    message=messages.texts(row[1], TEXT, [])[0],
                    lane=Lane.CAMPAIGN,
                    dedupe_key=f"campaign:1:{row[1]}",
                    cause="campaign:1",
                    caused_at=clock.now(),
                )
                for row in rows[first : first + BATCH]
            ]
            async with db.tenant(tenant.id) as session:
                await put(session, vault, tenant.id, drafts)
    await db.close()
    return tenants


async def _citizens(db: Database, tenant: Tenant) -> list[Any]:
    from sqlalchemy import text  # noqa: PLC0415

    async with db.tenant(tenant.id) as session:
        found = await session.execute(text("SELECT id, zalo_user_id FROM citizens ORDER BY id"))
        return list(found.all())


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


def total(url: str) -> int:
    """How many sends the stand-in has taken."""
    return sum(ask(f"{url}/stats")["accepted"].values())


def main() -> None:
    """Run and print."""
    what = sys.argv[1] if len(sys.argv) > 1 and sys.argv[1] in ("lifted", "full") else "lifted"
    minutes = float(sys.argv[2]) if len(sys.argv) > 2 else 3.0
    with ground() as place, contextlib.ExitStack() as stack:
        zalo_port = port()
        zalo = f"http://127.0.0.1:{zalo_port}"
        place.settings = place.settings.__class__(
            **{name: getattr(place.settings, name) for name in place.settings.__struct_fields__}
            | {f"zalo_{name}_url": zalo for name in ("openapi", "oauth", "business")}
        )
        environ = {**place.environ, "GOVCHAT_DATA_DIR": str(place.folder)}
        stack.enter_context(process(["-m", "benchmarks.standin", str(zalo_port)], environ, place.folder / "zalo.log"))
        wait_for(f"{zalo}/stats")
        count = LIFTED if what == "lifted" else int(2000 * (minutes + 1.5))
        if what == "lifted":
            ceiling = uvloop.run(bare(zalo, 8000))
            print(f"fan-out: a bare aiohttp loop posts {ceiling:.0f}/s to the stand-in")
            environ["GOVCHAT_BENCH_LIFTED"] = "1"
        tenants = uvloop.run(fill(place, count))
        ask(f"{zalo}/stats", method="DELETE")
        module = "benchmarks.lifted" if what == "lifted" else "govchat"
        pids = {"PostgreSQL": place.postgres_pid, "Valkey": place.valkey_pid}
        for number in range(1, WORKERS + 1):
            log = place.folder / f"bulk-{number}.log"
            worker = stack.enter_context(process(["-m", module, "worker", "--bulk"], environ, log))
            pids[f"worker {number}"] = worker.pid
        (lifted if what == "lifted" else full)(zalo, tenants, pids, count, minutes)
        if what == "lifted":
            print(f"  the bare loop again: {uvloop.run(bare(zalo, 8000)):.0f}/s (target ≥ 0.5 of it)")


def lifted(zalo: str, tenants: list[Tenant], pids: dict[str, int], count: int, _: float) -> None:
    """No limits: from the first thousand to the last."""
    everything = count * len(tenants)
    while total(zalo) < 1000:
        time.sleep(0.05)
    began, first = time.perf_counter(), total(zalo)
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    while (last := total(zalo)) < everything - 500 and time.perf_counter() - began < 120:
        time.sleep(0.2)
    seconds, sent = time.perf_counter() - began, last - first
    spent = {name: (cpu_seconds(pid) - before[name]) / sent * 1000 for name, pid in pids.items()}
    print(f"fan-out, limits lifted: {sent / seconds:.0f}/s over {len(tenants)} provinces ({sent} in {seconds:.1f} s)")
    each = ", ".join(f"{name} {cpu:.2f}" for name, cpu in spent.items())
    print(f"  {sum(spent.values()):.2f} CPU s per 1,000 messages (target ≤ 1.0): {each}", flush=True)


def full(zalo: str, tenants: list[Tenant], pids: dict[str, int], _: int, minutes: float) -> None:
    """Every province at its full rate; the first minute fills the windows and is not counted."""
    time.sleep(65)
    began, first = time.perf_counter(), ask(f"{zalo}/stats")["accepted"]
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    time.sleep(minutes * 60)
    seconds, stats = time.perf_counter() - began, ask(f"{zalo}/stats")
    rates = [(stats["accepted"][t.oa_id] - first[t.oa_id]) / seconds * 60 for t in tenants]
    allowed = [t.manifest.zalo.requests_per_minute for t in tenants]
    use = sum(rates) / sum(allowed)
    jain = sum(rates) ** 2 / (len(rates) * sum(rate * rate for rate in rates))
    over = sum(stats["peak"][t.oa_id] > limit for t, limit in zip(tenants, allowed, strict=True))
    sent = sum(rates) * seconds / 60
    spent = sum((cpu_seconds(pid) - before[name]) for name, pid in pids.items()) / sent * 1000
    print(
        f"fan-out at full rate: {sum(rates) / 60:.0f}/s over {len(tenants)} provinces for {minutes:g} min; use of the allowed rate "
        f"{use:.3f} (target ≥ 0.97), over it in any sliding minute: {over} provinces (target 0; highest {max(stats['peak'].values())}), "
        f"Jain {jain:.4f} (target ≥ 0.99), repeated {stats['repeated']}; {spent:.2f} CPU s per 1,000 messages"
    )


if __name__ == "__main__":
    main()
