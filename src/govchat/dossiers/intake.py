"""Taking in what one-stop systems say of dossiers, one or a thousand at a time, in a handful of statements.

A `changed_at` older than what is stored is stale and changes nothing; the same content again changes nothing; anything else updates
the row and, where something moved, appends an event and is told to whoever follows the dossier.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.callbacks.put import put_many as put_many_callbacks
from govchat.dossiers import codes, moves, private, store
from govchat.dossiers.advance import State, Step, advance, create
from govchat.dossiers.schemas import DossierIn, Put
from govchat.dossiers.status import SUB_STATUSES
from govchat.dossiers.terms import Term, Terms, terms_of
from govchat.errors import DomainError
from govchat.kit import clock, phone
from govchat.kit.crypto import TenantVault
from govchat.kit.ids import new_id
from govchat.notices.change import Change
from govchat.notices.kinds import CAUSED_BY_CHAT, URGENT
from govchat.notices.plan import plan
from govchat.obs import metrics
from govchat.procedures.book import Book

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


class _Held:
    """A dossier of this intake: its state as it moves, what was told last, and its sealed part where that was needed."""

    def __init__(self, state: State, found: store.Found | None) -> None:
        self.state, self.found = state, found
        self.opened: private.Private | None = None
        self.given: DossierIn | None = None
        self.keep_secret = True

    def private(self, vault: TenantVault) -> private.Private | None:
        if self.opened is None and self.found is not None:
            self.opened = private.unseal(vault, self.state.id, self.found.private_sealed)
        return self.opened

    def take(self, step: Step, draft: Draft, given: DossierIn) -> None:
        self.state, self.given, self.opened = step.state, given, private.of(given)
        self.keep_secret = self.keep_secret and draft.keeps_secret


class Intake:
    """One transaction's intake into one province."""

    def __init__(
        self,
        session: AsyncSession,
        vault: TenantVault,
        tenant_id: UUID,
        book: Book,
        *,
        now: datetime,
        test: bool = False,
    ) -> None:
        self.session, self.vault, self.tenant_id, self.book = session, vault, tenant_id, book
        self.now, self.test = now, test
        self.terms: Terms | None = None
        self.held: dict[str, _Held] = {}
        self.results: list[Put | DomainError | None] = []
        self.events: list[store.EventRecord] = []
        self.changes: list[tuple[int, Change]] = []
        self.flagged: list[tuple[str, Flagged]] = []

    async def take(self, drafts: Sequence[Draft]) -> list[Put | DomainError]:
        """Take the drafts in, in their order; a refused one leaves the others as they are."""
        self.terms = await terms_of(self.session, self.tenant_id, self.book)
        self.results = [None] * len(drafts)
        await self._hold(drafts)
        for place, draft in enumerate(drafts):
            if self.results[place] is None:
                self._advance(place, draft)
        moved = sorted((held for held in self.held.values() if held.given is not None), key=_by_key)
        await store.update(self.session, self.tenant_id, [self._record(held) for held in moved], self.now)
        await self.finish()
        return [result for result in self.results if result is not None]

    async def finish(self) -> None:
        """Append the events and tell of the changes."""
        await store.append(self.session, self.tenant_id, self.events)
        await put_many_callbacks(self.session, self.vault, self.tenant_id, self.flagged)
        changes = [change for _, change in self.changes]
        told = await plan(self.session, self.vault, self.tenant_id, changes, now=self.now, test=self.test)
        for (place, _), notices in zip(self.changes, told, strict=True):
            result = self.results[place]
            assert isinstance(result, Put)
            self.results[place] = msgspec.structs.replace(result, notices=notices)

    async def _hold(self, drafts: Sequence[Draft]) -> None:
        """Have every dossier either created here or locked."""
        places: dict[str, list[int]] = {}
        for place, draft in enumerate(drafts):
            places.setdefault(draft.key, []).append(place)
        # A single one is locked at once: it holds nothing that somebody could wait for in a circle.
        missing = places.keys() - await store.known(self.session, self.tenant_id, places) if len(places) > 1 else set()
        left = set(places)
        while left:
            left -= await self._create(drafts, {key: places[key] for key in missing})
            found = await store.lock(self.session, self.tenant_id, left)
            self.held |= {key: _Held(each.state, each) for key, each in found.items()}
            missing = left = left - found.keys()

    async def _create(self, drafts: Sequence[Draft], missing: dict[str, list[int]]) -> set[str]:
        """Create those of which the first draft that can stand alone says enough; answers the keys that are settled by that."""
        made: dict[UUID, tuple[int, Step, DossierIn]] = {}
        settled = set()
        for key, places in missing.items():
            for place in places:
                told = self._told(place, drafts[place], None)
                if told is not None:
                    given, content = told
                    term = self._term(drafts[place].code, given)
                    step = create(new_id(), drafts[place].code, key, given, content, term)
                    if drafts[place].heard:
                        step = _ordered(step, min(given.received_at or given.changed_at, given.changed_at))
                    made[step.state.id] = (place, step, given)
                    break
            else:
                settled.add(key)
        records = [_sealed(self.vault, step.state, given, keep_secret=False) for _, step, given in made.values()]
        for dossier_id in await store.insert(self.session, self.tenant_id, records):
            place, step, given = made[dossier_id]
            held = self.held[step.state.code_key] = _Held(step.state, None)
            held.opened = private.of(given)
            self.note(place, step, given)
            settled.add(step.state.code_key)
        # Somebody else created these meanwhile: what was said of their drafts no longer holds.
        for _, step, _ in made.values():
            if step.state.code_key not in settled:
                for each in missing[step.state.code_key]:
                    self.results[each] = None
        return settled

    def _told(self, place: int, draft: Draft, held: _Held | None) -> tuple[DossierIn, bytes] | None:
        """The whole dossier as told and the hash of its content; None where it was refused."""
        given = draft.given
        if draft.merge is not None:
            try:
                given = draft.merge(held.state if held else None, held.private(self.vault) if held else None)
            except DomainError as error:
                self.results[place] = error
                return None
        assert given is not None
        return given, _content(self.vault, given, untimed=draft.untimed)

    def _advance(self, place: int, draft: Draft) -> None:
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

    def _record(self, held: _Held) -> store.Record:
        assert held.given is not None
        return _sealed(self.vault, held.state, held.given, keep_secret=held.keep_secret)

    def _term(self, code: str, given: DossierIn) -> Term:
        assert self.terms is not None
        return self.terms.of(given.procedure_code, given.handler.unit, code=code, received_at=given.received_at)


async def put_many(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    book: Book,
    drafts: Sequence[Draft],
    *,
    test: bool = False,
) -> list[Put | DomainError]:
    """Create or update dossiers and plan what citizens are told of it.

    Answers one result per draft, in order, a refusal among them where a draft could not be completed. `test`: for a `gvc_test_` key,
    whose notices are decided and kept but never said.
    """
    return await Intake(session, vault, tenant_id, book, now=clock.now(), test=test).take(drafts)


async def put(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    book: Book,
    code: str,
    given: DossierIn,
    *,
    test: bool = False,
) -> Put:
    """Create or update one dossier; raises `CodeInvalid`."""
    draft = Draft(code=code, key=codes.parse(code).key, given=given)
    (result,) = await put_many(session, vault, tenant_id, book, [draft], test=test)
    assert isinstance(result, Put)
    return result


async def create_missing(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, book: Book, items: Sequence[tuple[str, DossierIn]]
) -> set[str]:
    """Create those that don't exist yet, with their first event, and tell nobody; answers the normalised codes created."""
    intake = Intake(session, vault, tenant_id, book, now=clock.now())
    intake.terms = await terms_of(session, tenant_id, book)
    drafts = [Draft(code=code, key=codes.parse(code).key, given=given) for code, given in items]
    intake.results = [None] * len(drafts)
    first = {draft.key: [place] for place, draft in reversed(list(enumerate(drafts)))}
    made = await intake._create(drafts, first)
    await store.append(session, tenant_id, intake.events)
    return made


def count(slug: str, results: Iterable[tuple[str, Iterable[str]]]) -> None:
    """Count outcomes and flags of an intake, once it is committed."""
    label = metrics.tenant_label(slug)
    for outcome, flags in results:
        metrics.DOSSIERS.labels(label, outcome).inc()
        for flag in flags:
            metrics.DOSSIER_FLAGS.labels(label, flag).inc()


def _ordered(step: Step, at: datetime) -> Step:
    """The step, its dossier standing at `at` for what is older and what is newer."""
    return msgspec.structs.replace(step, state=msgspec.structs.replace(step.state, changed_at=at))


def _by_key(held: _Held) -> str:
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


def _sealed(vault: TenantVault, state: State, given: DossierIn, *, keep_secret: bool) -> store.Record:
    return store.Record(
        state=state,
        private_sealed=private.seal(vault, state.id, private.of(given)),
        secret_hash=private.secret_hash(vault, given.lookup_secret) if given.lookup_secret else None,
        phone_index=_phone_index(vault, given),
        keep_secret=keep_secret,
    )
