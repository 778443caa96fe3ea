"""A noisy neighbour: one province with a million recipients queued, the citizens of all others chatting, on one machine.

Target: the others' p95 from webhook to reply stays within 1.5 times what it is while no campaign runs. What it is while the million is
being planned is printed beside it. `BENCH_RECIPIENTS` sets the number.
"""

import time
from uuid import UUID

import uvloop
from sqlalchemy import text

from benchmarks.campaigns import RECIPIENTS, announce
from benchmarks.replies import Talk, ask, burst, talking
from govchat.db.session import Database
from govchat.kit import clock
from govchat.local.followers import sow
from govchat.settings import Settings
from govchat.tenants.registry import Registry

PROVINCES = 34
# A message a second from each province that chats.
RATE = 33.0
SECONDS, PLANNING_SECONDS = 45, 20
# So many of the loud province's followers are known to the simulator: more than it can send meanwhile.
KNOWN = 20_000


def main() -> None:
    """Run and print."""
    with talking(PROVINCES, bulk=True) as talk:
        loud, *others = talk.burst["oas"]
        talk.burst = talk.burst | {"oas": others}
        uvloop.run(_sow(talk.place.settings, loud))
        ask(f"{talk.zalo}/_control/seed", {"count": KNOWN, "oa": loud})
        idle = _chat(talk, "nobody sends", SECONDS)
        tenant_id = uvloop.run(_announce(talk.place.settings, loud))
        planning = _chat(talk, "a million is being planned", PLANNING_SECONDS)
        while (queued := uvloop.run(_queued(talk.place.settings, tenant_id))) < RECIPIENTS:
            time.sleep(2)
        queued = _chat(talk, "a million is queued and sent", SECONDS)
        print(
            f"noisy neighbour: p95 of {len(others)} provinces {queued / idle:.2f} × idle with {RECIPIENTS} queued next door "
            "(target ≤ 1.5); "
            f"{planning / idle:.2f} × while they are planned",
            flush=True,
        )


def _chat(talk: Talk, what: str, seconds: int) -> float:
    """The others' p95, ms."""
    sent, stats = burst(talk, RATE, seconds)
    reply = stats["reply_ms"]
    print(
        f"  {what}: {reply['count']} of {sent} answered, p50 {reply['p50']:.0f}, p95 {reply['p95']:.0f}, p99 {reply['p99']:.0f} ms; "
        f"accepted in all {stats['accepted']}",
        flush=True,
    )
    return float(reply["p95"])


async def _sow(settings: Settings, slug: str) -> None:
    db, registry = await _open(settings)
    await sow(db, registry.by_slug(slug).id, slug, RECIPIENTS, clock.now())
    await db.close()


async def _announce(settings: Settings, slug: str) -> UUID:
    db, registry = await _open(settings)
    tenant = registry.by_slug(slug)
    await announce(registry, tenant)
    await db.close()
    return tenant.id


async def _queued(settings: Settings, tenant_id: UUID) -> int:
    db, _ = await _open(settings)
    async with db.tenant(tenant_id) as session:
        planned = await session.scalar(text("SELECT coalesce(sum(planned), 0) FROM outbox_bodies"))
    await db.close()
    return int(planned or 0)


async def _open(settings: Settings) -> tuple[Database, Registry]:
    db = Database.connect(settings.database_url, part="bench", pool_size=2, statement_timeout_ms=600_000)
    registry = Registry(db, settings)
    await registry.load()
    return db, registry


if __name__ == "__main__":
    main()
