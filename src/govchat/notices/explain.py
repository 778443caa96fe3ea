"""The whole story of one message, or of a notice that became none: cause, consent, window, quiet hours, budget, attempts, receipts."""

from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.errors import DomainError
from govchat.notices.schemas import Against, Attempt, Decided, Story, Told
from govchat.zalo.redact import redact

LANES: tuple[Literal["reply", "notice", "staff", "campaign"], ...] = ("reply", "notice", "staff", "campaign")


class MessageUnknown(DomainError):
    """This province has no message of that id."""

    status = 404
    code = "message_not_found"
    title = "No such message"


NOTICE = text(
    """
    SELECT n.*, d.code FROM notices n JOIN dossiers d ON d.tenant_id = n.tenant_id AND d.id = n.dossier_id
    WHERE n.tenant_id = :tenant AND (n.id = :id OR n.id = (
      SELECT t.notice_id FROM notice_tries t WHERE t.tenant_id = :tenant AND t.message_id = :id))
    """
)

MESSAGES = text(
    """
    SELECT m.*, coalesce(t.channel, m.channel) AS way, t.template_id, coalesce(t.cost, m.cost) AS price, t.money,
           coalesce(t.delivered_at, m.delivered_at) AS delivered, coalesce(t.seen_at, m.seen_at) AS seen
    FROM outbox_messages m LEFT JOIN notice_tries t ON t.tenant_id = m.tenant_id AND t.message_id = m.id
    WHERE m.tenant_id = :tenant AND (m.id = :id OR m.id IN (
      SELECT y.message_id FROM notice_tries y WHERE y.tenant_id = :tenant AND y.notice_id = CAST(:notice AS uuid)))
    ORDER BY m.seq
    """
)

ATTEMPTS = text("SELECT * FROM outbox_attempts WHERE tenant_id = :tenant AND message_id = ANY(:ids) ORDER BY number")


async def explain(session: AsyncSession, tenant_id: UUID, message_id: UUID) -> Story:
    """The story of the message or notice with this id; raises `MessageUnknown`."""
    notice = (await session.execute(NOTICE, {"tenant": tenant_id, "id": message_id})).one_or_none()
    found = await session.execute(
        MESSAGES, {"tenant": tenant_id, "id": message_id, "notice": notice.id if notice else None}
    )
    rows = found.all()
    if notice is None and not rows:
        raise MessageUnknown(f'message "{message_id}" is not known here: give the id of a message or of a notice')
    attempts: dict[UUID, list[Attempt]] = {row.id: [] for row in rows}
    for one in (await session.execute(ATTEMPTS, {"tenant": tenant_id, "ids": list(attempts)})).all():
        attempts[one.message_id].append(_attempt(one))
    return Story(
        id=str(message_id),
        decision=_decided(notice) if notice else None,
        messages=[_told(row, attempts[row.id]) for row in rows],
    )


def _attempt(row: Any) -> Attempt:
    return Attempt(
        number=row.number,
        started_at=row.started_at,
        finished_at=row.finished_at,
        outcome=row.outcome,
        zalo_code=row.zalo_code,
        kind=row.kind,
        answer=redact(row.detail) if row.detail else None,
    )


def _told(row: Any, attempts: list[Attempt]) -> Told:
    attempts = [*attempts, *_taken(row, attempts)]
    due = max(row.due_at, row.created_at)
    first = attempts[0].started_at if attempts else None
    sent = row.finished_at if row.state == "sent" else None
    return Told(
        id=str(row.id),
        lane=LANES[row.lane],
        state=row.state,
        cause=row.cause,
        caused_at=row.caused_at,
        created_at=row.created_at,
        due_at=row.due_at,
        finished_at=row.finished_at,
        # A message that was queued again has another due time than its first attempt had.
        waited_s=max(0.0, round((first - min(due, first)).total_seconds(), 3)) if first else None,
        accepted_after_s=round((sent - row.caused_at).total_seconds(), 3) if sent else None,
        repeats=row.repeats,
        settled_by=row.settled_by,
        zalo_message_id=row.zalo_message_id,
        attempts=attempts,
        channel=row.way,
        template_id=row.template_id,
        cost=row.price,
        money=row.money,
        delivered_at=row.delivered,
        seen_at=row.seen,
    )


def _taken(row: Any, attempts: list[Attempt]) -> list[Attempt]:
    """The call that Zalo accepted: its time and answer stand on the message itself, the attempts' own rows are those that failed."""
    if row.state != "sent" or row.settled_by is not None or row.claimed_at is None:
        return []
    return [
        Attempt(
            number=attempts[-1].number + 1 if attempts else 1,
            started_at=row.claimed_at,
            finished_at=row.finished_at,
            outcome="sent",
            zalo_code=0,
            kind=None,
            answer="accepted",
        )
    ]


def _decided(row: Any) -> Decided:
    told: dict[str, Any] = row.decision
    return Decided(
        notice_id=str(row.id),
        dossier_code=row.code,
        change_number=row.number,
        kind=row.kind,
        state=row.state,
        channel=row.channel,
        reason=row.reason,
        consent=told["consent"],
        followed_by=told["followed_by"],
        hours_since_interaction=told["hours_since_interaction"],
        paid_window=told["paid_window"],
        quiet_hours=told["quiet_hours"],
        urgent=told["urgent"],
        held=told["held"],
        budget_left=told["budget_left"],
        cost=told["cost"],
        against=[Against(channel, why) for channel, why in told["against"]],
        blocked=told["blocked"],
        merged=told["merged"],
        merged_into=str(row.merged_into) if row.merged_into else None,
        wording_version=row.wording_version,
        planned_at=row.planned_at,
        due_at=row.due_at,
    )
