"""What has to be done every so often, by one of however many workers: each chore with its period, and who does it this time.

A worker claims a chore for its period in Redis; without Redis each worker does the chores by itself, which costs time and changes
nothing: all of them may be done twice, at once, and again.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from uuid import UUID

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from govchat.callbacks.tidy import tidy
from govchat.connect.backfill import Hands
from govchat.connect.keep import keep
from govchat.db.away import ANY_FAILURE
from govchat.dossiers.watch import note_all
from govchat.errors import DomainError
from govchat.files.keep import sweep as sweep_files
from govchat.files.store import Store
from govchat.handoff.mute import end_silent
from govchat.incidents.measure import measure
from govchat.kit import clock
from govchat.notices.rounds import all_tenants, sync_templates
from govchat.petitions.watch import watch
from govchat.privacy import retention
from govchat.privacy.erase import resume
from govchat.procedures.book import Book
from govchat.ratings.invite import AFTER, UNTIL, invite_due
from govchat.tenants.registry import Registry

log = structlog.get_logger()

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
# After each province, what is done once a day rests this many times as long as it took: citizens' messages are worked off beside it.
REST_BESIDE = 2.0

# A look in one round trip leaves the tenants where nothing stirred alone.
CITIZENS = "SELECT tenant FROM citizens_to_think_of($1, $2, $3, $4)"


class Chore(msgspec.Struct, frozen=True):
    """One chore: `shared` chores are done by one worker in a period, the others by every worker."""

    name: str
    every_s: float
    act: Callable[[], Awaitable[object]]
    shared: bool = True


def chores_of(hands: Hands, book: Book, look: Callable[[UUID], object]) -> list[Chore]:
    """Everything that is done every so often; `look` is called with a tenant for whose citizens messages were put."""
    registry = hands.registry

    async def overdue() -> None:
        for tenant_id in await note_all(registry, book):
            look(tenant_id)

    async def count_incidents() -> None:
        await measure(registry.db, {tenant.id: tenant.slug for tenant in registry.now.tenants.values()})

    return [
        Chore("keep", 3 * MINUTE, lambda: keep(hands)),
        Chore("incidents", MINUTE / 2, count_incidents, shared=False),
        Chore("overdue", MINUTE, overdue),
        Chore("notices", 3 * MINUTE, lambda: all_tenants(registry)),
        Chore("templates", 15 * MINUTE, lambda: sync_templates(registry, hands.credentials, hands.zalo)),
        Chore("citizens", 3 * MINUTE, lambda: _think_of_citizens(registry, look)),
        Chore("erase", HOUR, lambda: _each(registry, lambda tenant_id: resume(registry, tenant_id))),
        Chore("forget", DAY, lambda: _forget(registry)),
        Chore("tidy_callbacks", DAY, lambda: tidy(registry)),
    ]


async def _think_of_citizens(registry: Registry, look: Callable[[UUID], object]) -> None:
    """Petitions past their day, ratings to be asked for, officers who fell silent."""
    which = [tenant.id for tenant in registry.now.tenants.values() if tenant.speaks]
    now = clock.now()

    async def one(tenant_id: UUID) -> None:
        vault = await registry.tenant_vault(tenant_id)
        async with registry.db.tenant(tenant_id) as session:
            await watch(session, vault, tenant_id)
            invited = await invite_due(session, vault, tenant_id)
            await end_silent(session, tenant_id)
        if invited:
            look(tenant_id)

    rows = await registry.db.rows(CITIZENS, which, now, now - UNTIL, now - AFTER)
    await _each(registry, one, [row["tenant"] for row in rows])


async def _forget(registry: Registry) -> None:
    """Whatever was kept for long enough."""
    store = Store.open(registry.settings)

    async def one(tenant_id: UUID) -> None:
        await retention.sweep(registry, tenant_id)
        await sweep_files(store, registry, tenant_id)

    await _each(registry, one, rest=REST_BESIDE)


async def _each(
    registry: Registry,
    act: Callable[[UUID], Awaitable[object]],
    which: Iterable[UUID] | None = None,
    *,
    rest: float = 0.0,
) -> None:
    """Do it for these provinces, or all, one after the other: one's trouble is not the others'."""
    for tenant_id in list(registry.now.tenants if which is None else which):
        began = time.monotonic()
        try:
            await act(tenant_id)
        except (DomainError, *ANY_FAILURE) as error:
            tenant = registry.now.tenants.get(tenant_id)
            log.warning("chore.tenant_failed", tenant=tenant and tenant.slug, error=type(error).__name__)
        await asyncio.sleep(rest * (time.monotonic() - began))


async def run(redis: "Redis", chores: list[Chore]) -> None:
    """Do the chores for as long as the process lives."""
    await asyncio.gather(*(_run(redis, chore) for chore in chores))


async def _run(redis: "Redis", chore: Chore) -> None:
    # Workers that start together don't all ask at the same moment, and what is done once a day waits until the start is over.
    await asyncio.sleep(random.uniform(0.1, 0.3) * min(chore.every_s, HOUR if chore.every_s >= DAY else MINUTE))  # noqa: S311
    while True:
        try:
            if not chore.shared or await _ours(redis, chore):
                await chore.act()
        except Exception as error:  # the next period tries again
            log.warning("chore.failed", chore=chore.name, error=type(error).__name__, exc_info=error)
        await asyncio.sleep(chore.every_s)


async def _ours(redis: "Redis", chore: Chore) -> bool:
    """Whether this worker does it this time."""
    try:
        return bool(await redis.set(f"govchat:chore:{chore.name}", b"1", nx=True, px=int(chore.every_s * 900)))
    except (RedisError, OSError, TimeoutError):
        return True
