"""The testers of a province in trial, and the facts that `trial.may_send` decides by.

Operators list people; the gate counts what testers get in a day and who has heard the polite line. Counting is one atomic
statement each, so that processes at once never pass a limit together.
"""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.errors import DomainError
from govchat.kit import clock
from govchat.tenants import trial
from govchat.tenants.models import DeclinedRow, TesterRow, TrialDayRow
from govchat.tenants.trial import Act, Verdict, Why
from govchat.zalo.errors import MessageInvalid
from govchat.zalo.messages import check_id


class TesterUnusable(DomainError):
    """That can't be a person's Zalo id."""

    status = 422
    code = "tester_unusable"
    title = "That is no Zalo user id"


class TesterUnknown(DomainError):
    """Nobody of that id is on the list."""

    status = 404
    code = "tester_not_found"
    title = "No such tester"


class Tester(msgspec.Struct, frozen=True):
    """Somebody on the list."""

    zalo_user_id: str
    added_at: datetime
    added_by: str


async def add(session: AsyncSession, tenant_id: UUID, zalo_user_id: str, *, actor: str) -> bool:
    """Put somebody on the list; answers whether they are new there. Raises `TesterUnusable`."""
    wanted = zalo_user_id.strip()
    try:
        check_id("user_id", wanted)
    except MessageInvalid:
        raise TesterUnusable(
            f'"{wanted[:60]}": cần mã mà Official Account biết người đó; họ nhắn cho OA rồi thì '
            "`govchat tenant tester recent SLUG` cho thấy mã"
        ) from None
    added = await session.scalar(
        insert(TesterRow)
        .values(tenant_id=tenant_id, zalo_user_id=wanted, added_at=clock.now(), added_by=actor)
        .on_conflict_do_nothing()
        .returning(TesterRow.zalo_user_id)
    )
    if added is not None:
        await note(session, tenant_id, actor=actor, act="tester.added", subject=wanted)
    return added is not None


async def remove(session: AsyncSession, tenant_id: UUID, zalo_user_id: str, *, actor: str) -> None:
    """Take somebody off the list; raises `TesterUnknown`."""
    removed = await session.scalar(
        delete(TesterRow)
        .where(TesterRow.tenant_id == tenant_id, TesterRow.zalo_user_id == zalo_user_id.strip())
        .returning(TesterRow.zalo_user_id)
    )
    if removed is None:
        raise TesterUnknown(
            f'"{zalo_user_id[:60]}" không có trong danh sách người thử: xem `govchat tenant tester list SLUG`'
        )
    await note(session, tenant_id, actor=actor, act="tester.removed", subject=removed)


async def testers(session: AsyncSession, tenant_id: UUID) -> list[Tester]:
    """The list, in the order in which they were added."""
    rows = await session.scalars(
        select(TesterRow).where(TesterRow.tenant_id == tenant_id).order_by(TesterRow.added_at, TesterRow.zalo_user_id)
    )
    return [Tester(row.zalo_user_id, row.added_at, row.added_by) for row in rows]


async def gate(
    session: AsyncSession,
    tenant_id: UUID,
    state: str,
    *,
    recipient: str,
    from_test_key: bool = False,
    is_reply: bool = False,
    messages: int = 1,
) -> Verdict:
    """`trial.may_send` with the facts of this moment, taking from the day's allowance what it lets through.

    In the transaction that puts the messages: rolled back, the allowance is back too. A live province costs no query. `recipient` is the
    Zalo user id, or the phone (`84…`) for what goes by phone alone; a person who is reached by both is asked for by the user id.
    """

    def decide(*, is_tester: bool = False, sent_today: int = 0, declined_today: bool = False) -> Verdict:
        return trial.may_send(
            state,
            recipient=recipient,
            from_test_key=from_test_key,
            is_reply=is_reply,
            is_tester=is_tester,
            sent_today=sent_today,
            declined_today=declined_today,
            messages=messages,
        )

    if state != "trial":
        return decide()
    is_tester = await _is_tester(session, tenant_id, recipient)
    verdict = decide(is_tester=is_tester)
    if verdict.why is Why.TESTER and not await _take(session, tenant_id, messages):
        return decide(is_tester=True, sent_today=trial.DAILY_LIMIT)
    if verdict.act is Act.DECLINE and not await _first_today(session, tenant_id, recipient):
        return decide(declined_today=True)
    return verdict


async def _is_tester(session: AsyncSession, tenant_id: UUID, recipient: str) -> bool:
    return await session.get(TesterRow, (tenant_id, recipient), populate_existing=True) is not None


async def _take(session: AsyncSession, tenant_id: UUID, messages: int) -> bool:
    """Take `messages` from today's allowance, all or none."""
    if messages > trial.DAILY_LIMIT:
        return False
    taken = await session.scalar(
        insert(TrialDayRow)
        .values(tenant_id=tenant_id, day=trial.today(clock.now()), sent=messages)
        .on_conflict_do_update(
            index_elements=["tenant_id", "day"],
            set_={"sent": TrialDayRow.sent + messages},
            where=TrialDayRow.sent + messages <= trial.DAILY_LIMIT,
        )
        .returning(TrialDayRow.sent)
    )
    return taken is not None


async def _first_today(session: AsyncSession, tenant_id: UUID, recipient: str) -> bool:
    """Note that this person hears the polite line today; False when they have."""
    day = trial.today(clock.now())
    noted = await session.scalar(
        insert(DeclinedRow)
        .values(tenant_id=tenant_id, zalo_user_id=recipient, day=day)
        .on_conflict_do_update(
            index_elements=["tenant_id", "zalo_user_id"], set_={"day": day}, where=DeclinedRow.day < day
        )
        .returning(DeclinedRow.day)
    )
    return noted is not None
