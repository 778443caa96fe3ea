"""Telling citizens what their office did: a message in the chat when a window is open, else the office sees that nobody was told.

It answers their own petition, so no consent is asked for and an objection to status notices doesn't stand against it. What could not be
said is said when they next write (`tell_waiting`).
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.citizens.consent import BY_PHONE
from govchat.kit.clock import VN
from govchat.kit.crypto import TenantVault
from govchat.kit.phrases import fill, overlaid, phrases
from govchat.notices import budget
from govchat.notices.channel import Case, Channel, Decision, decide
from govchat.notices.policy import Policy, policy_of
from govchat.notices.quiet import jitter_of
from govchat.outbox.put import Draft, Lane, put
from govchat.petitions.models import PetitionEventRow, PetitionRow
from govchat.petitions.private import unseal_told
from govchat.tenants.phrases import own_phrases
from govchat.zalo import messages

ROOM = "govchat.petitions"
# The office's acts that a citizen hears of, and the sentence of each.
SAID = {"answered": "answered", "closed": "closed", "forwarded": "forwarded", "merged": "merged"}

PERSON = text(
    """
    SELECT c.id, c.zalo_user_id, c.last_interaction_at,
           ARRAY(SELECT b.channel FROM citizen_blocks b
                 WHERE b.tenant_id = :tenant AND b.citizen_id = c.id AND (b.until IS NULL OR b.until > :now)
                   AND (b.channel = 'phone' OR c.last_interaction_at IS NULL OR c.last_interaction_at <= b.since)) AS blocked
    FROM citizens c WHERE c.tenant_id = :tenant AND c.id = :citizen
    """
)
# A message between 48 hours and seven days is billed when it is handed over; here it counts from when it is planned, on the safe side.
SPEND = text(
    "UPDATE notice_budgets SET spent = spent + :cost WHERE tenant_id = :tenant AND period = :period"
)  # fmt: skip


class Saying(msgspec.Struct, frozen=True):
    """One sentence to a citizen, and the act it is for."""

    words: str
    buttons: tuple[messages.Button, ...]
    number: int


async def tell(
    session: AsyncSession,
    vault: TenantVault,
    row: PetitionRow,
    act: str,
    number: int,
    *,
    note: str | None,
    now: datetime,
    test: bool = False,
) -> Decision:
    """Decide how the citizen hears of an act, put the message, and write on the row what became of it.

    With a test key everything is decided and nothing is said.
    """
    person = await _person(session, row, now)
    if person is None:
        row.delivery, row.delivery_reason = "none", "the citizen asked to be forgotten"
        return Decision(channel=None, reason=row.delivery_reason)
    policy = await policy_of(session, row.tenant_id, now)
    decision = decide_for(policy, person, now, policy.monthly_budget)
    purse = None
    if decision.channel is Channel.CS_PAID:
        purse = await budget.lock(session, row.tenant_id, policy.monthly_budget, now)
        decision = decide_for(policy, person, now, purse.left)
    row.delivery_reason = decision.reason
    row.delivery = "test" if test else "none" if decision.channel is None else "planned"
    if row.delivery == "planned":
        with overlaid(await own_phrases(session, row.tenant_id, ROOM)):
            saying = Saying(say(row, act, note), buttons(row), number)
        await _put(session, vault, row, person, saying, decision, now)
        if purse is not None and decision.cost:
            spent = {"tenant": row.tenant_id, "period": purse.month, "cost": decision.cost}
            await session.execute(SPEND, spent)
    await session.flush()
    return decision


def decide_for(policy: Policy, person: Row[tuple[object, ...]], now: datetime, budget_left: int) -> Decision:
    """The channel for one citizen: their conversation's window alone, as no template is made for these words."""
    return decide(
        Case(
            now=now,
            earliest=now,
            tenant_state=policy.state,
            is_tester=True,
            known_to_zalo=not person.zalo_user_id.startswith(BY_PHONE),
            last_interaction=person.last_interaction_at,
            paid_window=policy.paid_window,
            cs_price=policy.cs_price,
            paying=policy.paying,
            budget_left=budget_left,
            blocked=frozenset(person.blocked),
            quiet=policy.quiet,
            jitter=jitter_of(person.id.bytes, now.astimezone(VN).date()),
        )
    )


def say(row: PetitionRow, act: str, note: str | None, *, again: bool = False) -> str:
    """The words of an act. `again`: it corrects an answer given before."""
    said = phrases(ROOM)
    until = f"{row.confirm_until.astimezone(VN):%d/%m/%Y}" if row.confirm_until else ""
    title = said[f"kind_{row.kind}"]
    key = "corrected" if again and act == "answered" else SAID[act]
    return fill(ROOM, key, title=title, code=row.code, unit=row.unit or "", note=note or "", until=until)


def buttons(row: PetitionRow) -> tuple[messages.Button, ...]:
    """What a citizen may tap below the words; the payloads are sentences that the conversation reads like typed ones."""
    said = phrases(ROOM)
    status = messages.query(said["button_status"], f"tra cứu {row.code}")
    reopen = messages.query(said["button_reopen"], f"mở lại {row.code}")
    match row.state:
        case "answered":
            return (messages.query(said["button_confirm"], f"xác nhận {row.code}"), reopen)
        case "closed":
            return (reopen, status)
        case _:
            return (status,)


async def tell_waiting(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID
) -> list[tuple[str, tuple[messages.Button, ...]]]:
    """What could not be said before, now that the citizen writes: words and buttons, oldest first; each is given once."""
    found = await session.scalars(
        select(PetitionRow)
        .where(PetitionRow.tenant_id == tenant_id, PetitionRow.citizen_id == citizen_id, PetitionRow.delivery == "none")
        .order_by(PetitionRow.id)
        .with_for_update()
    )
    told = []
    for row in found:
        last = await _last_said(session, row)
        if last is not None:
            note = unseal_told(vault, row.id, last.number, last.told_sealed).note
            told.append((say(row, last.act, note), buttons(row)))
        row.delivery = "told"
    await session.flush()
    return told


async def _last_said(session: AsyncSession, row: PetitionRow) -> PetitionEventRow | None:
    event = PetitionEventRow
    return await session.scalar(
        select(event)
        .where(event.tenant_id == row.tenant_id, event.petition_id == row.id, event.act.in_(SAID))
        .order_by(event.number.desc())
        .limit(1)
    )


async def _person(session: AsyncSession, row: PetitionRow, now: datetime) -> Row[tuple[object, ...]] | None:
    if row.citizen_id is None:
        return None
    found = await session.execute(PERSON, {"tenant": row.tenant_id, "citizen": row.citizen_id, "now": now})
    return found.one_or_none()


async def _put(
    session: AsyncSession,
    vault: TenantVault,
    row: PetitionRow,
    person: Row[tuple[object, ...]],
    saying: Saying,
    decision: Decision,
    now: datetime,
) -> None:
    assert row.citizen_id is not None
    due = decision.due_at
    parts: Sequence[messages.CsMessage] = messages.texts(person.zalo_user_id, saying.words, saying.buttons)
    drafts = [
        Draft(
            citizen_id=row.citizen_id,
            message=part,
            lane=Lane.NOTICE,
            dedupe_key=f"petition:{row.id}#{saying.number}:{place}",
            cause=f"petition:{row.id}#{saying.number}",
            caused_at=now,
            due_at=due if due and due > now else None,
        )
        for place, part in enumerate(parts)
    ]
    await put(session, vault, row.tenant_id, drafts)
