"""Rotating the master keys: everything that stands under an older one is sealed anew under the newest, while everything runs.

Each row is a transaction of its own (a page of events is one), so this may be interrupted and run again at any moment. Data keys of
tenants keep their value and get a new wrapping: processes that have opened them notice nothing.
"""

from collections import Counter
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import select, text

from govchat.audit.record import note
from govchat.kit.crypto import SealBroken
from govchat.tenants.models import TenantKeyRow, TenantRecord, ZaloAppRow
from govchat.tenants.registry import Registry, secret_context

log = structlog.get_logger()

APP_COLUMNS = ("app_secret", "oa_secret", "pkce_verifier")
PAGE = 200

NEXT_EVENTS = text(
    "SELECT id, body_sealed FROM unrouted_events WHERE id > :after ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED"
)
RESEAL_EVENT = text("UPDATE unrouted_events SET body_sealed = :sealed WHERE id = :id")


class Rotated(msgspec.Struct, frozen=True, kw_only=True):
    """What one run found and did. Master keys are told by name: the first eight hex digits that every value they sealed carries.

    `under` counts values by the key they stand under now; `unreadable` names those that no configured key opens.
    """

    newest: str
    configured: list[str]
    resealed: dict[str, int]
    under: dict[str, int]
    unreadable: list[str]

    @property
    def removable(self) -> list[str]:
        """Configured keys that nothing stands under any more."""
        return [key for key in self.configured if key != self.newest and not self.under.get(key)]


class _Tally:
    """Counts while going through the values."""

    def __init__(self, registry: Registry, *, dry: bool) -> None:
        self.vault = registry.vault
        self.dry = dry
        self.resealed: Counter[str] = Counter()
        self.under: Counter[str] = Counter()
        self.unreadable: list[str] = []

    def look(self, sealed: bytes, context: str, kind: str) -> bytes | None:
        """The value sealed anew; None when it stands under the newest key already, can't be opened, or nothing is to be changed."""
        if not self.vault.is_newest(sealed) and not self.dry:
            try:
                fresh = self.vault.reseal(sealed, context)
            except SealBroken as error:
                log.error("secret.not_resealed", place=context, reason=str(error))
                self.unreadable.append(context)
            else:
                self.resealed[kind] += 1
                self.under[self.vault.key_of(fresh)] += 1
                return fresh
        self.under[self.vault.key_of(sealed)] += 1
        return None


async def rotate(registry: Registry, *, actor: str, dry: bool = False) -> Rotated:
    """Seal everything anew that stands under an older master key; with `dry` only count."""
    tally = _Tally(registry, dry=dry)
    await _apps(registry, tally)
    await _tenant_keys(registry, tally, actor)
    await _unrouted(registry, tally)
    done = Rotated(
        newest=registry.vault.key_ids[0],
        configured=list(registry.vault.key_ids),
        resealed=dict(tally.resealed),
        under=dict(tally.under),
        unreadable=tally.unreadable,
    )
    if not dry:
        log.info("secret.rotated", resealed=sum(tally.resealed.values()), unreadable=len(tally.unreadable))
    return done


async def _apps(registry: Registry, tally: _Tally) -> None:
    async with registry.db.registry() as session:
        app_ids = list(await session.scalars(select(ZaloAppRow.app_id).order_by(ZaloAppRow.app_id)))
    for app_id in app_ids:
        async with registry.db.registry() as session:
            row = await session.get_one(ZaloAppRow, app_id, with_for_update=True)
            for column in APP_COLUMNS:
                sealed = getattr(row, f"{column}_sealed")
                fresh = sealed and tally.look(sealed, secret_context(app_id, column), "app secrets")
                if fresh:
                    setattr(row, f"{column}_sealed", fresh)


async def _tenant_keys(registry: Registry, tally: _Tally, actor: str) -> None:
    async with registry.db.registry() as session:
        tenant_ids = list(await session.scalars(select(TenantRecord.id).order_by(TenantRecord.slug)))
    for tenant_id in tenant_ids:
        async with registry.db.tenant(tenant_id) as session:
            row = await session.get(TenantKeyRow, tenant_id, with_for_update=True)
            if row is None or row.destroyed_at is not None:
                continue
            before = registry.vault.key_of(row.wrapped_key)
            fresh = tally.look(row.wrapped_key, f"tenant_keys.wrapped_key/{tenant_id}", "tenant keys")
            if fresh:
                row.wrapped_key = fresh
                await note(
                    session,
                    tenant_id,
                    actor=actor,
                    act="key.rewrapped",
                    subject="tenant key",
                    before={"master_key": before},
                    after={"master_key": registry.vault.key_of(fresh)},
                )


async def _unrouted(registry: Registry, tally: _Tally) -> None:
    """Page by page; a page that another run holds is left to it."""
    after = UUID(int=0)
    while True:
        async with registry.db.registry() as session:
            rows = (await session.execute(NEXT_EVENTS, {"after": after, "most": PAGE})).all()
            for row in rows:
                fresh = tally.look(row.body_sealed, f"unrouted_events.body/{row.id}", "unrouted events")
                if fresh:
                    await session.execute(RESEAL_EVENT, {"id": row.id, "sealed": fresh})
        if not rows:
            return
        after = rows[-1].id
