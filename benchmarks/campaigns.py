"""Planning a campaign for a million followers against one bare INSERT … SELECT of the same rows, and what its counts cost to read.

Targets: 1,000,000 recipients in ≤ 60 s on two cores, the memory of the worker flat (≤ 200 MiB). `BENCH_RECIPIENTS` sets the number.
"""

import os
import statistics
import time
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text

from benchmarks.ground import Ground, cpu_seconds, ground, resident_mib
from govchat.campaigns import draft, queries, steer
from govchat.campaigns.fanout import Fanout
from govchat.campaigns.schemas import AudienceIn, CampaignIn, MessageIn
from govchat.db.session import Database
from govchat.kit import clock
from govchat.kit.ids import new_id
from govchat.local.followers import sow
from govchat.procedures.book import Book
from govchat.tenants.registry import Registry, Tenant

RECIPIENTS = int(os.environ.get("BENCH_RECIPIENTS", "1000000"))
TEXT = "Cảnh báo bão số 9: từ 18 giờ hôm nay mưa rất to, bà con ven sông chủ động di dời theo hướng dẫn của xã."

# The very rows, without asking who may be told, without pages, cursors or counts.
BARE = """
INSERT INTO outbox_messages (tenant_id, id, lane, cause, caused_at, due_at, citizen_id, body_ref, echo_hash, state)
SELECT c.tenant_id, outbox_new_id(), 3, 'campaign:{body}', now(), clock_timestamp(), c.id,
       '{body}', decode(repeat('ab', 32), 'hex'), 'queued'
FROM citizens c WHERE c.tenant_id = '{tenant}'
"""


def main() -> None:
    """Run and print."""
    import uvloop  # noqa: PLC0415

    with ground(provinces=1) as place:
        uvloop.run(_run(place))


async def _run(place: Ground) -> None:
    db = Database.connect(place.settings.database_url, part="bench", pool_size=4, statement_timeout_ms=600_000)
    registry = Registry(db, place.settings)
    await registry.load()
    (tenant,) = registry.now.tenants.values()
    began = time.perf_counter()
    await sow(db, tenant.id, tenant.slug, RECIPIENTS, clock.now())
    print(f"{RECIPIENTS} followers sown in {time.perf_counter() - began:.1f} s", flush=True)
    bare = await _bare(db, tenant)
    ours = await _plan(place, registry, tenant)
    print(f"ratio to the bare insert: {bare / ours:.2f}", flush=True)
    await db.close()


async def _bare(db: Database, tenant: Tenant) -> float:
    began = time.perf_counter()
    async with db.tenant(tenant.id) as session:
        await session.execute(text(BARE.format(body=new_id(), tenant=tenant.id)))
    took = time.perf_counter() - began
    print(f"one bare INSERT … SELECT: {took:.1f} s, {RECIPIENTS / took:.0f} rows/s", flush=True)
    return took


async def announce(registry: Registry, tenant: Tenant) -> UUID:
    """A campaign to every follower of a province, approved: whoever moves campaigns on begins it."""
    book, vault = Book(registry.db, registry), await registry.tenant_vault(tenant.id)
    asked = CampaignIn(
        name="Đo", class_="announcement", message=MessageIn(text=TEXT), audience=AudienceIn(all_followers=True)
    )
    async with registry.db.tenant(tenant.id) as session:
        made = await draft.draft(session, vault, tenant.id, asked, book.of(tenant.id), actor="bench:one")
        await steer.approve(session, tenant.id, made.id, actor="bench:two")
    return made.id


async def plan_all(registry: Registry) -> None:
    """Plan every campaign that was approved, to its last recipient."""
    fanout = Fanout(registry, _nobody(), _nobody(), look=lambda _: None)
    while (await fanout.round())[0]:
        pass


async def _plan(place: Ground, registry: Registry, tenant: Tenant) -> float:
    campaign = await announce(registry, tenant)
    fanout = Fanout(registry, _nobody(), _nobody(), look=lambda _: None)
    start_mib = peak = resident_mib(os.getpid())
    cpu = cpu_seconds(os.getpid()), cpu_seconds(place.postgres_pid)
    began, reads = time.perf_counter(), []
    vault = await registry.tenant_vault(tenant.id)
    while True:
        moved, _ = await fanout.round()
        peak = max(peak, resident_mib(os.getpid()))
        read = time.perf_counter()
        async with registry.db.tenant(tenant.id) as session:
            shown = await queries.get(session, vault, tenant.id, campaign)
        reads.append(time.perf_counter() - read)
        if not moved and not shown.planning:
            break
    took = time.perf_counter() - began
    assert shown.counts.total == RECIPIENTS, msgspec.to_builtins(shown.counts)
    print(
        f"planned: {took:.1f} s (target ≤ 60), {RECIPIENTS / took:.0f} recipients/s; worker {start_mib:.0f} MiB at the beginning, "
        f"{peak:.0f} at most (target ≤ 200); CPU {cpu_seconds(os.getpid()) - cpu[0]:.1f} s here, "
        f"{cpu_seconds(place.postgres_pid) - cpu[1]:.1f} s PostgreSQL; counts read in {statistics.median(reads) * 1000:.1f} ms (median)",
        flush=True,
    )
    return took


def _nobody() -> Any:
    """Nothing is asked of Zalo while planning."""
    return None


if __name__ == "__main__":
    main()
