"""The delivery loop: claim, send, record, for each address on its own.

Every address has a few slots and a task of its own, so one that is slow or hangs delays nobody else's. No database connection is held
while a receiver is called. A process that dies while sending leaves the delivery to be sent again under the same id: at least once.
"""

import asyncio
import contextlib
from datetime import timedelta
from functools import partial
from uuid import UUID

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver

from govchat.callbacks import sign
from govchat.callbacks.claim import Claimed, Endpoint, Outcome, claim, record
from govchat.callbacks.guard import AddressRefused, Guard, networks
from govchat.callbacks.put import body_context
from govchat.db.away import ANY_FAILURE
from govchat.kit import clock
from govchat.kit.crypto import SealBroken, TenantVault
from govchat.kit.ids import new_id
from govchat.kit.turns import Turns
from govchat.tenants.registry import Registry

log = structlog.get_logger()

POLL_S = 1.0
# A task leaves after this long and is started anew by the next look.
LONGEST_S = 60.0
RECORD_TRIES = 20
LARGEST_ANSWER = 4096

# With more tenants than `kit.turns.FEW`, one where nothing stirred is looked at this often.
ALL_S = 15.0
DUE = "SELECT tenant, endpoint, due FROM callbacks_due($1, $2)"


def secret_context(endpoint_id: UUID) -> str:
    """Where an address's secret stands, for sealing."""
    return f"callback_endpoints.secret/{endpoint_id}"


class Deliverer:
    """Delivers for every tenant from one process. `resolver` stands in for the system's in tests."""

    def __init__(self, registry: Registry, *, resolver: AbstractResolver | None = None) -> None:
        self.registry = registry
        self.worker = new_id()
        self._turns = Turns(every_s=ALL_S)
        # Who has an address at all: most have none, and need no look when something stirs.
        self._having: set[UUID] = set()
        self._allowed = networks(registry.settings.callback_allow)
        self._resolver = resolver
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        self._running: dict[UUID, asyncio.Task[int]] = {}

    def stir(self, *tenant_ids: UUID) -> None:
        """Something happened at these: what is to be told of it is looked for at every look for a while."""
        self._turns.stir(*(self._having.intersection(tenant_ids)))

    async def close(self) -> None:
        """End what is under way and close the connections; what was being sent is sent again after its claim has gone stale."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    async def run_for_ever(self) -> None:
        """Look for due deliveries every second; an address whose task still runs is left to it."""
        try:
            while True:
                try:
                    for tenant_id, endpoint_id in await self._due():
                        if endpoint_id not in self._running:
                            task = asyncio.create_task(self._guarded(tenant_id, endpoint_id))
                            self._running[endpoint_id] = task
                            task.add_done_callback(partial(self._ended, endpoint_id))
                except ANY_FAILURE as error:  # PostgreSQL may be away: look again later
                    log.warning("callbacks.look_failed", error=type(error).__name__)
                await asyncio.sleep(POLL_S)
        finally:
            await self.close()

    async def run_once(self) -> int:
        """Deliver what is due now; answers how many attempts were made."""
        due = await self._due()
        return sum(await asyncio.gather(*(self.drain(tenant_id, endpoint_id) for tenant_id, endpoint_id in due)))

    async def drain(self, tenant_id: UUID, endpoint_id: UUID) -> int:
        """Deliver to one address until nothing is due or it fails; answers the attempts."""
        loop = asyncio.get_running_loop()
        until, attempts = loop.time() + LONGEST_S, 0
        vault = await self.registry.tenant_vault(tenant_id)
        while loop.time() < until:
            taken = await claim(self.registry.db, tenant_id, endpoint_id, self.worker)
            if taken is None:
                break
            endpoint, claimed = taken
            attempts += len(claimed)
            outcomes = await asyncio.gather(*(self._one(tenant_id, vault, endpoint, each) for each in claimed))
            if not all(outcome.ok for outcome in outcomes):
                break
        return attempts

    async def _guarded(self, tenant_id: UUID, endpoint_id: UUID) -> int:
        try:
            return await self.drain(tenant_id, endpoint_id)
        except Exception as error:  # the next look begins again
            log.warning("callbacks.drain_failed", endpoint=str(endpoint_id), error=type(error).__name__)
            return 0

    def _ended(self, endpoint_id: UUID, _: asyncio.Task[int]) -> None:
        self._running.pop(endpoint_id, None)

    async def _due(self) -> list[tuple[UUID, UUID]]:
        which = self._turns.next(self.registry.now.tenants)
        found = await self.registry.db.rows(DUE, which, clock.now())
        self._having.difference_update(which)
        self._having.update(row["tenant"] for row in found)
        due = [(row["tenant"], row["endpoint"]) for row in found if row["due"]]
        self._turns.stir(*(tenant for tenant, _ in due))
        return due

    async def _one(self, tenant_id: UUID, vault: TenantVault, endpoint: Endpoint, claimed: Claimed) -> Outcome:
        outcome = await self._send(vault, endpoint, claimed)
        if not outcome.ok:
            log.info("callbacks.refused", endpoint=str(endpoint.id), error=outcome.error, attempt=claimed.attempts)
        for wait in range(RECORD_TRIES):
            try:
                await record(self.registry.db, tenant_id, endpoint.id, self.worker, claimed, outcome)
            except ANY_FAILURE:  # what was delivered must not be forgotten while PostgreSQL restarts
                if wait == RECORD_TRIES - 1:
                    raise
                await asyncio.sleep(min(0.1 * 2**wait, 2.0))
            else:
                break
        return outcome

    async def _send(self, vault: TenantVault, endpoint: Endpoint, claimed: Claimed) -> Outcome:
        try:
            body = vault.open(claimed.body_sealed, body_context(claimed.message_id))
            sealed = [each for each in (endpoint.secret_sealed, endpoint.previous_sealed) if each]
            secrets = [vault.open(each, secret_context(endpoint.id)).decode() for each in sealed]
        except SealBroken:
            return Outcome(ok=False, error="unreadable")
        headers = sign.headers(claimed.message_id, clock.now(), body, secrets)
        headers |= {"content-type": "application/json", "user-agent": "govchat-callbacks/1"}
        timeout = aiohttp.ClientTimeout(total=endpoint.timeout_s)
        try:
            async with self._session(endpoint.url).post(
                endpoint.url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                with contextlib.suppress(aiohttp.ClientPayloadError):
                    await answer.content.read(LARGEST_ANSWER)
                return _judged(answer.status, answer.headers.get("Retry-After", ""))
        except TimeoutError:
            return Outcome(ok=False, error=f"no answer within {endpoint.timeout_s} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Outcome(ok=False, error=_named(error))

    def _session(self, url: str) -> aiohttp.ClientSession:
        """The client for this kind of address, made when first needed."""
        scheme = "https" if url.startswith("https:") else "http"
        if scheme not in self._sessions:
            guard = Guard(self._allowed, public=scheme == "https", resolver=self._resolver)
            connector = aiohttp.TCPConnector(
                resolver=guard, socket_factory=guard.socket, use_dns_cache=False, limit=0, force_close=True
            )
            self._sessions[scheme] = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=False
            )
        return self._sessions[scheme]


def _judged(status: int, retry_after: str) -> Outcome:
    if 200 <= status < 300:
        return Outcome(ok=True, status=status)
    asked = timedelta(seconds=int(retry_after)) if retry_after.isdecimal() and len(retry_after) < 8 else None
    told = "redirects are not followed" if 300 <= status < 400 else f"answered {status}"
    return Outcome(ok=False, status=status, error=told, asked=asked, gone=status == 410)


def _named(error: Exception) -> str:
    """Why no answer came, in words that hold nothing of the address."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, AddressRefused) or isinstance(getattr(cause, "os_error", None), AddressRefused):
            return "address refused: not public and not allowed"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host's name does not resolve"
    if isinstance(error, aiohttp.ClientSSLError):
        return "the TLS certificate or handshake was refused"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "no connection"
    return f"connection broke: {type(error).__name__}"
