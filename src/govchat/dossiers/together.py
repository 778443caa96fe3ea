"""Taking in what many systems put at the same moment: one look and one write for all of them, whatever their provinces (ADR 0019).

What was read is judged without a transaction and written only where the dossier still stands as it was read. What has to lock money, to
take back a notice or to wait for somebody else, and whatever breaks, is taken in alone, in a transaction of its own.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from types import SimpleNamespace
from typing import Any, ClassVar
from uuid import UUID

import msgspec
import structlog

from govchat.callbacks.put import seal as seal_callback
from govchat.db.away import ANY_FAILURE, is_away
from govchat.db.session import after_commit
from govchat.dossiers import codes, intake, store
from govchat.dossiers.advance import State
from govchat.dossiers.judge import Draft, Held, Judge
from govchat.dossiers.schemas import DossierIn, Put
from govchat.dossiers.terms import Terms, terms_from
from govchat.errors import DomainError
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.kit.gather import Gather
from govchat.kit.queue import SEND, Bell
from govchat.notices import plan
from govchat.notices.ahead import NOTHING, Ahead, plan_ahead
from govchat.notices.people import Person, once, person_from
from govchat.notices.policy import Policy, policy_from, today_of
from govchat.notices.quiet import month_of
from govchat.procedures.book import Book
from govchat.tenants.registry import Registry

log = structlog.get_logger()

# Those that come within this time share both round trips; a lone one waits for nobody.
LINGER_S = 0.025
ENOUGH = 40
MOST = 100
PARALLEL = 2
# More than this waiting means PostgreSQL is away or far behind: refuse at once instead of piling up.
QUEUE_LIMIT = 2_000

LOOK = "SELECT * FROM dossiers_put_look($1, $2, $3, $4)"
_STATE = tuple(field for field in State.__struct_fields__ if field != "flags")
_SEALED = ("private_sealed", "secret_hash", "phone_index")
_NOTICE = (
    "id", "citizen_id", "kind", "state", "channel", "reason", "decision", "facts", "wording", "due_at", "key", "cause", "message_id",
    "body", "echo_hash",
)  # fmt: skip
# At, month; tenant, version and event; the dossier; whose notice, and the notice; the callback.
_ARGUMENTS = 2 + 5 + len(State.__struct_fields__) + len(_SEALED) + 1 + len(_NOTICE) + 4
APPLY = f"SELECT dossiers_put_apply({', '.join(f'${n}' for n in range(1, _ARGUMENTS + 1))})"


class TooManyWaiting(DomainError):
    """More is being put than the database takes in."""

    status: ClassVar[int] = 503
    code: ClassVar[str] = "too_many_waiting"
    title: ClassVar[str] = "Too much is waiting, send it again"


class Pushed(msgspec.Struct, frozen=True):
    """One dossier that was put."""

    tenant_id: UUID
    vault: TenantVault
    draft: Draft


class _Seen(msgspec.Struct):
    """What is known of one that was put."""

    version: int | None = None
    state: State | None = None
    people: list[Person] = []
    waits: bool = False


class _Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What a province decided about notices, by the names of `notices.policy`."""

    state: str
    quiet: dict[str, Any] | None
    monthly_budget: int
    paid_window: bool
    cs_price: int
    daily_left: int | None = None
    unpaid_until: datetime | None
    wordings: dict[str, tuple[int, str | None]] | None
    phrases: dict[str, str | None] | None
    uses: dict[str, Any] | None


class _Province(msgspec.Struct, frozen=True):
    """What a province settled on, as it was read."""

    terms: Terms
    policy: Policy | None


class _Ready(msgspec.Struct, frozen=True):
    """One that is to be written, with its answer."""

    place: int
    tenant_id: UUID
    version: int | None
    answer: Put
    record: store.Record
    event: store.EventRecord | None
    ahead: Ahead
    callbacks: list[tuple[str, UUID, bytes]]


class Together:
    """Takes in what is put through one process."""

    def __init__(self, registry: Registry, book: Book, bell: Bell) -> None:
        self._registry, self._db, self._book, self._bell = registry, registry.db, book, bell
        self._gather = Gather(self._take, most=MOST, linger_s=LINGER_S, enough=ENOUGH, parallel=PARALLEL)
        self._turns: dict[tuple[UUID, str], tuple[asyncio.Lock, list[None]]] = {}

    async def put(self, tenant_id: UUID, code: str, given: DossierIn, *, test: bool = False) -> Put:
        """Create or update one dossier, committed; raises `CodeInvalid`, `TooManyWaiting`.

        What is put of one code goes in the order in which it came. `test`: notices are decided and kept, never said.
        """
        draft = Draft(code=code, key=codes.parse(code).key, given=given)
        if self._gather.waiting >= QUEUE_LIMIT:
            raise TooManyWaiting("the database is behind: send the same again in a moment")
        async with self._turn(tenant_id, draft.key):
            vault = await self._registry.tenant_vault(tenant_id)
            done = None if test else await self._gather.put(Pushed(tenant_id, vault, draft))
            if done is None:
                done = await self._alone(tenant_id, vault, draft, test=test)
        return done

    async def finish(self) -> None:
        """Wait until whatever was put is taken in."""
        await self._gather.finish()

    @asynccontextmanager
    async def _turn(self, tenant_id: UUID, key: str) -> AsyncIterator[None]:
        """One after another for the same dossier."""
        lock, held = self._turns.setdefault((tenant_id, key), (asyncio.Lock(), []))
        held.append(None)
        try:
            async with lock:
                yield
        finally:
            held.pop()
            if not held:
                del self._turns[tenant_id, key]

    async def _alone(self, tenant_id: UUID, vault: TenantVault, draft: Draft, *, test: bool) -> Put:
        """In a transaction of its own, which may lock and wait."""
        async with self._db.tenant(tenant_id) as session:
            (done,) = await intake.put_many(session, vault, tenant_id, self._book, [draft], test=test)
            assert isinstance(done, Put)
            if done.notices and not test:
                after_commit(session, partial(self._bell.soon, SEND, tenant_id))
        self._count(tenant_id, done)
        return done

    async def _take(self, batch: list[Pushed]) -> list[Put | None]:
        """Answers of those that were taken in; None for those that have to go alone."""
        now = clock.now()
        try:
            seen, provinces = await self._look(batch, now)
            answers, ready = self._judge(batch, seen, provinces, now)
            applied = await self._apply(ready, now) if ready else set()
        except ANY_FAILURE as error:
            if is_away(error):
                raise
            # One of them is the cause: alone, it fails for itself.
            log.warning("dossiers.together_failed", dossiers=len(batch), error=type(error).__name__)
            return [None] * len(batch)
        rung = set()
        for place, one in enumerate(ready, 1):
            if place in applied:
                answers[one.place] = one.answer
                plan.count(one.ahead.planned)
                if one.answer.notices:
                    rung.add(one.tenant_id)
        if rung:
            self._bell.soon(SEND, *rung)
        for pushed, answer in zip(batch, answers, strict=True):
            if answer is not None:
                self._count(pushed.tenant_id, answer)
        return answers

    def _count(self, tenant_id: UUID, done: Put) -> None:
        tenant = self._registry.now.tenants.get(tenant_id)
        if tenant is not None:
            intake.count(tenant.slug, [(done.outcome, done.flags)])

    async def _look(self, batch: Sequence[Pushed], now: datetime) -> tuple[list[_Seen], dict[UUID, _Province]]:
        rows = await self._db.rows(
            LOOK, [each.tenant_id for each in batch], [each.draft.key for each in batch], now, today_of(now)
        )
        seen = [_Seen(people=[]) for _ in batch]
        provinces: dict[UUID, _Province] = {}
        for row in rows:
            if row["place"] is None:
                provinces[row["tenant"]] = self._province(row, now)
                continue
            one = seen[row["place"] - 1]
            if one.state is None:
                one.version = row["version"]
                one.state = State(**{name: row[name] for name in _STATE}, flags=frozenset(row["flags"]))
            if row["citizen_id"] is not None:
                one.waits = one.waits or bool(row["waits"])
                one.people.append(person_from(SimpleNamespace(**row, dossier_id=row["id"])))
        return seen, provinces

    def _province(self, row: Any, now: datetime) -> _Province:
        rules = msgspec.json.decode(row["rules"]) if row["rules"] else []
        policy = msgspec.json.decode(row["policy"], type=_Policy) if row["policy"] else None
        return _Province(
            terms_from(rules, row["tenant"], self._book), policy_from(policy, now) if policy is not None else None
        )

    def _judge(
        self, batch: Sequence[Pushed], seen: Sequence[_Seen], provinces: dict[UUID, _Province], now: datetime
    ) -> tuple[list[Put | None], list[_Ready]]:
        """The answers where nothing is to be written, and what is."""
        answers: list[Put | None] = [None] * len(batch)
        ready: list[_Ready] = []
        for place, (pushed, known) in enumerate(zip(batch, seen, strict=True)):
            try:
                done = _judged(place, pushed, known, provinces[pushed.tenant_id], now)
            except Exception as error:  # its own trouble: alone, it is told of it
                log.warning("dossiers.not_judged", error=type(error).__name__)
                continue
            if isinstance(done, Put):
                answers[place] = done
            elif done is not None:
                ready.append(done)
        return answers, ready

    async def _apply(self, ready: Sequence[_Ready], now: datetime) -> set[int]:
        """Write them; answers which of them (from 1) still stood as they were read."""
        events = [one.event for one in ready]
        notices = [(place, row) for place, one in enumerate(ready, 1) for row in one.ahead.rows]
        callbacks = [(place, *each) for place, one in enumerate(ready, 1) for each in one.callbacks]
        done = await self._db.call(
            APPLY,
            now,
            month_of(now),
            [one.tenant_id for one in ready],
            [one.version for one in ready],
            [event.old_status if event else None for event in events],
            [" ".join(sorted(event.flags)) if event else "" for event in events],
            [event.told_sealed if event else None for event in events],
            *(_columns(one.record for one in ready)),
            [place for place, _ in notices],
            *([getattr(row, name) for _, row in notices] for name in _NOTICE),
            *([each[n] for each in callbacks] for n in (0, 2, 1, 3)),
        )
        return set(done)


def _judged(place: int, pushed: Pushed, known: _Seen, province: _Province, now: datetime) -> Put | _Ready | None:
    """The answer where nothing is to be written, what is to be written, or None: it has to go alone."""
    judge, draft, given = Judge(pushed.vault, province.terms, 1), pushed.draft, pushed.draft.given
    assert given is not None
    if known.state is None:
        begun = judge.create(0, draft)
        assert begun is not None
        step, _ = begun
        judge.note(0, step, given)
        record = judge.sealed(step.state, given, keep_secret=False)
    else:
        judge.held[draft.key] = Held(known.state, None)
        judge.advance(0, draft)
        moved = judge.moved()
        if not moved:
            (answer,) = judge.results
            return answer if isinstance(answer, Put) else None
        (record,) = moved
    (answer,) = judge.results
    assert isinstance(answer, Put)
    ahead: Ahead | None = NOTHING
    for _, change in judge.changes:
        ahead = None if known.waits else plan_ahead(pushed.vault, province.policy, change, once(known.people), now=now)
    if ahead is None:
        return None
    told = (*judge.flagged, *plan.unreached(ahead.planned))
    return _Ready(
        place,
        pushed.tenant_id,
        known.version,
        msgspec.structs.replace(answer, notices=ahead.notices),
        record,
        judge.events[0] if judge.events else None,
        ahead,
        [(kind, *seal_callback(pushed.vault, kind, body, now)) for kind, body in told],
    )


def _columns(records: Iterable[store.Record]) -> Iterable[list[Any]]:
    """The columns of the dossiers, in the order in which `dossiers_put_apply` takes them."""
    rows = list(records)
    for name in State.__struct_fields__:
        values = [getattr(row.state, name) for row in rows]
        yield [" ".join(sorted(flags)) for flags in values] if name == "flags" else values
    for name in _SEALED:
        yield [getattr(row, name) for row in rows]
