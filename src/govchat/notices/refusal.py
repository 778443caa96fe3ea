"""After Zalo has refused a notice: what that teaches about the citizen, the template or the account, and the next channel.

Called by the sender for a refusal that is certain, in the transaction that records it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.callbacks.put import put_many as put_callbacks
from govchat.citizens.blocks import Channel as BlockedChannel
from govchat.citizens.blocks import block
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.notices import budget
from govchat.notices.budget import Purse
from govchat.notices.change import Change
from govchat.notices.channel import Channel, Decision
from govchat.notices.hear import REFUSED, UNREACHED, Refused, Unreached
from govchat.notices.kinds import Kind
from govchat.notices.models import NoticeRow, NoticeSettingsRow, NoticeTryRow, ZbsTemplateRow
from govchat.notices.people import Person, people_of
from govchat.notices.policy import policy_of
from govchat.notices.store import read_facts
from govchat.notices.weigh import Said, message_of, say, weigh
from govchat.outbox import template_day
from govchat.outbox.put import Draft, Lane, put
from govchat.zalo.errors import Kind as Refusal
from govchat.zalo.errors import (
    PaymentNeeded,
    RecipientRefused,
    RecipientUnreachable,
    TemplateRefused,
    ZaloError,
)

# After Zalo could not charge the account, paid channels rest this long.
UNPAID_FOR = timedelta(hours=1)
# Zalo allows the whole account no more messages to telephone numbers today; of the template no more, by telephone or by user id.
ACCOUNT_IS_SPENT, TEMPLATE_IS_SPENT = -144, (-147, -211)
# These end a channel for this notice; waiting, night and tokens are the sender's own matter.
ENDS = (Refusal.permanent, Refusal.data, Refusal.human, Refusal.quota)
NOT_BY_UID = -249
BLOCKS: Mapping[Channel, BlockedChannel] = {
    Channel.CS: "cs",
    Channel.CS_PAID: "cs",
    Channel.UID: "uid",
    Channel.PHONE: "phone",
}

ADD = text(
    """
    INSERT INTO notice_tries (tenant_id, message_id, notice_id, number, channel, template_id, cost, money, period, held, planned_at)
    SELECT :tenant, m.id, :notice, :number, :channel, :template, :cost, :money, :month, :held, :now
    FROM outbox_messages m WHERE m.tenant_id = :tenant AND m.dedupe_key = :key
    RETURNING message_id
    """
)

TAKE = text(
    """
    UPDATE notice_budgets
    SET reserved = reserved + CASE WHEN period = :month THEN CAST(:cost AS integer) ELSE 0 END,
        by_phone = by_phone + CASE WHEN period = :day THEN CAST(:phone AS integer) ELSE 0 END
    WHERE tenant_id = :tenant AND period IN (:month, :day)
    """
)


async def after_refusal(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    message_id: UUID,
    error: ZaloError,
    *,
    gave_up: bool = False,
) -> bool:
    """Remember what the refusal says and put the notice on the next channel; True when another message has been put.

    On True the refused message is done with (`failed`); on False the sender's own verdict stands, and a message that is not of a notice
    is left alone. `gave_up`: the sender tries this message no more, whatever the error asks for.
    """
    if error.uncertain or not (gave_up or error.kind in ENDS):
        return False
    tried = await session.get(NoticeTryRow, (tenant_id, message_id))
    if tried is None:
        return False
    now = clock.now()
    notice = await session.get(NoticeRow, (tenant_id, tried.notice_id))
    assert notice is not None
    if notice.message_id != message_id:  # told of this refusal before: another message stands for it already
        return True
    await _learn(session, tenant_id, notice, tried, error, now)
    return await _next(session, vault, tenant_id, notice, tried, error, now, gave_up=gave_up)


async def _learn(
    session: AsyncSession, tenant_id: UUID, notice: NoticeRow, tried: NoticeTryRow, error: ZaloError, now: datetime
) -> None:
    if isinstance(error, RecipientRefused | RecipientUnreachable):
        refused = isinstance(error, RecipientRefused)
        await block(
            session,
            tenant_id,
            notice.citizen_id,
            BLOCKS[Channel(tried.channel)],
            code=error.code,
            refused=refused,
            at=now,
        )
    elif isinstance(error, TemplateRefused) and tried.template_id is not None:
        change: dict[str, object] = (
            {"price_uid": None} if error.code == NOT_BY_UID else {"status": "REFUSED", "reason": error.sentence}
        )
        await session.execute(
            update(ZbsTemplateRow)
            .where(ZbsTemplateRow.tenant_id == tenant_id, ZbsTemplateRow.template_id == tried.template_id)
            .values(changed_at=now, **change)
        )
    elif tried.template_id is not None and error.code in (ACCOUNT_IS_SPENT, *TEMPLATE_IS_SPENT):
        whose = template_day.ACCOUNT if error.code == ACCOUNT_IS_SPENT else tried.template_id
        await template_day.spent_for(session, tenant_id, whose, now.astimezone(clock.VN).date())
    elif isinstance(error, PaymentNeeded):
        made = insert(NoticeSettingsRow).values(tenant_id=tenant_id, unpaid_until=now + UNPAID_FOR)
        await session.execute(
            made.on_conflict_do_update(index_elements=["tenant_id"], set_={"unpaid_until": now + UNPAID_FOR})
        )


async def _next(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    notice: NoticeRow,
    tried: NoticeTryRow,
    error: ZaloError,
    now: datetime,
    *,
    gave_up: bool,
) -> bool:
    channels = await session.scalars(
        select(NoticeTryRow.channel).where(NoticeTryRow.tenant_id == tenant_id, NoticeTryRow.notice_id == notice.id)
    )
    before = ["cs" if channel == Channel.CS_PAID else channel for channel in channels]
    found = await people_of(session, tenant_id, [notice.dossier_id], now, citizen=notice.citizen_id)
    person = next(iter(found.get(notice.dossier_id, ())), None)
    policy = await policy_of(session, tenant_id, now)
    purse = await budget.lock(session, tenant_id, policy.monthly_budget, now)
    change = read_facts(vault, notice.id, notice.facts_sealed)
    if person is None:
        decision, said = Decision(channel=None, reason="the citizen no longer follows the dossier"), None
    else:
        said = say(policy, change, Kind(notice.kind))
        _, decision = weigh(policy, said, person, now=now, purse=purse, test=False, tried=frozenset(before))
    against = [*notice.decision.get("against", ()), [tried.channel, f"Zalo refused: {error.name}"]]
    heard: list[tuple[str, object]] = [(REFUSED, _refused(notice, change, tried.channel, error, decision))]
    if decision.channel is None or person is None or said is None:
        final = gave_up or error.kind in (Refusal.permanent, Refusal.data)
        # A notice that waits for money or a person at Zalo is asked about again and again: that it still waits is no news.
        known = notice.decision.get("against", ())
        notice.decision = notice.decision | {"against": _once([*against, *(list(pair) for pair in decision.against)])}
        if final:
            await budget.refund(session, tenant_id, tried.message_id)
            notice.state, notice.channel, notice.reason = "none", None, decision.reason
            heard.append((UNREACHED, _unreached(notice, change)))
        if final or against[-1] not in known:
            await put_callbacks(session, vault, tenant_id, heard)
        await session.flush()
        return False
    await put_callbacks(session, vault, tenant_id, heard)
    await budget.refund(session, tenant_id, tried.message_id)
    await _move(session, vault, tenant_id, notice, said, person, decision, number=len(before) + 1, purse=purse, now=now)
    notice.channel, notice.reason, notice.due_at = decision.channel.value, decision.reason, decision.due_at
    notice.decision = notice.decision | {"against": against, "cost": decision.cost}
    await session.flush()
    return True


def _once(against: Sequence[Sequence[str]]) -> list[list[str]]:
    """Each obstacle where it came up first."""
    return [list(pair) for pair in dict.fromkeys((channel, why) for channel, why in against)]


def _refused(notice: NoticeRow, change: Change, channel: str, error: ZaloError, decision: Decision) -> Refused:
    return Refused(
        notice_id=notice.id,
        dossier_code=change.code,
        change_number=notice.number,
        notice_kind=notice.kind,
        channel=channel,
        zalo_code=error.code,
        reason=error.name,
        next_channel=decision.channel.value if decision.channel else None,
    )


def _unreached(notice: NoticeRow, change: Change) -> Unreached:
    return Unreached(
        notice_id=notice.id,
        dossier_code=change.code,
        change_number=notice.number,
        notice_kind=notice.kind,
        reason=notice.reason,
        against=dict(notice.decision["against"]),
    )


async def _move(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    notice: NoticeRow,
    said: Said,
    person: Person,
    decision: Decision,
    *,
    number: int,
    purse: Purse,
    now: datetime,
) -> None:
    """Put the message of the next channel, with its try and its money."""
    assert decision.channel is not None
    key = f"notice:{notice.dossier_id}:{notice.number}:{notice.citizen_id}:{decision.channel}"
    draft = Draft(
        citizen_id=notice.citizen_id,
        message=message_of(vault, said, person, decision.channel, notice.id.hex),
        lane=Lane.NOTICE,
        dedupe_key=key,
        cause=f"dossier:{said.change.code}#{notice.number}",
        caused_at=notice.caused_at,
        due_at=decision.due_at,
    )
    await put(session, vault, tenant_id, [draft])
    by_template = decision.channel in (Channel.UID, Channel.PHONE)
    notice.message_id = await session.scalar(
        ADD,
        {
            "tenant": tenant_id, "notice": notice.id, "number": number, "channel": decision.channel.value,
            "template": said.template_id if by_template else None, "cost": decision.cost,
            "money": "reserved" if decision.cost else "none", "month": purse.month, "held": decision.held, "now": now,
            "key": key,
        },
    )  # fmt: skip
    by_phone = int(decision.channel is Channel.PHONE)
    await session.execute(
        TAKE,
        {"tenant": tenant_id, "month": purse.month, "day": purse.day, "cost": decision.cost, "phone": by_phone},
    )
