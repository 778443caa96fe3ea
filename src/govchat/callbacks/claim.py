"""Claiming deliveries of one address, and recording what became of each: the two short transactions around the network."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.callbacks.models import CallbackDeliveryRow, CallbackEndpointRow
from govchat.callbacks.retry import DISABLE_AFTER, rest_after, wait_after
from govchat.db.session import Database
from govchat.incidents.models import Kind
from govchat.incidents.record import heal, open_
from govchat.kit import clock

log = structlog.get_logger()

ACTOR = "system:callbacks"
# A process that died while sending leaves its claims; nobody waits longer for an answer than 30 s.
STALE = timedelta(seconds=90)
SLOTS = 4


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The address as it was claimed."""

    id: UUID
    url: str
    timeout_s: int
    failures: int
    secret_sealed: bytes
    previous_sealed: bytes | None


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that this process holds; `attempts` counts the one to come."""

    message_id: UUID
    kind: str
    body_sealed: bytes
    attempts: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver answered, or why none did. `gone`: it asked not to be called again (410)."""

    ok: bool
    status: int | None = None
    error: str | None = None
    asked: timedelta | None = None
    gone: bool = False


async def claim(
    db: Database, tenant_id: UUID, endpoint_id: UUID, worker: UUID
) -> tuple[Endpoint, list[Claimed]] | None:
    """Up to `SLOTS` due deliveries, one while the address fails; None when there is nothing to do now."""
    now = clock.now()
    row = CallbackDeliveryRow
    of_endpoint = (row.tenant_id == tenant_id, row.endpoint_id == endpoint_id)
    async with db.tenant(tenant_id) as session:
        found = await session.get(CallbackEndpointRow, (tenant_id, endpoint_id))
        if found is None or found.state != "enabled" or (found.rest_until and found.rest_until > now):
            return None
        await session.execute(
            update(row).where(*of_endpoint, row.state == "sending", row.claimed_at < now - STALE).values(state="queued")
        )
        # A statement of its own: inside an UPDATE the planner may run it once per row, and the limit would be none.
        due = await session.scalars(
            select(row.message_id)
            .where(*of_endpoint, row.state == "queued", row.due_at <= now)
            .order_by(row.due_at, row.message_id)
            .limit(1 if found.failures else SLOTS)
            .with_for_update(skip_locked=True)
        )
        taken = await session.execute(
            update(row)
            .where(*of_endpoint, row.message_id.in_(due.all()))
            .values(state="sending", claimed_at=now, claimed_by=worker, attempts=row.attempts + 1)
            .returning(row.message_id, row.kind, row.body_sealed, row.attempts)
            .execution_options(synchronize_session=False)
        )
        claimed = [
            Claimed(message_id=each.message_id, kind=each.kind, body_sealed=each.body_sealed, attempts=each.attempts)
            for each in taken
        ]
        endpoint = Endpoint(
            id=found.id,
            url=found.url,
            timeout_s=found.timeout_s,
            failures=found.failures,
            secret_sealed=found.secret_sealed,
            previous_sealed=found.previous_sealed if found.previous_until and found.previous_until > now else None,
        )
    return (endpoint, claimed) if claimed else None


async def record(
    db: Database, tenant_id: UUID, endpoint_id: UUID, worker: UUID, claimed: Claimed, outcome: Outcome
) -> None:
    """Write what became of one delivery, and how its address stands now."""
    now = clock.now()
    row = CallbackDeliveryRow
    wait = None if outcome.ok else wait_after(claimed.attempts, outcome.asked)
    state = "delivered" if outcome.ok else "failed" if wait is None else "queued"
    values: dict[str, object] = {"state": state, "last_status": outcome.status, "last_error": outcome.error}
    values |= {"due_at": now + wait} if wait else {"finished_at": now}
    async with db.tenant(tenant_id) as session:
        # Locked before its delivery: whoever removes an address goes the same way.
        endpoint = await session.get(CallbackEndpointRow, (tenant_id, endpoint_id), with_for_update=True)
        await session.execute(
            update(row)
            .where(
                row.tenant_id == tenant_id,
                row.endpoint_id == endpoint_id,
                row.message_id == claimed.message_id,
                row.state == "sending",
                row.claimed_by == worker,
                row.attempts == claimed.attempts,
            )
            .values(**values)
        )
        if endpoint is not None:
            await (_well if outcome.ok else _unwell)(session, endpoint, outcome, now)


async def _well(session: AsyncSession, endpoint: CallbackEndpointRow, _: Outcome, now: datetime) -> None:
    if endpoint.failures:
        endpoint.failures = 0
        endpoint.failing_since = endpoint.rest_until = None
        endpoint.updated_at = now
        await session.flush()


async def _unwell(session: AsyncSession, endpoint: CallbackEndpointRow, outcome: Outcome, now: datetime) -> None:
    endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or now
    endpoint.rest_until = now + rest_after(endpoint.failures, outcome.asked)
    endpoint.updated_at = now
    if endpoint.state != "enabled":
        return
    if outcome.gone:
        await disable(session, endpoint, "the receiver answered 410 Gone")
    elif now - endpoint.failing_since >= DISABLE_AFTER:
        await disable(session, endpoint, f"nothing was taken for {DISABLE_AFTER.days} days")
    else:
        return
    what = "trả lời 410: không nhận nữa" if outcome.gone else f"không nhận tin nào suốt {DISABLE_AFTER.days} ngày"
    await note(
        session, endpoint.tenant_id, actor=ACTOR, act="callback.disabled", subject=subject_of(endpoint.id),
        before={"state": "enabled"}, after={"state": "disabled", "why": endpoint.disabled_why},
    )  # fmt: skip
    await open_(
        session, endpoint.tenant_id, Kind.ONE_STOP, subject_of(endpoint.id),
        says=f"Địa chỉ nhận thông báo của hệ thống một cửa {what}; đã ngừng gửi, các tin được giữ lại.",
        todo="Đơn vị vận hành hệ thống một cửa sửa địa chỉ nhận, sau đó quản trị viên chạy: "
        f"govchat callback enable SLUG {endpoint.id}",
    )  # fmt: skip
    log.warning("callbacks.disabled", endpoint=str(endpoint.id), failures=endpoint.failures)


def subject_of(endpoint_id: UUID) -> str:
    """How the audit trail and incidents name an address."""
    return f"callback:{endpoint_id}"


async def disable(session: AsyncSession, endpoint: CallbackEndpointRow, why: str) -> None:
    """Nothing more goes to this address; what waits is held for the day it is enabled again."""
    endpoint.state, endpoint.disabled_at, endpoint.disabled_why = "disabled", clock.now(), why
    await session.flush()
    await _move(session, endpoint, "queued", "held")


async def release(session: AsyncSession, endpoint: CallbackEndpointRow) -> None:
    """Enable: what was held goes out now, and the count of failures begins anew."""
    endpoint.state = "enabled"
    endpoint.failures = 0
    endpoint.failing_since = endpoint.rest_until = endpoint.disabled_at = endpoint.disabled_why = None
    await session.flush()
    await _move(session, endpoint, "held", "queued")
    await heal(session, endpoint.tenant_id, Kind.ONE_STOP, subject_of(endpoint.id))


async def _move(session: AsyncSession, endpoint: CallbackEndpointRow, before: str, after: str) -> None:
    row = CallbackDeliveryRow
    await session.execute(
        update(row)
        .where(row.tenant_id == endpoint.tenant_id, row.endpoint_id == endpoint.id, row.state == before)
        .values(state=after, due_at=clock.now())
    )
