"""Working access tokens: cached, and rotated exactly once however many ask.

Zalo's refresh token is single use, and a successful refresh ends the previous access token. So: one process claims the rotation
under the row's lock (a lease longer than the HTTP time-out), calls Zalo without holding a connection, and stores the new pair under
the lock again, committed before anyone uses it. Everybody else waits for the generation to rise. docs/adr/0004 says why a lease.
"""

import asyncio
from datetime import timedelta
from uuid import UUID

import aiohttp
import msgspec
import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from govchat.errors import DomainError
from govchat.kit import clock
from govchat.kit.ids import new_id
from govchat.obs import metrics
from govchat.tenants.models import OaCredentialRow
from govchat.tenants.registry import Registry, Tenant
from govchat.tenants.tokens import Access, read_access, token_context
from govchat.zalo import oauth
from govchat.zalo.errors import NeedsReconsent, RefreshReplyLost, ZaloError

log = structlog.get_logger()

# The HTTP time-out of a refresh is 10 s; the lease outlives it, so no second refresh starts while one may still succeed.
LEASE = timedelta(seconds=30)
# A token this close to its end is rotated before it is used.
MARGIN = timedelta(minutes=5)
POLL_S = 0.1
# The old refresh token is spent: while PostgreSQL is away the new pair is held on to, well within the lease.
STORE_PAUSES_S = (0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 3.0)
WAIT_S = 35.0


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
    refresh_token: str
    access: Access | None

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
                    f'tenant "{tenant.slug}": another process has been renewing the token for {WAIT_S:.0f} s'
                )
            await asyncio.sleep(POLL_S)

    def _rotated(self, rotation: asyncio.Task[Access]) -> None:
        self._rotations.discard(rotation)
        if not rotation.cancelled():
            rotation.exception()  # told to the caller, if there still is one

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
                    f'tenant "{tenant.slug}" has no token yet: run `govchat secret set {tenant.slug} refresh-token`'
                )
            access = read_access(row, vault)
            if access and self._usable(access, not_generation):
                return access
            if row.state == "needs_reconsent":
                raise CredentialRevoked(
                    f'tenant "{tenant.slug}" needs a new consent: set a new token with `govchat secret set {tenant.slug} refresh-token`'
                )
            if row.refresh_claimed_until and row.refresh_claimed_until > clock.now():
                return None
            lease = new_id()
            row.refresh_claimed_until = clock.now() + LEASE
            row.refresh_claimed_by = lease
            refresh_token = vault.open(row.refresh_token_sealed, token_context(row.oa_id, "refresh_token")).decode()
            return _Claim(lease, row.generation, refresh_token, access)

    async def _rotate(self, tenant: Tenant, claim: _Claim) -> Access:
        app = tenant.app
        if app.app_secret is None:
            await self._refuse(tenant, claim, "no app secret is set", revoke=False)
            raise CredentialRevoked(
                f'tenant "{tenant.slug}" has no app secret: run `govchat secret set {tenant.slug} app-secret`'
            )
        try:
            pair = await self._refresh(app.app_id, app.app_secret, claim.refresh_token)
        except NeedsReconsent as error:
            await self._refuse(tenant, claim, str(error), revoke=True)
            metrics.TOKEN_REFRESHES.labels(metrics.tenant_label(tenant.slug), "refused").inc()
            raise CredentialRevoked(
                f'tenant "{tenant.slug}": Zalo refused the refresh token, a new consent is needed'
            ) from error
        except ZaloError as error:  # an `OAuthError`, or the host could not be reached at all
            await self._refuse(tenant, claim, str(error), revoke=False)
            metrics.TOKEN_REFRESHES.labels(metrics.tenant_label(tenant.slug), "failed").inc()
            raise CredentialBusy(
                f'tenant "{tenant.slug}": the token could not be renewed ({type(error).__name__})'
            ) from error
        metrics.TOKEN_REFRESHES.labels(metrics.tenant_label(tenant.slug), "ok").inc()
        for pause in STORE_PAUSES_S:
            try:
                return await self._store(tenant, claim, pair)
            except (SQLAlchemyError, OSError) as error:
                log.warning("credential.store_failed", tenant=tenant.slug, error=type(error).__name__)
            await asyncio.sleep(pause)
        return await self._store(tenant, claim, pair)

    async def _refresh(self, app_id: str, app_secret: str, refresh_token: str) -> oauth.TokenPair:
        """One refresh; a reply that was lost is tried once more with the same token, which may or may not be spent."""
        try:
            return await oauth.refresh(
                self._http, oauth_url=self._oauth_url, app_id=app_id, app_secret=app_secret, refresh_token=refresh_token
            )
        except RefreshReplyLost:
            return await oauth.refresh(
                self._http, oauth_url=self._oauth_url, app_id=app_id, app_secret=app_secret, refresh_token=refresh_token
            )

    async def _store(self, tenant: Tenant, claim: _Claim, pair: oauth.TokenPair) -> Access:
        """Commit the new pair, keeping the previous one sealed."""
        vault = await self._registry.tenant_vault(tenant.id)
        expires_at = clock.now() + timedelta(seconds=pair.expires_in_s)
        previous = {"generation": claim.generation, "refresh_token": claim.refresh_token}
        async with self._registry.db.tenant(tenant.id) as session:
            row = await session.get(OaCredentialRow, (tenant.id, tenant.oa_id), with_for_update=True)
            if row is None or row.refresh_claimed_by != claim.lease or row.generation != claim.generation:
                log.error("credential.lease_lost", tenant=tenant.slug, generation=claim.generation)
                raise CredentialBusy(f'tenant "{tenant.slug}": the token was renewed by somebody else meanwhile')
            row.access_token_sealed = vault.seal(pair.access_token.encode(), token_context(row.oa_id, "access_token"))
            row.refresh_token_sealed = vault.seal(
                pair.refresh_token.encode(), token_context(row.oa_id, "refresh_token")
            )
            row.previous_sealed = vault.seal(msgspec.json.encode(previous), token_context(row.oa_id, "previous"))
            row.generation += 1
            row.state = "ok"
            row.refusal = row.refresh_claimed_until = row.refresh_claimed_by = None
            row.access_expires_at = expires_at
            row.refresh_issued_at = row.updated_at = clock.now()
            generation = row.generation
        log.info("credential.rotated", tenant=tenant.slug, generation=generation)
        return Access(pair.access_token, generation, expires_at)

    async def _refuse(self, tenant: Tenant, claim: _Claim, reason: str, *, revoke: bool) -> None:
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
            row.refresh_claimed_until = None if revoke else clock.now() + timedelta(seconds=2)
            row.refusal = reason[:300]
            row.updated_at = clock.now()
            if revoke:
                row.state = "needs_reconsent"
        log.error("credential.refused", tenant=tenant.slug, revoked=revoke, reason=reason[:200])
