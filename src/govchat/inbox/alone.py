"""One citizen's events in a transaction of their own, where a step may write more than its conversation: proofs, failed guesses.

Also where an event that fails is found out: nothing of its transaction is kept, the failure is noted, the citizen's other events go on.
"""

import itertools
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.citizens import know
from govchat.conversation import queries
from govchat.conversation.context import Context
from govchat.conversation.desk import Desk
from govchat.conversation.engine import converse
from govchat.conversation.events import Event, GivenBack, Picture
from govchat.conversation.state import State
from govchat.conversation.wording import spoken_in
from govchat.handoff import mute
from govchat.inbox import pictures, trial
from govchat.inbox.keys import reply_key
from govchat.inbox.meaning import Meant, asks_for_bot, meaning, told_what_is_not_kept
from govchat.inbox.pictures import Seen
from govchat.inbox.put import body_context
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.obs import metrics
from govchat.obs.logs import citizen_hash
from govchat.outbox.put import Draft, Lane, put
from govchat.petitions.tell import tell_waiting
from govchat.privacy import forget
from govchat.tenants.registry import Registry, Tenant
from govchat.tenants.trial import Act
from govchat.zalo import events, messages

log = structlog.get_logger()

EVENTS_AT_ONCE = 10
# After these tries an event waits for a person; the citizen's later events go on.
MOST_ATTEMPTS = 5

# Waits for whoever works on these rows now; rows that are done by then are not among them.
NEXT = text(
    """
    SELECT e.id, e.event_name, e.body_sealed, e.occurred_at, e.received_at, e.retry_at
    FROM inbox_events e
    WHERE e.tenant_id = :tenant AND e.state = 'pending' AND e.user_id = :user_id AND e.asks
    ORDER BY e.occurred_at, e.seq LIMIT :most FOR UPDATE
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


async def work_off(desk: Desk, tenant: Tenant, user_id: str) -> tuple[int, int]:
    """All due events of one citizen in order, a few to a transaction; answers how many, and how many messages were put.

    When one fails, nothing of its transaction is kept: the failure is noted, and those before it are worked off again without it.
    """
    events_done = answers = 0
    await desk.prepare([tenant])
    seen: dict[UUID, Seen] = {}
    while True:
        at_work: Row[tuple[object, ...]] | None = None
        rows: list[Row[tuple[object, ...]]] = []
        put_here = 0
        try:
            async with desk.registry.db.tenant(tenant.id) as session:
                rows = await _next(session, tenant.id, user_id)
                for row in rows:
                    at_work = row
                    put_here += await _one(session, desk, tenant, row, seen)
                at_work = None
                if rows:
                    await session.execute(DONE, {"tenant": tenant.id, "ids": [row.id for row in rows]})
        except pictures.Waiting as waiting:
            # No connection is held while Zalo's picture host is asked; the events before are worked off again.
            seen |= await pictures.read_waiting(desk, tenant, user_id, keep=waiting.keep)
            if at_work is not None:
                seen.setdefault(at_work.id, Seen(Picture(), waiting.keep))
            continue
        except Exception as error:
            if at_work is None:
                raise
            await _failed(desk.registry, tenant, user_id, at_work.id, error)
            if at_work is rows[0]:
                return events_done, answers
            continue
        worked([row.received_at for row in rows])
        events_done += len(rows)
        answers += put_here
        if len(rows) < EVENTS_AT_ONCE:
            return events_done, answers


def worked(received: list[datetime]) -> None:
    """Count events that are done."""
    now = clock.now()
    for at in received:
        metrics.INBOX_SECONDS.observe(max(0.0, (now - at).total_seconds()))


def answered(registry: Registry, tenant: Tenant, event_name: str, user_id: str, count: int) -> None:
    """Count and log what one event was answered with."""
    metrics.ANSWERS.labels(metrics.tenant_label(tenant.slug), event_name).inc(count)
    log.info(
        "conversation.answered",
        tenant=tenant.slug,
        citizen=citizen_hash(registry.vault.log_key, tenant.slug, user_id),
        kind=event_name,
        answers=count,
    )


def plausible(occurred_at: datetime) -> datetime:
    """Zalo's time of the event, but never in the future: it moves the citizen's last interaction."""
    return min(occurred_at, clock.now() + timedelta(minutes=1))


async def _next(session: AsyncSession, tenant_id: UUID, user_id: str) -> list[Row[tuple[object, ...]]]:
    """The citizen's next events in order, none after one that waits for its next try."""
    found = await session.execute(NEXT, {"tenant": tenant_id, "user_id": user_id, "most": EVENTS_AT_ONCE})
    rows, now = found.all(), clock.now()
    return list(itertools.takewhile(lambda row: row.retry_at is None or row.retry_at <= now, rows))


async def _one(
    session: AsyncSession, desk: Desk, tenant: Tenant, row: Row[tuple[object, ...]], seen: Mapping[UUID, Seen]
) -> int:
    vault = await desk.registry.tenant_vault(tenant.id)
    event = events.decode(vault.open(row.body_sealed, body_context(row.id)))
    meant = meaning(tenant, event, plausible(row.occurred_at))
    if meant is None:
        return 0
    citizen = await _know(session, vault, tenant.id, meant)
    if meant.happened is None or not tenant.speaks:
        return 0
    happened: Event = meant.happened
    if await mute.is_muted(session, tenant.id, citizen.id):  # an officer has the word
        if not asks_for_bot(happened):
            if meant.picture or told_what_is_not_kept(happened, desk.context(tenant, clock.now())):
                await forget.forget_words(session, tenant.id, [row.id])
            return 0
        await mute.give_back(session, tenant.id, citizen.id)
        happened = GivenBack()
    verdict = await trial.admit(session, tenant, citizen)
    answers = verdict.act in (Act.SEND, Act.SIMULATE)
    state = await queries.load(session, tenant.id, citizen.id)
    context = desk.context(tenant, clock.now())
    if answers and meant.picture and desk.http is not None:
        pictures.look_first(state, context, seen.get(row.id))
    if not answers:
        with spoken_in(desk.words(tenant.id)):
            said: tuple[messages.CsMessage, ...] = trial.declined(tenant, citizen, verdict)
    else:
        happened = seen[row.id].picture if row.id in seen else happened
        said = await _answer(session, vault, desk, tenant, citizen, row, state, happened, context)
        said += await _news(session, vault, desk, tenant, citizen)
        if verdict.act is Act.SEND and said:
            verdict = await trial.admit(session, tenant, citizen, messages=len(said))
    if meant.picture:  # its address opens the photo for a while yet
        await forget.forget_words(session, tenant.id, [row.id])
    drafts = [
        Draft(
            citizen_id=citizen.id,
            message=message,
            lane=Lane.REPLY,
            dedupe_key=reply_key(row.id, number),
            cause=f"event:{row.id}",
            caused_at=row.received_at,
        )
        for number, message in enumerate(said)
    ]
    count = await put(session, vault, tenant.id, drafts)
    if count and verdict.act in (Act.SIMULATE, Act.SKIP):
        await trial.keep_unsent(session, tenant.id, f"event:{row.id}", verdict)
    elif count:
        answered(desk.registry, tenant, event.event_name, meant.user_id, count)
    return count


async def _answer(
    session: AsyncSession,
    vault: TenantVault,
    desk: Desk,
    tenant: Tenant,
    citizen: know.Citizen,
    row: Row[tuple[object, ...]],
    state: State,
    happened: Event,
    context: Context,
) -> tuple[messages.CsMessage, ...]:
    """Hold the conversation and remember where it stands."""
    with spoken_in(desk.words(tenant.id)):
        decided = await converse(
            session,
            vault,
            tenant.id,
            citizen,
            state,
            happened,
            context,
            assets_url=desk.registry.assets_url,
            evidence=f"event:{row.id}",
        )
    if decided.state != state:
        await queries.save(session, tenant.id, citizen.id, decided.state, clock.now())
    return decided.messages


async def _news(
    session: AsyncSession, vault: TenantVault, desk: Desk, tenant: Tenant, citizen: know.Citizen
) -> tuple[messages.CsMessage, ...]:
    """What the offices answered to this citizen's petitions while they could not be written to."""
    with spoken_in(desk.words(tenant.id)):
        told = await tell_waiting(session, vault, tenant.id, citizen.id)
    return tuple(each for said, buttons in told for each in messages.texts(citizen.zalo_user_id, said, buttons))


async def _know(session: AsyncSession, vault: TenantVault, tenant_id: UUID, meant: Meant) -> know.Citizen:
    citizen = await know.know(session, tenant_id, meant.user_id, by_app=meant.by_app, interacted_at=meant.interacted_at)
    if meant.follows is not None:
        await know.note_follow(session, tenant_id, citizen.id, follows=meant.follows, at=meant.occurred_at)
    if meant.phone:
        shared = vault.index(meant.phone, "phone")
        await know.note_phone(session, tenant_id, citizen.id, shared, meant.occurred_at)
        citizen = msgspec.structs.replace(citizen, phone_index=shared)
    return citizen


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
