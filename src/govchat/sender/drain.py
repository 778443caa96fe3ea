"""Claim – send – record: the only place where an act spans the network.

For one province: take tokens, claim that many due messages (`sending`, committed), call Zalo without holding a connection, record the
answers (committed). Tokens come before the claim, so a claimed message goes out at once: only those few are in doubt when a process
dies. Messages of one citizen go one after another, different citizens in parallel, never more than `SLOTS` per province.
"""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import msgspec
import structlog

from govchat.db.away import ANY_FAILURE
from govchat.kit import clock
from govchat.kit.buckets import Buckets, Window, reserve_for
from govchat.kit.crypto import SealBroken
from govchat.kit.ids import new_id
from govchat.obs import metrics
from govchat.outbox.claim import Claimed, Result, claim, record
from govchat.outbox.put import Lane, body_context
from govchat.sender.verdict import verdict
from govchat.tenants.credentials import CredentialBusy, CredentialRevoked, Credentials
from govchat.tenants.registry import Registry, Tenant
from govchat.tenants.tokens import Access
from govchat.zalo import outgoing
from govchat.zalo.client import ZaloClient
from govchat.zalo.errors import AccessTokenInvalid, RateLimited, ZaloError

log = structlog.get_logger()

SLOTS = 16
# A drain leaves after this long and is rung again: no job sits near its time-out.
LONGEST_S = 20.0
# Recording is tried this often while PostgreSQL is away: what Zalo answered must not be forgotten.
RECORD_TRIES = 20
# A message for which Zalo refused this many tokens, each renewed at once, waits.
MOST_TOKENS = 3
# Zalo counts per minute; after -32 a window rests this long.
REST_S = 5.0

INTERACTIVE = (int(Lane.REPLY), int(Lane.STAFF))
BULK = (int(Lane.CAMPAIGN), int(Lane.CAMPAIGN))


def windows_of(tenant: Tenant) -> tuple[Window, Window]:
    """The limits that a message of this tenant counts against: its app's and its Official Account's."""
    own = tenant.manifest.zalo.requests_per_minute
    shared = tenant.app.requests_per_minute
    return (
        Window(f"app:{tenant.app.app_id}", shared, reserve_for(shared)),
        Window(f"oa:{tenant.oa_id}", own, reserve_for(own)),
    )


class Drainer:
    """Sends for any tenant from one process; `worker` is the id under which it claims."""

    def __init__(self, registry: Registry, credentials: Credentials, zalo: ZaloClient, buckets: Buckets) -> None:
        self.registry = registry
        self.credentials = credentials
        self.zalo = zalo
        self.buckets = buckets
        self.worker = new_id()

    async def drain(self, tenant: Tenant, lanes: tuple[int, int]) -> int:
        """Send what is due in these lanes; answers how many attempts were made."""
        if not tenant.speaks:
            return 0
        windows = windows_of(tenant)
        until = asyncio.get_running_loop().time() + LONGEST_S
        running: set[asyncio.Task[list[Result]]] = set()
        attempts, busy, more = 0, 0, True
        refused: int | None = None
        try:
            while True:
                wait_s = 0.0
                if more and busy < SLOTS and asyncio.get_running_loop().time() < until:
                    access = await self._access(tenant, refused)
                    if access is None:
                        more = False
                        continue
                    groups, wait_s, more = await self._claim(tenant, windows, lanes, SLOTS - busy)
                    for group in groups:
                        running.add(asyncio.create_task(self._say(tenant, access, group, windows)))
                        busy += len(group)
                if not running:
                    if wait_s == 0 or asyncio.get_running_loop().time() + wait_s > until:
                        return attempts
                    metrics.BUCKET_DENIALS.labels(metrics.tenant_label(tenant.slug), "any").inc()
                    await asyncio.sleep(wait_s)
                    continue
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                results = [result for task in done for result in task.result()]
                busy -= len(results)
                attempts += len(results)
                refused = max(
                    (r.refused_generation for r in results if r.refused_generation is not None), default=refused
                )
                await self._record(tenant, results)
                more = more or any(result.state == "queued" for result in results)
        finally:
            if running:  # cancelled: let what was sent be recorded
                late = await asyncio.gather(*running, return_exceptions=True)
                await self._record(tenant, [r for group in late if isinstance(group, list) for r in group])

    async def _access(self, tenant: Tenant, refused: int | None) -> Access | None:
        try:
            return await self.credentials.access(tenant, not_generation=refused)
        except (CredentialRevoked, CredentialBusy) as error:
            log.warning("sender.no_token", tenant=tenant.slug, reason=error.code)
            return None

    async def _claim(
        self, tenant: Tenant, windows: tuple[Window, Window], lanes: tuple[int, int], free: int
    ) -> tuple[list[list[Claimed]], float, bool]:
        """Groups of messages by citizen, how long to wait if the limit is reached, whether there may be more."""
        grant = await self.buckets.take(windows, free)
        most = grant.granted if lanes[0] == Lane.REPLY else grant.open
        if most == 0:
            await self.buckets.give_back(windows, grant.granted)
            return [], min(max(grant.wait_s, 0.1), 5.0), True
        claimed = await claim(self.registry.db, tenant.id, self.worker, lanes=lanes, most=most, open_=grant.open)
        await self.buckets.give_back(windows, grant.granted - len(claimed))
        groups: dict[UUID, list[Claimed]] = {}
        for message in claimed:
            groups.setdefault(message.citizen_id, []).append(message)
        return list(groups.values()), 0.0, len(claimed) == most

    async def _say(
        self, tenant: Tenant, access: Access, group: Sequence[Claimed], windows: tuple[Window, Window]
    ) -> list[Result]:
        """Say one citizen's messages in order; after a failure the rest goes back, so that nothing overtakes."""
        results: list[Result] = []
        for message in group:
            if results and results[-1].state in ("queued", "uncertain"):
                results.append(_untouched(message))
                continue
            results.append(await self._say_one(tenant, access, message, windows))
        return results

    async def _say_one(
        self, tenant: Tenant, access: Access, message: Claimed, windows: tuple[Window, Window]
    ) -> Result:
        started = clock.now()
        vault = await self.registry.tenant_vault(tenant.id)
        try:
            body = outgoing.decode(vault.open(message.body_sealed, body_context(message.id)))
        except (SealBroken, msgspec.MsgspecError) as error:  # one damaged row must not take its neighbours along
            log.error("sender.unreadable", tenant=tenant.slug, message=str(message.id), error=type(error).__name__)
            _count(tenant, message, "unreadable")
            return Result(
                id=message.id, attempt=message.attempts, state="failed", outcome="refused", started_at=started,
                kind="unreadable", detail=type(error).__name__,
            )  # fmt: skip
        timer = asyncio.get_running_loop().time()
        try:
            sent = await self.zalo.send(access.token, body)
        except ZaloError as error:
            if isinstance(error, AccessTokenInvalid):
                _count(tenant, message, "auth")
                if message.attempts > MOST_TOKENS:  # fresh tokens don't help: come back in minutes, not at once
                    later = verdict(message, error, started)
                    return msgspec.structs.replace(later, refused_generation=access.generation)
                return Result(
                    id=message.id, attempt=message.attempts, state="queued", outcome="token", started_at=started,
                    due_at=clock.now(), zalo_code=error.code, kind="auth", refused_generation=access.generation,
                )  # fmt: skip
            if isinstance(error, RateLimited):
                over = [w for w in windows if error.scope is None or w.name.startswith(f"{error.scope}:")]
                for window in over:
                    await self.buckets.push_back(window, error.retry_after_s or REST_S)
            _count(tenant, message, str(error.kind))
            return verdict(message, error, started)
        now = clock.now()
        _count(tenant, message, "sent")
        metrics.SEND_SECONDS.labels(_kind(message)).observe(asyncio.get_running_loop().time() - timer)
        if message.lane == Lane.REPLY:
            metrics.ACCEPTED_SECONDS.observe(max(0.0, (now - message.caused_at).total_seconds()))
        return Result(
            id=message.id,
            attempt=message.attempts,
            state="sent",
            outcome="sent",
            started_at=started,
            zalo_message_id=sent.message_id,
        )

    async def _record(self, tenant: Tenant, results: list[Result]) -> None:
        if not results:
            return
        for attempt in range(RECORD_TRIES):
            try:
                kept = await record(self.registry.db, tenant.id, self.worker, results)
            except ANY_FAILURE as error:
                log.warning(
                    "sender.record_failed", tenant=tenant.slug, error=type(error).__name__, messages=len(results)
                )
                await asyncio.sleep(min(0.1 * 2**attempt, 2.0))
                continue
            if kept != len(results):
                log.warning("sender.record_late", tenant=tenant.slug, messages=len(results), kept=kept)
            return
        log.error("sender.record_lost", tenant=tenant.slug, messages=len(results))


def _kind(message: Claimed) -> str:
    return Lane(message.lane).name.lower()


def _count(tenant: Tenant, message: Claimed, outcome: str) -> None:
    metrics.SENDS.labels(metrics.tenant_label(tenant.slug), _kind(message), outcome).inc()


def _untouched(message: Claimed) -> Result:
    """Claimed, but not tried: the message before it has to go first."""
    return Result(
        id=message.id,
        attempt=message.attempts,
        state="queued",
        outcome="held back",
        started_at=clock.now(),
        counts=False,
    )
