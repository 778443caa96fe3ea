"""What a dossier becomes by what its system of record tells: pure, so that the whole life of one can be worked out on paper.

From the state stored and the dossier told to the state to store, the flags of the change and whether it is an event at all.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import UNSET

from govchat.dossiers import moves
from govchat.dossiers.deadline import apology_by, check_by, result_stands
from govchat.dossiers.schemas import DossierIn
from govchat.dossiers.status import STATUSES
from govchat.dossiers.terms import Term, unit_key

Outcome = Literal["created", "updated", "unchanged", "stale"]

ACCEPTED, IN_PROGRESS, FINISHED = frozenset({2, 4}), frozenset({2, 4}), frozenset({9, 10})


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a dossier besides its sealed part, by the names of its columns."""

    id: UUID
    code: str
    code_key: str
    procedure_code: str
    status: int
    sub_status: str | None
    unit: str
    received_at: datetime | None
    due_at: datetime | None
    due_given: bool
    first_due_at: datetime | None
    registered_at: datetime | None
    paused_at: datetime | None
    finished_at: datetime | None
    overdue_at: datetime | None
    reappointments: int
    changed_at: datetime
    last_event: int
    flags: frozenset[str]
    content_hash: bytes


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done: `state` as it will stand, `event` whether it is one, `told` whether citizens may want to know."""

    outcome: Outcome
    state: State
    flags: frozenset[str] = frozenset()
    event: bool = False
    told: bool = False
    old_status: int | None = None


class _Appointment(msgspec.Struct, frozen=True):
    """The date, whose it is, and what is to be said of it."""

    due: datetime | None
    given: bool
    flags: frozenset[str] = frozenset()

    @property
    def again(self) -> bool:
        return moves.REAPPOINTED in self.flags


def create(dossier_id: UUID, code: str, key: str, given: DossierIn, content: bytes, term: Term) -> Step:
    """A dossier that was not known here. Whatever its status, it may have lived long before."""
    due = given.due_at if given.due_at is not UNSET else term.due(given.received_at)
    flags = moves.of_move(None, given.status, given.status_note) | _unknown(term)
    finished = given.changed_at if given.status in FINISHED else None
    state = State(
        id=dossier_id,
        code=code.strip(),
        code_key=key,
        procedure_code=given.procedure_code,
        status=given.status,
        sub_status=given.sub_status,
        unit=given.handler.unit,
        received_at=given.received_at,
        due_at=due,
        due_given=given.due_at is not UNSET,
        first_due_at=due,
        registered_at=given.changed_at if given.status == 1 else None,
        paused_at=given.changed_at if STATUSES[given.status].paused else None,
        finished_at=finished,
        overdue_at=None,
        reappointments=0,
        changed_at=given.changed_at,
        last_event=1,
        flags=frozenset(flags & (moves.IRREGULAR | {moves.UNKNOWN_PROCEDURE})),
        content_hash=content,
    )
    return Step(outcome="created", state=state, flags=frozenset(flags), event=True, told=True)


def advance(known: State, given: DossierIn, content: bytes, term: Term, *, names_offices: bool = True) -> Step:
    """What is told of a dossier that is known. Older than what is stored is stale, the same again changes nothing.

    `names_offices` False: the format names a section as often as the office, so that another name is no other office.
    """
    if given.changed_at < known.changed_at:
        return Step(outcome="stale", state=known)
    if known.content_hash == content:
        return Step(outcome="unchanged", state=known)
    appointment = _appointment(known, given, term)
    finished = _finished_at(known, given)
    flags = moves.of_move(known.status, given.status, given.status_note) | appointment.flags | _unknown(term)
    if _accepted_late(known, given, term):
        flags.add(moves.ACCEPTED_LATE)
    if finished is not None and known.finished_at is None:
        stands = result_stands(appointment.due, finished)
        if stands in (moves.EARLY, moves.LATE):
            flags.add(stands)
    moved = (known.status, known.sub_status) != (given.status, given.sub_status)
    if names_offices and not moved and _changed_hands(known, given):
        flags.add(moves.MOVED)
    redated = appointment.given and known.due_at != appointment.due
    event = moved or redated or known.unit != given.handler.unit or known.changed_at != given.changed_at
    kept = known.flags & moves.IRREGULAR
    state = msgspec.structs.replace(
        known,
        procedure_code=given.procedure_code,
        status=given.status,
        sub_status=given.sub_status,
        unit=given.handler.unit,
        received_at=given.received_at,
        due_at=appointment.due,
        due_given=appointment.given,
        first_due_at=known.first_due_at or appointment.due,
        registered_at=known.registered_at or (given.changed_at if given.status == 1 else None),
        paused_at=_paused_at(known, given),
        finished_at=finished,
        overdue_at=_noted_at(known, given, appointment.due),
        reappointments=known.reappointments + appointment.again,
        changed_at=given.changed_at,
        last_event=known.last_event + event,
        flags=frozenset(kept | flags & (moves.IRREGULAR | {moves.UNKNOWN_PROCEDURE})),
        content_hash=content,
    )
    return Step(
        outcome="updated",
        state=state,
        flags=frozenset(flags) if event else frozenset(),
        event=event,
        told=event and (moved or appointment.again or moves.MOVED in flags),
        old_status=known.status,
    )


def _appointment(known: State, given: DossierIn, term: Term) -> _Appointment:
    if given.due_at is not UNSET:
        return _Appointment(given.due_at, True, _reappointed(known, given, term))
    same = (known.procedure_code, known.received_at) == (given.procedure_code, given.received_at)
    due = known.due_at if same and not known.due_given and known.due_at else term.due(given.received_at)
    if due is not None and known.paused_at is not None and moves.ends_pause(known.status, given.status):
        due = term.resumed(due, known.status, known.paused_at, given.changed_at)
    return _Appointment(due, False)


def _reappointed(known: State, given: DossierIn, term: Term) -> frozenset[str]:
    """A given date moved further away while the clock ran; after a pause, a new date is the office's due."""
    new, old = given.due_at, known.due_at
    if not (known.due_given and old and isinstance(new, datetime) and new > old):
        return frozenset()
    if not (known.status in IN_PROGRESS and given.status in IN_PROGRESS):
        return frozenset()
    flags = {moves.REAPPOINTED}
    if known.reappointments:
        flags.add(moves.REAPPOINTED_AGAIN)
    if given.changed_at > apology_by(old, term.calendar):
        flags.add(moves.APOLOGY_LATE)
    return frozenset(flags)


def _noted_at(known: State, given: DossierIn, due: datetime | None) -> datetime | None:
    """A later date gives the office new time, and so does what comes after a late acceptance: told once more only if that passes too."""
    accepted = known.status == 1 and given.status != 1
    return known.overdue_at if known.due_at == due and not accepted else None


def _changed_hands(known: State, given: DossierIn) -> bool:
    """Whether another office has it now; who filed what has ended is nobody's concern any more."""
    status = STATUSES[given.status]
    return (status.running or status.paused) and unit_key(known.unit) != unit_key(given.handler.unit)


def _accepted_late(known: State, given: DossierIn, term: Term) -> bool:
    if known.status != 1 or given.status not in ACCEPTED or known.registered_at is None:
        return False
    return given.changed_at > check_by(known.registered_at, term.calendar)


def _finished_at(known: State, given: DossierIn) -> datetime | None:
    if given.status in FINISHED:
        return known.finished_at or given.changed_at
    return None if known.status in FINISHED else known.finished_at


def _paused_at(known: State, given: DossierIn) -> datetime | None:
    """Where the pause now running began; another reason to wait begins another pause, since each is counted by its own rule."""
    if not STATUSES[given.status].paused:
        return None
    return known.paused_at if known.status == given.status and known.paused_at else given.changed_at


def _unknown(term: Term) -> set[str]:
    return set() if term.procedure else {moves.UNKNOWN_PROCEDURE}
