"""Working off one province's events: receipts in bulk, conversations in order per citizen, different citizens in parallel.

An event's effects (state, answers, proofs) and its `done` stand or fall together in one transaction. A citizen is held by an
advisory lock for that transaction, in whichever process it runs.
"""

import asyncio
import itertools
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.inbox.handle import CONVERSATIONAL, echo_of, handle
from govchat.inbox.put import body_context
from govchat.kit import clock
from govchat.kit.crypto import SealBroken, TenantVault
from govchat.obs import metrics
from govchat.obs.logs import citizen_hash
from govchat.outbox.settle import note_echoes
from govchat.tenants.registry import Registry, Tenant
from govchat.zalo import events

log = structlog.get_logger()

PARALLEL = 4
CITIZENS_AT_ONCE = 64
RECEIPTS_AT_ONCE = 500
EVENTS_AT_ONCE = 10
# How long to wait before looking again at citizens whom another process holds.
HELD_S = 0.1
# After these tries an event waits for a person; the citizen's later events go on.
MOST_ATTEMPTS = 5

CITIZENS = text(
    """
    SELECT user_id FROM inbox_events
    WHERE tenant_id = :tenant AND state = 'pending' AND event_name = ANY(:names)
      AND (retry_at IS NULL OR retry_at <= clock_timestamp())
    GROUP BY user_id ORDER BY min(seq) LIMIT :most
    """
)

# The lock is taken and the rows are read in one statement; FOR UPDATE looks again at rows that changed while it waited.
NEXT = text(
    """
    WITH held AS MATERIALIZED (
      SELECT pg_try_advisory_xact_lock(hashtextextended('citizen:' || :key, 0)) AS ours
    )
    SELECT e.id, e.event_name, e.body_sealed, e.occurred_at, e.received_at, e.retry_at
    FROM inbox_events e, held
    WHERE held.ours AND e.tenant_id = :tenant AND e.state = 'pending' AND e.user_id = :user_id AND e.event_name = ANY(:names)
    ORDER BY e.occurred_at, e.seq LIMIT :most FOR UPDATE OF e
    """
)

DONE = text(
    """
    UPDATE inbox_events SET state = 'done', done_at = clock_timestamp(), error = NULL
    WHERE tenant_id = :tenant AND id = ANY(:ids)
    """
)

FAILED = text(
    """
    UPDATE inbox_events
    SET attempts = attempts + 1, error = :error,
        state = CASE WHEN attempts + 1 >= :most THEN 'parked' ELSE 'pending' END,
        retry_at = clock_timestamp() + make_interval(secs => power(2, attempts))
    WHERE tenant_id = :tenant AND id = :id AND state = 'pending'
    RETURNING state
    """
)

RECEIPTS = text(
    """
    SELECT id, event_name, body_sealed FROM inbox_events
    WHERE tenant_id = :tenant AND state = 'pending' AND NOT event_name = ANY(:names)
    LIMIT :most FOR UPDATE SKIP LOCKED
    """
)


class Worked(msgspec.Struct, frozen=True):
    """What one drain did: events worked off, answers put, whether there may be more."""

    events: int
    answers: int
    more: bool


async def drain(registry: Registry, tenant: Tenant) -> Worked:
    """Work off what is due for one tenant."""
    vault = await registry.tenant_vault(tenant.id)
    names = list(CONVERSATIONAL)
    async with registry.db.tenant(tenant.id) as session:
        receipts = await _receipts(session, vault, tenant, names)
        found = await session.execute(CITIZENS, {"tenant": tenant.id, "names": names, "most": CITIZENS_AT_ONCE})
        citizens = [row.user_id for row in found]
    gate = asyncio.Semaphore(PARALLEL)

    async def one(user_id: str) -> Worked:
        async with gate:
            return await _citizen(registry, tenant, user_id, names)

    done = await asyncio.gather(*(one(user_id) for user_id in citizens))
    more = receipts == RECEIPTS_AT_ONCE or len(citizens) == CITIZENS_AT_ONCE
    held = any(one.more for one in done)
    if held and not more:
        await asyncio.sleep(HELD_S)
    return Worked(receipts + sum(one.events for one in done), sum(one.answers for one in done), more or held)


async def _citizen(registry: Registry, tenant: Tenant, user_id: str, names: list[str]) -> Worked:
    """All due events of one citizen in order, a few to a transaction, until there is none or another process holds them (`more`: it may
    have looked before the last of them came).

    When one fails, nothing of its transaction is kept: the failure is noted, and those before it are worked off again without it.
    """
    events_done = answers = 0
    while True:
        at_work: Row[tuple[object, ...]] | None = None
        rows: list[Row[tuple[object, ...]]] = []
        put = 0
        try:
            async with registry.db.tenant(tenant.id) as session:
                rows, held = await _next(session, tenant.id, user_id, names)
                for row in rows:
                    at_work = row
                    put += await _work_off(session, registry, tenant, row)
                at_work = None
                if rows:
                    await session.execute(DONE, {"tenant": tenant.id, "ids": [row.id for row in rows]})
        except Exception as error:
            if at_work is None:
                raise
            await _failed(registry, tenant, user_id, at_work.id, error)
            if at_work is rows[0]:
                return Worked(events_done, answers, more=False)
            continue
        now = clock.now()
        for row in rows:
            metrics.INBOX_SECONDS.observe(max(0.0, (now - row.received_at).total_seconds()))
        events_done += len(rows)
        answers += put
        if len(rows) < EVENTS_AT_ONCE:
            return Worked(events_done, answers, more=held and not events_done)


async def _next(
    session: AsyncSession, tenant_id: UUID, user_id: str, names: list[str]
) -> tuple[list[Row[tuple[object, ...]]], bool]:
    """The citizen's next events in order, none after one that waits for its next try; none, and True, while another process holds them."""
    found = await session.execute(
        NEXT,
        {
            "tenant": tenant_id,
            "user_id": user_id,
            "key": f"{tenant_id}:{user_id}",
            "names": names,
            "most": EVENTS_AT_ONCE,
        },
    )
    rows, now = found.all(), clock.now()
    return list(itertools.takewhile(lambda row: row.retry_at is None or row.retry_at <= now, rows)), not rows


async def _work_off(session: AsyncSession, registry: Registry, tenant: Tenant, row: Row[tuple[object, ...]]) -> int:
    vault = await registry.tenant_vault(tenant.id)
    event = events.decode(vault.open(row.body_sealed, body_context(row.id)))
    answers = await handle(
        session,
        registry,
        tenant,
        event,
        event_id=row.id,
        occurred_at=_plausible(row.occurred_at),
        received_at=row.received_at,
    )
    if answers:
        metrics.ANSWERS.labels(metrics.tenant_label(tenant.slug), event.event_name).inc(answers)
        log.info(
            "conversation.answered",
            tenant=tenant.slug,
            citizen=citizen_hash(registry.vault.log_key, tenant.slug, event.user_id or ""),
            kind=event.event_name,
            answers=answers,
        )
    return answers


def _plausible(occurred_at: datetime) -> datetime:
    """Zalo's time of the event, but never in the future: it moves the citizen's last interaction."""
    return min(occurred_at, clock.now() + timedelta(minutes=1))


async def _failed(registry: Registry, tenant: Tenant, user_id: str, event_id: UUID, error: Exception) -> None:
    """Note the failure in a transaction of its own; the event is tried again later, or parked."""
    async with registry.db.tenant(tenant.id) as session:
        state = await session.scalar(
            FAILED,
            {"tenant": tenant.id, "id": event_id, "error": type(error).__name__, "most": MOST_ATTEMPTS},
        )
    log.error(
        "inbox.event_failed",
        tenant=tenant.slug,
        citizen=citizen_hash(registry.vault.log_key, tenant.slug, user_id),
        event_id=str(event_id),
        state=state,
        exc_info=error,
    )
    metrics.INBOX_FAILURES.labels(metrics.tenant_label(tenant.slug), state or "gone").inc()


async def _receipts(session: AsyncSession, vault: TenantVault, tenant: Tenant, names: list[str]) -> int:
    """Echoes, receipts and everything that asks for no answer, in one go; answers how many."""
    found = await session.execute(RECEIPTS, {"tenant": tenant.id, "names": names, "most": RECEIPTS_AT_ONCE})
    rows = found.all()
    if not rows:
        return 0
    echoes = []
    for row in rows:
        if row.event_name.startswith("oa_send_"):
            try:
                echo = echo_of(vault, events.decode(vault.open(row.body_sealed, body_context(row.id))))
            except (SealBroken, ValueError) as error:  # without its echo a message is settled by history
                log.error("inbox.echo_unreadable", tenant=tenant.slug, event_id=str(row.id), reason=str(error))
                continue
            if echo is not None:
                echoes.append(echo)
    settled = await note_echoes(session, tenant.id, echoes)
    await session.execute(DONE, {"tenant": tenant.id, "ids": [row.id for row in rows]})
    if settled:
        log.info("inbox.echoes_settled", tenant=tenant.slug, messages=settled)
    return len(rows)
