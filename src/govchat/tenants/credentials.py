"""Working access tokens: cached, and rotated exactly once however many ask.

Zalo's refresh token is single use, and a successful refresh ends the previous access token. So: one process claims the rotation
under the row's lock (a lease longer than the HTTP time-out), calls Zalo without holding a connection, and stores the new pair under
the lock again, committed before anyone uses it. Everybody else waits for the generation to rise. docs/adr/0004 says why a lease.
Whatever ends without a working token is told as an incident that says who must do what.
"""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from govchat.db.away import ANY_FAILURE
from govchat.errors import DomainError
from govchat.kit import clock
from govchat.kit.crypto import SealBroken, TenantVault
from govchat.kit.ids import new_id
from govchat.obs import metrics
from govchat.tenants.models import OaCredentialRow
from govchat.tenants.reconsent import healed, trouble
from govchat.tenants.registry import App, Registry, Tenant
from govchat.tenants.tokens import Access, keep_previous, read_access, token_context
from govchat.zalo import oauth
from govchat.zalo.errors import ConsoleMisconfigured, NeedsReconsent, RefreshReplyLost, ZaloError

log = structlog.get_logger()

# The HTTP time-out of a refresh is 10 s; the lease outlives it, so no second refresh starts while one may still succeed.
LEASE = timedelta(seconds=30)
# A token this close to its end is rotated before it is used.
MARGIN = timedelta(minutes=5)
POLL_S = 0.1
# The old refresh token is spent: while PostgreSQL is away the new pair is held on to, well within the lease.
STORE_PAUSES_S = (0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 3.0)
WAIT_S = 35.0
# A wrong app secret stays wrong until somebody mends it: Zalo is not asked every few seconds meanwhile.
PAUSE_S, CONSOLE_PAUSE_S = 2, 60
STORED = "SELECT tenant, sealed, generation, expires_at FROM access_tokens_of($1, $2, $3)"
# Where nothing usable was stored, it is looked for again after this long: a renewal leaves it in memory.
AGAIN_S = 10.0
UNREADABLE = "token_unreadable: the stored refresh token does not open"


class CredentialRevoked(DomainError):
    """The Official Account needs a new consent; nothing can be sent until an administrator gives it."""

    status = 409
    code = "needs_reconsent"
    title = "The Official Account needs a new consent"


class CredentialBusy(DomainError):
    """The rotation did not come to an end in time; try again later."""

    status = 503
    code = "credential_busy"
    title = "The access token is being renewed"


class _Claim(msgspec.Struct, frozen=True):
    """This process holds the lease to rotate."""

    lease: UUID
    generation: int
    refresh_token: str | None  # None: it does not open
    access: Access | None
    app: App

    def __repr__(self) -> str:
        return f"_Claim(generation={self.generation})"


class Credentials:
    """Access tokens of all tenants for one process."""

    def __init__(self, registry: Registry, http: aiohttp.ClientSession, oauth_url: str) -> None:
        self._registry = registry
        self._http = http
        self._oauth_url = oauth_url
        self._cache: dict[UUID, Access] = {}
        self._locks: dict[UUID, asyncio.Lock] = {}
        self._rotations: set[asyncio.Task[Access]] = set()
        self._asked: dict[UUID, float] = {}

    async def access(self, tenant: Tenant, *, not_generation: int | None = None) -> Access:
        """A token that works now.

        `not_generation` is one that Zalo refused (-216, -220): the store is read again first, and only if it still holds that
        generation is it rotated. Raises `CredentialRevoked`, `CredentialBusy`.
        """
        cached = self._cache.get(tenant.id)
        if cached and self._usable(cached, not_generation):
            return cached
        async with self._locks.setdefault(tenant.id, asyncio.Lock()):
            cached = self._cache.get(tenant.id)
            if cached and self._usable(cached, not_generation):
                return cached
            access = await self._load_or_rotate(tenant, not_generation)
            self._cache[tenant.id] = access
            return access

    def at_hand(self, tenant: Tenant, *, not_generation: int | None = None) -> Access | None:
        """A token that this process holds already, and that works now as far as it knows; nothing is read or waited for."""
        cached = self._cache.get(tenant.id)
        return cached if cached and self._usable(cached, not_generation) else None

    async def take_up(self, tenants: Iterable[Tenant]) -> None:
        """Have at hand what is stored for those that have nothing here, read for all of them in one round trip; never raises.

        What has to be renewed, or could not be read, is left to `access`.
        """
        now = asyncio.get_running_loop().time()
        wanted = {
            one.id: one
            for one in tenants
            if self.at_hand(one) is None and now - self._asked.get(one.id, -AGAIN_S) >= AGAIN_S
        }
        if not wanted:
            return
        self._asked.update(dict.fromkeys(wanted, now))
        accounts = [tenant.oa_id for tenant in wanted.values()]
        try:
            rows = await self._registry.db.rows(STORED, list(wanted), accounts, clock.now() + MARGIN)
            for row in rows:
                await self._keep_stored(wanted[row["tenant"]], row)
        except (DomainError, *ANY_FAILURE) as error:
            log.warning("credential.not_read", tenants=len(wanted), error=type(error).__name__)

    async def _keep_stored(self, tenant: Tenant, row: Any) -> None:
        vault = await self._registry.tenant_vault(tenant.id)
        try:
            token = vault.open(row["sealed"], token_context(tenant.oa_id, "access_token")).decode()
        except SealBroken:  # renewed like one that has ended
            return
        held = self._cache.get(tenant.id)
        if held is None or held.generation < row["generation"]:
            self._cache[tenant.id] = Access(token, row["generation"], row["expires_at"])

    @staticmethod
    def _usable(access: Access, not_generation: int | None) -> bool:
        return access.generation != not_generation and access.expires_at - MARGIN > clock.now()

    async def _load_or_rotate(self, tenant: Tenant, not_generation: int | None) -> Access:
        deadline = asyncio.get_running_loop().time() + WAIT_S
        while True:
            found = await self._claim(tenant, not_generation)
            if isinstance(found, Access):
                return found
            if isinstance(found, _Claim):
                # Once begun it is brought to its end, also when the caller is cancelled: the token may be spent already.
                rotation = asyncio.create_task(self._rotate(tenant, found))
                self._rotations.add(rotation)
                rotation.add_done_callback(self._rotated)
                return await asyncio.shield(rotation)
            if asyncio.get_running_loop().time() > deadline:
                raise CredentialBusy(
                    f'"{tenant.slug}": một tiến trình khác đang làm mới mã truy cập đã {WAIT_S:.0f} giây; thử lại sau'
                )
            await asyncio.sleep(POLL_S)

    def _rotated(self, rotation: asyncio.Task[Access]) -> None:
        self._rotations.discard(rotation)
        if not rotation.cancelled():
            rotation.exception()  # told to the caller, if there still is one

    async def adopt(self, tenant: Tenant, app: App, pair: oauth.TokenPair) -> Access:
        """Take up the pair of a fresh consent given to `app`, in place of whatever stood there: what was refused or claimed is forgotten.

        The caller has made sure that the pair is this tenant's Official Account's.
        """
        for pause in STORE_PAUSES_S:
            try:
                access = await self._adopt(tenant, app, pair)
                break
            except (SQLAlchemyError, OSError) as error:
                log.warning("credential.store_failed", tenant=tenant.slug, error=type(error).__name__)
            await asyncio.sleep(pause)
        else:
            access = await self._adopt(tenant, app, pair)
        self._cache[tenant.id] = access
        log.info("credential.adopted", tenant=tenant.slug, generation=access.generation)
        await healed(self._registry, tenant)
        return access

    async def _adopt(self, tenant: Tenant, app: App, pair: oauth.TokenPair) -> Access:
        vault = await self._registry.tenant_vault(tenant.id)
        async with self._registry.db.tenant(tenant.id) as session:
            row = await session.get(OaCredentialRow, (tenant.id, tenant.oa_id), with_for_update=True)
            if row is None:
                row = OaCredentialRow(tenant_id=tenant.id, oa_id=tenant.oa_id, generation=0)
                session.add(row)
            elif row.refresh_token_sealed is not None:
                row.previous_sealed = keep_previous(row, vault) or row.previous_sealed
            row.app_id = app.app_id
            return _put_pair(row, vault, pair)

    async def finish(self) -> None:
        """Wait for rotations under way: before the process ends, their outcome must be stored."""
        await asyncio.gather(*self._rotations, return_exceptions=True)

    async def _claim(self, tenant: Tenant, not_generation: int | None) -> Access | _Claim | None:
        """Under the row's lock: the stored token if it is usable, else the lease, else None while another process holds it."""
        vault = await self._registry.tenant_vault(tenant.id)
        async with self._registry.db.tenant(tenant.id) as session:
            row = await session.get(OaCredentialRow, (tenant.id, tenant.oa_id), with_for_update=True)
            if row is None or row.refresh_token_sealed is None:
                raise CredentialRevoked(
                    f'"{tenant.slug}" chưa được cấp quyền: chạy `govchat tenant connect {tenant.slug}`, hoặc nạp mã làm mới bằng '
                    f"`govchat secret set {tenant.slug} refresh-token`"
                )
            access = read_access(row, vault)
            if access and self._usable(access, not_generation):
                return access
            if row.state == "needs_reconsent":
                raise CredentialRevoked(_needs_consent(tenant))
            if row.refresh_claimed_until and row.refresh_claimed_until > clock.now():
                return None
            lease = new_id()
            row.refresh_claimed_until = clock.now() + LEASE
            row.refresh_claimed_by = lease
            try:
                refresh_token = vault.open(row.refresh_token_sealed, token_context(row.oa_id, "refresh_token")).decode()
            except SealBroken as error:
                refresh_token = None
                log.error("credential.unreadable", tenant=tenant.slug, reason=str(error))
            # The consent was given to that app; a province that moved to another one has yet to consent anew.
            app = self._registry.now.by_app_id.get(row.app_id or "", tenant.app)
            return _Claim(lease, row.generation, refresh_token, access, app)

    async def _rotate(self, tenant: Tenant, claim: _Claim) -> Access:
        app = claim.app
        if app.app_secret is None:
            await self._refuse(tenant, claim, "no_app_secret: none is set", revoke=False, pause_s=CONSOLE_PAUSE_S)
            await trouble(self._registry, tenant, "no_app_secret")
            raise CredentialRevoked(
                f'"{tenant.slug}" chưa có khóa bí mật của ứng dụng: `govchat secret set {tenant.slug} app-secret`'
            )
        if claim.refresh_token is None:
            await self._refuse(tenant, claim, UNREADABLE, revoke=True)
            await trouble(self._registry, tenant, UNREADABLE)
            raise CredentialRevoked(_needs_consent(tenant))
        lost = False
        try:
            try:
                pair = await self._refresh(app, app.app_secret, claim.refresh_token)
            except RefreshReplyLost:  # tried once more with the same token, which may or may not be spent
                lost = True
                pair = await self._refresh(app, app.app_secret, claim.refresh_token)
        except ZaloError as error:  # an `OAuthError`, or the host could not be reached at all
            raise await self._failed(tenant, claim, error, lost=lost) from error
        metrics.TOKEN_REFRESHES.labels(metrics.tenant_label(tenant.slug), "ok").inc()
        for pause in STORE_PAUSES_S:
            try:
                return await self._store(tenant, claim, pair)
            except (SQLAlchemyError, OSError) as error:
                log.warning("credential.store_failed", tenant=tenant.slug, error=type(error).__name__)
            await asyncio.sleep(pause)
        return await self._store(tenant, claim, pair)

    async def _refresh(self, app: App, app_secret: str, refresh_token: str) -> oauth.TokenPair:
        return await oauth.refresh(
            self._http, oauth_url=self._oauth_url, app_id=app.app_id, app_secret=app_secret, refresh_token=refresh_token
        )

    async def _failed(
        self, tenant: Tenant, claim: _Claim, error: ZaloError, *, lost: bool
    ) -> CredentialRevoked | CredentialBusy:
        """Note what Zalo said, open an incident where a person must act; answers what the caller is told."""
        label = metrics.tenant_label(tenant.slug)
        if isinstance(error, NeedsReconsent):
            reason = f"reply_lost, then {error}" if lost else str(error)
            await self._refuse(tenant, claim, reason, revoke=True)
            metrics.TOKEN_REFRESHES.labels(label, "refused").inc()
            await trouble(self._registry, tenant, reason)
            return CredentialRevoked(f"Zalo không nhận mã làm mới. {_needs_consent(tenant)}")
        console = isinstance(error, ConsoleMisconfigured)
        await self._refuse(tenant, claim, str(error), revoke=False, pause_s=CONSOLE_PAUSE_S if console else PAUSE_S)
        metrics.TOKEN_REFRESHES.labels(label, "failed").inc()
        if console:
            await trouble(self._registry, tenant, str(error))
        return CredentialBusy(
            f'"{tenant.slug}": chưa làm mới được mã truy cập ({type(error).__name__}), hệ thống sẽ thử lại'
        )

    async def _store(self, tenant: Tenant, claim: _Claim, pair: oauth.TokenPair) -> Access:
        """Commit the new pair, keeping the previous one sealed."""
        vault = await self._registry.tenant_vault(tenant.id)
        previous = {"generation": claim.generation, "refresh_token": claim.refresh_token}
        async with self._registry.db.tenant(tenant.id) as session:
            row = await session.get(OaCredentialRow, (tenant.id, tenant.oa_id), with_for_update=True)
            if row is None or row.refresh_claimed_by != claim.lease or row.generation != claim.generation:
                log.error("credential.lease_lost", tenant=tenant.slug, generation=claim.generation)
                raise CredentialBusy(f'"{tenant.slug}": mã truy cập vừa được nơi khác làm mới; thử lại')
            row.previous_sealed = vault.seal(msgspec.json.encode(previous), token_context(row.oa_id, "previous"))
            row.app_id = claim.app.app_id
            had_trouble = row.refusal is not None
            access = _put_pair(row, vault, pair)
        log.info("credential.rotated", tenant=tenant.slug, generation=access.generation)
        if had_trouble:
            await healed(self._registry, tenant)
        return access

    async def _refuse(
        self, tenant: Tenant, claim: _Claim, reason: str, *, revoke: bool, pause_s: float = PAUSE_S
    ) -> None:
        """Give the lease back; with `revoke`, the Official Account is out of use until a new consent."""
        async with self._registry.db.tenant(tenant.id) as session:
            row = await session.scalar(
                select(OaCredentialRow)
                .where(OaCredentialRow.tenant_id == tenant.id, OaCredentialRow.refresh_claimed_by == claim.lease)
                .with_for_update()
            )
            if row is None:
                return
            row.refresh_claimed_by = None
            # A transient failure keeps others off Zalo's door for a moment.
            row.refresh_claimed_until = None if revoke else clock.now() + timedelta(seconds=pause_s)
            row.refusal = reason[:300]
            row.updated_at = clock.now()
            if revoke:
                row.state = "needs_reconsent"
        log.error("credential.refused", tenant=tenant.slug, revoked=revoke, reason=reason[:200])


def _needs_consent(tenant: Tenant) -> str:
    return (
        f'"{tenant.slug}" cần quản trị viên Official Account cấp quyền lại: chạy `govchat tenant connect {tenant.slug}`, hoặc nạp mã '
        f"làm mới bằng `govchat secret set {tenant.slug} refresh-token`"
    )


def _put_pair(row: OaCredentialRow, vault: TenantVault, pair: oauth.TokenPair) -> Access:
    """The pair into its row, sealed: one generation later, with nothing refused and nothing claimed."""
    expires_at = clock.now() + timedelta(seconds=pair.expires_in_s)
    row.access_token_sealed = vault.seal(pair.access_token.encode(), token_context(row.oa_id, "access_token"))
    row.refresh_token_sealed = vault.seal(pair.refresh_token.encode(), token_context(row.oa_id, "refresh_token"))
    row.generation += 1
    row.state = "ok"
    row.refusal = row.refresh_claimed_until = row.refresh_claimed_by = None
    row.access_expires_at = expires_at
    row.refresh_issued_at = row.updated_at = clock.now()
    return Access(pair.access_token, row.generation, expires_at)
