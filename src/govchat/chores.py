"""What has to be done every so often, by one of however many workers: each chore with its period, and who does it this time.

A worker claims a chore for its period in Redis; without Redis each worker does the chores by itself, which costs time and changes
nothing: all of them may be done twice, at once, and again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
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

log = structlog.get_logger()

MINUTE, DAY = 60.0, 86_400.0

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

    async def citizens() -> None:
        """Petitions past their day, ratings to be asked for, officers who fell silent."""
        which = [tenant.id for tenant in registry.now.tenants.values() if tenant.speaks]
        now = clock.now()
        for row in await registry.db.rows(CITIZENS, which, now, now - UNTIL, now - AFTER):
            tenant = await registry.by_id(row["tenant"])
            try:
                vault = await registry.tenant_vault(tenant.id)
                async with registry.db.tenant(tenant.id) as session:
                    await watch(session, vault, tenant.id)
                    invited = await invite_due(session, vault, tenant.id)
                    await end_silent(session, tenant.id)
            except (DomainError, *ANY_FAILURE) as error:  # one province's trouble is not the others'
                log.warning("chore.tenant_failed", tenant=tenant.slug, error=type(error).__name__)
                continue
            if invited:
                look(tenant.id)

    async def forget() -> None:
        """Erasures that were interrupted, and whatever was kept for long enough."""
        store = Store.open(registry.settings)
        for tenant in list(registry.now.tenants.values()):
            try:
                await resume(registry, tenant.id)
                await retention.sweep(registry, tenant.id)
                await sweep_files(store, registry, tenant.id)
            except (DomainError, *ANY_FAILURE) as error:
                log.warning("chore.tenant_failed", tenant=tenant.slug, error=type(error).__name__)

    async def count_incidents() -> None:
        await measure(registry.db, {tenant.id: tenant.slug for tenant in registry.now.tenants.values()})

    return [
        Chore("keep", 3 * MINUTE, lambda: keep(hands)),
        Chore("incidents", MINUTE / 2, count_incidents, shared=False),
        Chore("overdue", MINUTE, overdue),
        Chore("notices", 3 * MINUTE, lambda: all_tenants(registry)),
        Chore("templates", 15 * MINUTE, lambda: sync_templates(registry, hands.credentials, hands.zalo)),
        Chore("citizens", 3 * MINUTE, citizens),
        Chore("forget", DAY, forget),
        Chore("tidy_callbacks", DAY, lambda: tidy(registry)),
    ]


async def run(redis: "Redis", chores: list[Chore]) -> None:
    """Do the chores for as long as the process lives."""
    await asyncio.gather(*(_run(redis, chore) for chore in chores))


async def _run(redis: "Redis", chore: Chore) -> None:
    # Workers that start together don't all ask at the same moment.
    await asyncio.sleep(random.uniform(0.1, 0.3) * min(chore.every_s, MINUTE))  # noqa: S311
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
