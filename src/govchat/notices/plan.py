"""Planning notices: who hears of these changes, on which channel, when; decided and put in the transaction of the change.

Five queries at most for one notice, six for any number: followers, policy, money (only where something costs), the outbox, the record, and
what one-stop systems hear of those whom nobody can reach. Changes of one
dossier within a minute become one notice: a newer one takes the place of one that nobody has begun to say, and waits for the end of
the minute when one was just said (ADR 0018).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.callbacks.put import put_many
from govchat.db.session import after_commit
from govchat.kit.crypto import SealBroken, TenantVault
from govchat.kit.ids import new_id
from govchat.notices import budget
from govchat.notices.budget import Purse
from govchat.notices.change import Change
from govchat.notices.channel import Case, Channel, Decision
from govchat.notices.hear import UNREACHED, Unreached
from govchat.notices.kinds import Kind, kind_of, kind_of_status
from govchat.notices.people import Person, people_of
from govchat.notices.policy import Policy, policy_of
from govchat.notices.store import Planned, store
from govchat.notices.weigh import Said, message_of, record_of, say, weigh
from govchat.obs import metrics
from govchat.outbox.put import Draft, Lane, put
from govchat.zalo.errors import MessageInvalid


class Told(msgspec.Struct, frozen=True):
    """One follower of one change, with what was decided."""

    said: Said
    person: Person
    case: Case
    decision: Decision


async def plan(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    changes: Sequence[Change],
    *,
    now: datetime,
    test: bool = False,
) -> list[int]:
    """Plan what is to be said of `changes`; answers how many citizens are being told, change by change.

    Of several changes of one dossier the last is told and counted. `test`: everything is decided and kept, nothing is put or spent.
    """
    newest = newest_of(changes)
    if not newest:
        return [0] * len(changes)
    people = await people_of(session, tenant_id, [change.dossier_id for _, change, _, _ in newest], now)
    if not people:
        return [0] * len(changes)
    policy = await policy_of(session, tenant_id, now)
    pairs: list[tuple[int, Said, Person]] = []
    for at, change, kind, merged in newest:
        followers = people.get(change.dossier_id)
        if not followers:
            continue
        plain = say(policy, change, kind, merged)
        for person in followers:
            if person.last_number < change.number:
                pairs.append((at, _over_waiting(policy, plain, person, test), person))
    told, purse = await _decide(session, tenant_id, policy, [(said, person) for _, said, person in pairs], now, test)
    await _put(session, vault, tenant_id, told, purse, now=now, test=test)
    counts = [0] * len(changes)
    for (at, _, _), one in zip(pairs, told, strict=True):
        counts[at] += one.decision.channel is not None
    return counts


def newest_of(changes: Sequence[Change]) -> list[tuple[int, Change, Kind, tuple[int, ...]]]:
    """The last change of each dossier that is worth telling: its place, itself, its kind, and the numbers it takes in."""
    found: dict[UUID, tuple[int, Change, Kind, tuple[int, ...]]] = {}
    for at, change in enumerate(changes):
        kind = kind_of(change)
        if kind is None:
            continue
        before = found.get(change.dossier_id)
        if before is not None and kind is Kind.MOVED:
            kind = kind_of_status(change)  # what came before may have asked something of the citizen
        merged = (*before[3], before[1].number) if before else ()
        found[change.dossier_id] = (at, change, kind, merged)
    return list(found.values())


def _over_waiting(policy: Policy, said: Said, person: Person, test: bool) -> Said:
    """The words when they take the place of a notice that waits."""
    if person.waiting is None or test:
        return said
    merged = (*person.waiting.merged, person.waiting.number, *said.merged)
    kind = kind_of_status(said.change) if said.kind is Kind.MOVED else said.kind
    if kind is not said.kind:
        return say(policy, said.change, kind, merged)
    return msgspec.structs.replace(said, merged=merged)


async def _decide(
    session: AsyncSession,
    tenant_id: UUID,
    policy: Policy,
    pairs: Sequence[tuple[Said, Person]],
    now: datetime,
    test: bool,
) -> tuple[list[Told], Purse | None]:
    """Decide for everybody; money and daily counts are locked and looked at only where they matter."""
    told = [Told(s, p, *weigh(policy, s, p, now=now, purse=None, test=test)) for s, p in pairs]
    if test or not counted(policy, told):
        return told, None
    purse = await budget.lock(session, tenant_id, policy.monthly_budget, now, trial=policy.state == "trial")
    told = []
    for said, person in pairs:
        if person.waiting is not None and person.waiting.reserved and person.waiting.period == purse.month:
            purse.left += person.waiting.cost
        case, decision = weigh(policy, said, person, now=now, purse=purse, test=test)
        purse.left -= decision.cost
        purse.messages += decision.channel is not None
        # What takes the place of a message that waits costs no second one of the testers' day.
        purse.trial_left -= decision.channel is not None and person.waiting is None
        told.append(Told(said, person, case, decision))
    return told, purse


def counted(policy: Policy, told: Iterable[Told]) -> bool:
    """Whether money or a day's allowance has to be locked for these."""
    return policy.state == "trial" or any(
        one.decision.cost
        or one.decision.channel is Channel.PHONE
        or (one.person.waiting and one.person.waiting.reserved)
        for one in told
    )


async def _put(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    told: Sequence[Told],
    purse: Purse | None,
    *,
    now: datetime,
    test: bool,
) -> None:
    """The messages and the record of each decision."""
    made = make(vault, told, now=now, test=test)
    drafts, planned = [draft for _, draft in made if draft is not None], [one for one, _ in made]
    if drafts:
        await put(session, vault, tenant_id, drafts)
    if planned:
        await store(session, vault, tenant_id, planned, purse, now)
        await put_many(session, vault, tenant_id, unreached(planned))
        after_commit(session, partial(count, planned))


def make(vault: TenantVault, told: Sequence[Told], *, now: datetime, test: bool) -> list[tuple[Planned, Draft | None]]:
    """What is written down of each decision, and its message where there is one to be said."""
    made: list[tuple[Planned, Draft | None]] = []
    for one in told:
        notice_id, person, decision = new_id(), one.person, one.decision
        # What waits is taken back for something newer, or because nothing may be said any more; not because nothing newer can be said.
        waiting = None if test or _stands(decision) else person.waiting
        # The citizen has waited since the first of the merged changes.
        caused_at = waiting.caused_at if waiting else now
        key = f"notice:{one.said.change.dossier_id}:{one.said.change.number}:{person.citizen_id}"
        draft: Draft | None = None
        if decision.channel is not None and not test:
            try:
                draft = _draft(vault, one, decision.channel, notice_id, key=key, caused_at=caused_at, now=now)
            except (MessageInvalid, SealBroken) as error:  # one follower's trouble is not the others'
                why = ((decision.channel.value, str(error)),)
                decision = Decision(channel=None, reason="the message could not be made", against=why)
        planned = Planned(
            id=notice_id,
            key=key,
            said=one.said,
            person=person,
            decision=decision,
            record=record_of(one.case, decision, one.said, person),
            waiting=None if _stands(decision) else waiting,
            caused_at=caused_at,
            test=test,
        )
        made.append((planned, draft))
    return made


def unreached(planned: Iterable[Planned]) -> list[tuple[str, Unreached]]:
    """What one-stop systems hear of those whom nobody can reach."""
    return [
        (
            UNREACHED,
            Unreached(
                notice_id=one.id,
                dossier_code=one.said.change.code,
                change_number=one.said.change.number,
                notice_kind=one.said.kind.value,
                reason=one.decision.reason,
                against=dict(one.decision.against),
            ),
        )
        for one in planned
        if one.state == "none"
    ]


def count(planned: Iterable[Planned]) -> None:
    """Count what was decided, once it is committed."""
    for one in planned:
        metrics.NOTICES.labels("test" if one.test else str(one.decision.channel or one.state)).inc()


def _stands(decision: Decision) -> bool:
    """Whether an older notice that waits is better than none."""
    return decision.channel is None and bool(decision.against)


def _draft(
    vault: TenantVault, told: Told, channel: Channel, notice_id: UUID, *, key: str, caused_at: datetime, now: datetime
) -> Draft:
    """The message of a decision; raises `MessageInvalid`, `SealBroken`."""
    change, due_at = told.said.change, told.decision.due_at
    return Draft(
        citizen_id=told.person.citizen_id,
        message=message_of(vault, told.said, told.person, channel, notice_id.hex),
        lane=Lane.NOTICE,
        dedupe_key=key,
        cause=f"dossier:{change.code}#{change.number}",
        caused_at=caused_at,
        due_at=due_at if due_at and due_at > now else None,
    )
