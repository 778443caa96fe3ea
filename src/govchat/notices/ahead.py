"""Planning ahead of the transaction: from people and policy that were read already to rows that somebody else writes.

For whoever takes in changes of many provinces at once (`dossiers.together`). What has to lock money or a day's allowance, or to take back a
notice that waits, is no case for it: `plan` does that inside a transaction.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from govchat.kit.crypto import TenantVault
from govchat.notices.change import Change
from govchat.notices.people import Person
from govchat.notices.plan import Told, counted, make, newest_of
from govchat.notices.policy import Policy
from govchat.notices.store import Planned, facts_of
from govchat.notices.weigh import say, weigh
from govchat.outbox.put import Draft, seal


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A notice as it is written down, with its message where one is to be said."""

    id: UUID
    citizen_id: UUID
    kind: str
    state: str
    channel: str | None
    reason: str
    decision: str
    facts: bytes
    wording: int
    due_at: datetime | None
    key: str
    cause: str
    message_id: UUID | None
    body: bytes | None
    echo_hash: bytes | None


class Ahead(msgspec.Struct, frozen=True):
    """What one change leads to: the decisions, and their rows."""

    planned: list[Planned]
    rows: list[Row]

    @property
    def notices(self) -> int:
        """How many citizens are being told."""
        return sum(one.decision.channel is not None for one in self.planned)


NOTHING = Ahead([], [])


def plan_ahead(
    vault: TenantVault, policy: Policy | None, change: Change, people: Sequence[Person], *, now: datetime
) -> Ahead | None:
    """What is to be said of a change to these people, none of whom has a notice waiting; None where money or allowances have to be
    locked for it."""
    if policy is None or not people or not (newest := newest_of([change])):
        return NOTHING
    (_, _, kind, merged) = newest[0]
    said = say(policy, change, kind, merged)
    told = [
        Told(said, person, *weigh(policy, said, person, now=now, purse=None, test=False))
        for person in people
        if person.last_number < change.number
    ]
    if not told:
        return NOTHING
    if counted(policy, told):
        return None
    made = make(vault, told, now=now, test=False)
    return Ahead([planned for planned, _ in made], [_row(vault, planned, draft) for planned, draft in made])


def _row(vault: TenantVault, planned: Planned, draft: Draft | None) -> Row:
    sealed = seal(vault, draft.message) if draft else None
    return Row(
        id=planned.id,
        citizen_id=planned.person.citizen_id,
        kind=planned.said.kind.value,
        state=planned.state,
        channel=planned.decision.channel.value if planned.decision.channel else None,
        reason=planned.decision.reason,
        decision=msgspec.json.encode(planned.record).decode(),
        facts=facts_of(vault, planned),
        wording=planned.said.version,
        due_at=planned.decision.due_at,
        key=planned.key,
        cause=draft.cause if draft else "",
        message_id=sealed.id if sealed else None,
        body=sealed.body if sealed else None,
        echo_hash=sealed.echo_hash if sealed else None,
    )
