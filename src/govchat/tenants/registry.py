"""Which tenant an Official Account, a webhook key or an API key belongs to: a snapshot in memory, refreshed when the rows change.

Every process keeps one `Registry`. The snapshot is immutable and swapped whole, so a reader never sees half an update; a look-up that
finds nothing asks the database again, at most once in `RELOAD_EVERY` seconds.
"""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar, cast
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.db.session import Database
from govchat.errors import DomainError
from govchat.kit.crypto import SealBroken, SealDisplaced, TenantVault, Vault
from govchat.kit.patience import within
from govchat.settings import Settings
from govchat.tenants.manifest import Manifest
from govchat.tenants.models import OaCredentialRow, TenantKeyRow, TenantRecord, ZaloAppRow
from govchat.tenants.snapshot import App, PkceMode, Snapshot, Tenant, h_codes_of
from govchat.tenants.tokens import token_context

__all__ = (
    "App",
    "KeyDestroyed",
    "KeyUnreadable",
    "PkceMode",
    "Registry",
    "RegistryUnreadable",
    "Snapshot",
    "Tenant",
    "TenantNotFound",
    "secret_context",
)

log = structlog.get_logger()

T = TypeVar("T")

RELOAD_EVERY = 2.0
# Zalo waits two seconds for its answer, whatever the database does.
PATIENCE_S = 1.5

KEYS = "SELECT tenant, wrapped FROM tenant_keys_of($1)"


class TenantNotFound(DomainError):
    """No tenant of that name."""

    status = 404
    code = "tenant_not_found"
    title = "No such tenant"


class RegistryUnreadable(DomainError):
    """What was asked for is not in memory and the database is away."""

    status = 503
    code = "registry_unreadable"
    title = "The database is away, try again"


class KeyDestroyed(DomainError):
    """The tenant's data key was destroyed: its secrets and personal data can't be read by anybody any more."""

    status = 410
    code = "tenant_key_destroyed"
    title = "The data of this tenant was made unreadable for good"


class KeyUnreadable(DomainError):
    """The tenant's data key does not open with the configured master keys; nothing is lost, the configuration is wrong."""

    status = 503
    code = "tenant_key_unreadable"
    title = "The tenant's data key can't be opened"


class Registry:
    """The snapshot, the master vault and each tenant's vault, opened once."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self.db = db
        self.settings = settings
        self.vault = Vault(settings.master_keys, settings.env)
        self.now = Snapshot((), {}, {}, {}, {}, {}, {}, {})
        self._vaults: dict[UUID, TenantVault] = {}
        self._oa_secrets: dict[UUID, str | None] = {}
        self._asked = 0.0
        self._unreadable = False
        self._reloading = asyncio.Lock()
        self._looking: asyncio.Task[None] | None = None

    @property
    def assets_url(self) -> str:
        """Where Zalo fetches our pictures."""
        return f"{self.settings.public_url}/assets"

    async def load(self) -> Snapshot:
        """Read the registry again if its rows changed since the last time."""
        snapshot = await self._load()
        self._unreadable = False
        return snapshot

    async def _load(self) -> Snapshot:
        async with self._reloading:
            self._asked = time.monotonic()
            async with self.db.registry() as session:
                seen = await _stamp(session)
                if seen == self.now.stamp:
                    return self.now
                apps = list((await session.scalars(select(ZaloAppRow))).all())
                tenants = list((await session.scalars(select(TenantRecord).order_by(TenantRecord.slug))).all())
            self.now = self._snapshot(seen, apps, tenants)
            self._oa_secrets.clear()
            # A closed tenant's key may be destroyed: it is not held open.
            for tenant in self.now.tenants.values():
                if tenant.state == "closed":
                    self._vaults.pop(tenant.id, None)
            return self.now

    def _snapshot(self, stamp: tuple[Any, ...], apps: list[ZaloAppRow], rows: list[TenantRecord]) -> Snapshot:
        by_id = {row.app_id: self._app(row) for row in apps}
        tenants = [
            Tenant(
                id=row.id,
                slug=row.slug,
                key_tag=row.key_tag,
                full_name=row.full_name,
                state=row.state,
                oa_id=row.oa_id,
                app=by_id[row.app_id],
                manifest=msgspec.convert(row.manifest, Manifest),
                former_app=by_id.get(row.former_app_id or ""),
                former_app_until=row.former_app_until,
            )
            for row in rows
        ]
        return Snapshot(
            stamp,
            {app.key: app for app in by_id.values()},
            {tenant.id: tenant for tenant in tenants},
            {tenant.oa_id: tenant for tenant in tenants},
            {tenant.slug: tenant for tenant in tenants},
            {tenant.key_tag: tenant for tenant in tenants},
            {app_id: tuple(t for t in tenants if t.app.app_id == app_id) for app_id in by_id},
            h_codes_of(tenants),
            by_id,
        )

    def _app(self, row: ZaloAppRow) -> App:
        def opened(sealed: bytes | None, column: str) -> str | None:
            if sealed is None:
                return None
            try:
                return self.vault.open(sealed, secret_context(row.app_id, column)).decode()
            except SealDisplaced as error:
                # Like one that was never set: its provinces are told to set it again, the others go on.
                log.error("registry.secret_unreadable", app=row.key, reason=str(error))
                return None

        return App(
            app_id=row.app_id,
            key=row.key,
            app_secret=opened(row.app_secret_sealed, "app_secret"),
            oa_secret=opened(row.oa_secret_sealed, "oa_secret"),
            enforce=row.signature == "enforce",
            requests_per_minute=row.requests_per_minute,
            pkce_mode=cast("PkceMode", row.pkce_mode),
            pkce_verifier=opened(row.pkce_verifier_sealed, "pkce_verifier"),
        )

    async def _missed(self) -> bool:
        """Look again, unless that was done a moment ago; all who miss something meanwhile wait for the same look.

        Raises `RegistryUnreadable` while the database is away.
        """
        before = self.now.stamp
        if self._looking is None and time.monotonic() - self._asked >= RELOAD_EVERY:
            self._asked = time.monotonic()
            self._looking = asyncio.create_task(self._look_again())
        if self._looking is not None:
            await asyncio.shield(self._looking)
        if self._unreadable:
            # It may be there by now: a wrong "no" would be taken for an answer.
            raise RegistryUnreadable("the database is away, try again")
        return self.now.stamp != before

    async def _look_again(self) -> None:
        try:
            await within(PATIENCE_S, self.load())
        except (SQLAlchemyError, OSError, TimeoutError, SealBroken) as error:
            self._unreadable = True
            log.warning("registry.reload_failed", error=type(error).__name__)
        finally:
            self._looking = None

    async def app(self, key: str) -> App | None:
        """The app that a webhook key names."""
        found = self.now.apps.get(key)
        if found is None and await self._missed():
            found = self.now.apps.get(key)
        return found

    async def by_oa(self, oa_id: str) -> Tenant | None:
        """The tenant that speaks through an Official Account."""
        found = self.now.by_oa.get(oa_id)
        if found is None and await self._missed():
            found = self.now.by_oa.get(oa_id)
        return found

    async def by_tag(self, tag: str) -> Tenant | None:
        """The tenant that an API key's tag names."""
        found = self.now.by_tag.get(tag)
        if found is None and await self._missed():
            found = self.now.by_tag.get(tag)
        return found

    async def by_id(self, tenant_id: UUID) -> Tenant:
        """The tenant with this id; raises `TenantNotFound`."""
        found = self.now.tenants.get(tenant_id)
        if found is None and await self._missed():
            found = self.now.tenants.get(tenant_id)
        if found is None:
            raise TenantNotFound(f"tenant {tenant_id} is not in the registry")
        return found

    def by_slug(self, slug: str) -> Tenant:
        """The tenant of that name; raises `TenantNotFound` naming the command that lists them."""
        found = self.now.by_slug.get(slug)
        if found is None:
            raise TenantNotFound(
                f'không có đơn vị "{slug}": xem tên các đơn vị bằng `govchat tenant list`; chưa áp dụng thì `govchat tenant apply {slug}`'
            )
        return found

    async def tenant_vault(self, tenant_id: UUID) -> TenantVault:
        """The tenant's own vault, opened once per process. Raises `KeyDestroyed`, `KeyUnreadable`, `TenantNotFound`."""
        found = self._vaults.get(tenant_id)
        if found is None:
            key = await self._patiently(self._key(tenant_id))
            if key is None:
                raise TenantNotFound(f"tenant {tenant_id} has no data key: apply its manifest again")
            if key.destroyed_at is not None:
                raise KeyDestroyed(
                    f"the key of tenant {tenant_id} was destroyed on {key.destroyed_at:%Y-%m-%d}: what it sealed can't be read any more"
                )
            try:
                found = self.vault.tenant(str(tenant_id), key.wrapped_key)
            except SealBroken as error:
                raise KeyUnreadable(f"{error}; set GOVCHAT_MASTER_KEYS to every key that is still in use") from None
            known = self.now.tenants.get(tenant_id)
            if known is None or known.state != "closed":
                self._vaults[tenant_id] = found
        return found

    async def open_vaults(self) -> None:
        """Open the vaults of all tenants that may speak, in one round trip: none of their first messages waits for its key.

        What can't be opened is left to `tenant_vault`, which says why.
        """
        which = [one.id for one in self.now.tenants.values() if one.state != "closed" and one.id not in self._vaults]
        for tenant_id, wrapped in await self.db.rows(KEYS, which) if which else ():
            try:
                self._vaults.setdefault(tenant_id, self.vault.tenant(str(tenant_id), wrapped))
            except SealBroken:
                continue

    async def oa_secret(self, tenant: Tenant) -> str | None:
        """The Official Account's own secret key, where one was set beside its app's."""
        if tenant.id not in self._oa_secrets:
            self._oa_secrets[tenant.id] = await self._patiently(self._oa_secret(tenant))
        return self._oa_secrets[tenant.id]

    async def _patiently(self, asking: Coroutine[Any, Any, T]) -> T:
        try:
            return await within(PATIENCE_S, asking)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            raise RegistryUnreadable("the database is away, try again") from error

    async def _key(self, tenant_id: UUID) -> TenantKeyRow | None:
        async with self.db.tenant(tenant_id) as session:
            return await session.get(TenantKeyRow, tenant_id)

    async def _oa_secret(self, tenant: Tenant) -> str | None:
        async with self.db.tenant(tenant.id) as session:
            query = select(OaCredentialRow.oa_secret_sealed)
            sealed = await session.scalar(
                query.where(OaCredentialRow.tenant_id == tenant.id, OaCredentialRow.oa_id == tenant.oa_id)
            )
        if sealed is None:
            return None
        vault = await self.tenant_vault(tenant.id)
        try:
            return vault.open(sealed, token_context(tenant.oa_id, "oa_secret")).decode()
        except SealDisplaced as error:
            log.error("registry.secret_unreadable", tenant=tenant.slug, reason=str(error))
            return None

    async def stamp(self) -> tuple[Any, ...]:
        """What moves whenever a row of the registry changes."""
        async with self.db.registry() as session:
            return await _stamp(session)

    async def freshen(self) -> None:
        """Look at the rows now; the old snapshot keeps serving when that fails."""
        try:
            await self.load()
        except Exception as error:
            log.warning("registry.reload_failed", error=type(error).__name__)

    async def keep_fresh(self, every_s: float = 10.0) -> None:
        """Reload when a command tells of a change, and every so often besides, for as long as the process lives."""
        from govchat.kit.news import REGISTRY, Ear  # noqa: PLC0415  commands read the registry too, and need no Redis for it

        async with Ear(self.settings.redis_url, REGISTRY) as ear:
            while True:
                await ear.within(every_s)
                await self.freshen()
                await self.warm()

    async def warm(self) -> None:
        """Have the keys at hand; when that fails, each is read when it is needed."""
        try:
            await self.open_vaults()
        except Exception as error:
            log.warning("registry.keys_not_read", error=type(error).__name__)


async def _stamp(session: AsyncSession) -> tuple[Any, ...]:
    found = await session.execute(
        select(
            select(func.max(TenantRecord.updated_at)).scalar_subquery(),
            select(func.count()).select_from(TenantRecord).scalar_subquery(),
            select(func.max(ZaloAppRow.updated_at)).scalar_subquery(),
            select(func.count()).select_from(ZaloAppRow).scalar_subquery(),
        )
    )
    return tuple(found.one())


def secret_context(app_id: str, column: str) -> str:
    """Where an app's secret stands, for sealing."""
    return f"zalo_apps.{column}/{app_id}"
