"""What becomes of the dossiers that are told: pure, from what is stored and what is told to what is to be written and said.

`intake` judges what it has locked in one province's transaction, `together` what it has read of many provinces.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec

from govchat.dossiers import moves, private, store
from govchat.dossiers.advance import State, Step, advance, create
from govchat.dossiers.schemas import DossierIn, Put
from govchat.dossiers.status import SUB_STATUSES
from govchat.dossiers.terms import Term, Terms
from govchat.errors import DomainError
from govchat.kit import clock, phone
from govchat.kit.crypto import TenantVault
from govchat.kit.ids import new_id
from govchat.notices.change import Change
from govchat.notices.kinds import CAUSED_BY_CHAT, URGENT

# Completes what was told by what is stored; raises `DomainError` where that is not enough.
Merge = Callable[[State | None, private.Private | None], DossierIn]

FLAGGED = "dossier.flagged"
_NO_TIME = datetime(2000, 1, 1, tzinfo=clock.VN)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """One dossier as told: whole (`given`), or to be completed by what is stored (`merge`).

    `untimed` is for formats that don't always say when something changed: the same content is then the same, whenever it comes. Where
    the time is only that of hearing (`heard`), it is told and counted, but makes nothing stale that comes with a time of its own. A
    sender that never knew the look-up secret keeps it (`keeps_secret`).
    """

    code: str
    key: str
    given: DossierIn | None = None
    merge: Merge | None = None
    untimed: bool = False
    heard: bool = False
    keeps_secret: bool = False


class Flagged(msgspec.Struct, frozen=True):
    """Data of the callback `dossier.flagged`: what is irregular about one change."""

    dossier_code: str
    change_number: int
    status: int
    flags: list[str]
    changed_at: datetime


class Held:
    """A dossier that is being judged: its state as it moves, what was told last, and its sealed part where that was needed."""

    def __init__(self, state: State, found: store.Found | None) -> None:
        self.state, self.found = state, found
        self.opened: private.Private | None = None
        self.given: DossierIn | None = None
        self.keep_secret = True

    def private(self, vault: TenantVault) -> private.Private | None:
        """What of it needs proof, as it stands now."""
        if self.opened is None and self.found is not None:
            self.opened = private.unseal(vault, self.state.id, self.found.private_sealed)
        return self.opened

    def take(self, step: Step, draft: Draft, given: DossierIn) -> None:
        """Move on to what was told."""
        self.state, self.given, self.opened = step.state, given, private.of(given)
        self.keep_secret = self.keep_secret and draft.keeps_secret


class Judge:
    """The drafts of one province, judged in their order: one result each, and what is to be written and told of them."""

    def __init__(self, vault: TenantVault, terms: Terms, drafts: int) -> None:
        self.vault, self.terms = vault, terms
        self.held: dict[str, Held] = {}
        self.results: list[Put | DomainError | None] = [None] * drafts
        self.events: list[store.EventRecord] = []
        self.changes: list[tuple[int, Change]] = []
        self.flagged: list[tuple[str, Flagged]] = []

    def create(self, place: int, draft: Draft) -> tuple[Step, DossierIn] | None:
        """The dossier as it begins by this draft, which is not noted yet; None where the draft was refused."""
        told = self._told(place, draft, None)
        if told is None:
            return None
        given, content = told
        step = create(new_id(), draft.code, draft.key, given, content, self._term(draft.code, given))
        if draft.heard:
            step = _ordered(step, min(given.received_at or given.changed_at, given.changed_at))
        return step, given

    def advance(self, place: int, draft: Draft) -> None:
        """Move the held dossier on by this draft, and note it."""
        held = self.held[draft.key]
        told = self._told(place, draft, held)
        if told is None:
            return
        given, content = told
        if draft.untimed:
            given = msgspec.structs.replace(given, changed_at=max(given.changed_at, held.state.changed_at))
        step = advance(held.state, given, content, self._term(draft.code, given), names_offices=draft.merge is None)
        if draft.heard:
            step = _ordered(step, held.state.changed_at)
        if step.outcome == "updated":
            held.take(step, draft, given)
        self.note(place, step, given)

    def note(self, place: int, step: Step, given: DossierIn) -> None:
        """Have the step's result answered, its event appended and its change told."""
        state = step.state
        self.results[place] = Put(state.code, state.status, step.outcome, 0, sorted(step.flags))
        if not step.event:
            return
        self.events.append(
            store.EventRecord(
                dossier_id=state.id,
                number=state.last_event,
                old_status=step.old_status,
                status=state.status,
                sub_status=state.sub_status,
                unit=state.unit,
                due_at=state.due_at,
                changed_at=given.changed_at,
                flags=step.flags,
                told_sealed=private.seal_told(
                    self.vault, state.id, state.last_event, private.Told(given.handler.officer, given.status_note)
                ),
            )
        )
        told = step.flags & moves.TOLD
        # That a procedure is unknown is said once of a dossier, not with each of its changes.
        if told - {moves.UNKNOWN_PROCEDURE} or (told and state.last_event == 1):
            self.flagged.append(
                (FLAGGED, Flagged(state.code, state.last_event, state.status, sorted(told), given.changed_at))
            )
        if step.told:
            self.changes.append((place, self._change(step, given)))

    def moved(self) -> list[store.Record]:
        """What is to be written back, in the order of the keys."""
        held = sorted((each for each in self.held.values() if each.given is not None), key=_by_key)
        return [
            self.sealed(each.state, each.given, keep_secret=each.keep_secret) for each in held if each.given is not None
        ]

    def sealed(self, state: State, given: DossierIn, *, keep_secret: bool) -> store.Record:
        """The row of a dossier."""
        return store.Record(
            state=state,
            private_sealed=private.seal(self.vault, state.id, private.of(given)),
            secret_hash=private.secret_hash(self.vault, given.lookup_secret) if given.lookup_secret else None,
            phone_index=_phone_index(self.vault, given),
            keep_secret=keep_secret,
        )

    def _told(self, place: int, draft: Draft, held: Held | None) -> tuple[DossierIn, bytes] | None:
        """The whole dossier as told and the hash of its content; None where it was refused."""
        given = draft.given
        if draft.merge is not None:
            try:
                given = draft.merge(held.state if held else None, held.private(self.vault) if held else None)
            except DomainError as error:
                self.results[place] = error
                return None
            except private.UNREADABLE:  # one damaged row is not the others' trouble
                self.results[place] = private.damaged(draft.code)
                return None
        assert given is not None
        return given, _content(self.vault, given, untimed=draft.untimed)

    def _change(self, step: Step, given: DossierIn) -> Change:
        state = step.state
        procedure = self._term(state.code, given).procedure
        return Change(
            dossier_id=state.id,
            code=state.code,
            number=state.last_event,
            old_status=step.old_status,
            status=state.status,
            unit=state.unit,
            officer=given.handler.officer,
            procedure_code=state.procedure_code,
            procedure_name=procedure.name if procedure else None,
            # Where nobody told the reception, the first that is known of the dossier stands for it.
            received_at=state.received_at or state.registered_at or state.changed_at,
            due_at=state.due_at,
            changed_at=given.changed_at,
            flags=step.flags | _said_of_it(state, given),
            applicant_name=given.applicant.name,
            note=given.status_note,
            phone_index=_phone_index(self.vault, given),
            results=tuple(result.name for result in given.results),
            step=SUB_STATUSES[state.sub_status].sentence if state.sub_status else None,
        )

    def _term(self, code: str, given: DossierIn) -> Term:
        return self.terms.of(given.procedure_code, given.handler.unit, code=code, received_at=given.received_at)


def _ordered(step: Step, at: datetime) -> Step:
    """The step, its dossier standing at `at` for what is older and what is newer."""
    return msgspec.structs.replace(step, state=msgspec.structs.replace(step.state, changed_at=at))


def _by_key(held: Held) -> str:
    return held.state.code_key


def _content(vault: TenantVault, given: DossierIn, *, untimed: bool) -> bytes:
    """What tells whether the same is being said again."""
    said = msgspec.structs.replace(given, changed_at=_NO_TIME) if untimed else given
    return vault.index(msgspec.json.encode(said).decode(), "dossier")


def _said_of_it(state: State, given: DossierIn) -> frozenset[str]:
    """What notices look at besides what is irregular."""
    said = {f"sub:{state.sub_status}"} if state.sub_status else set()
    if given.urgent is True:
        said.add(URGENT)
    if given.caused_in_chat is True:
        said.add(CAUSED_BY_CHAT)
    return frozenset(said)


def _phone_index(vault: TenantVault, given: DossierIn) -> bytes | None:
    number = phone.normalise(given.applicant.phone or "")
    return vault.index(number, "phone") if number else None
