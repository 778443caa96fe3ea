"""Taking in what one-stop systems say of dossiers, one or a thousand at a time, in a handful of statements.

A `changed_at` older than what is stored is stale and changes nothing; the same content again changes nothing; anything else updates
the row and, where something moved, appends an event and is told to whoever follows the dossier.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.callbacks.put import put_many as put_many_callbacks
from govchat.dossiers import codes, private, store
from govchat.dossiers.advance import Step
from govchat.dossiers.judge import Draft, Held, Judge
from govchat.dossiers.schemas import DossierIn, Put
from govchat.dossiers.terms import terms_of
from govchat.errors import DomainError
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.notices.plan import plan
from govchat.obs import metrics
from govchat.procedures.book import Book


class Intake:
    """One transaction's intake into one province."""

    def __init__(
        self,
        session: AsyncSession,
        vault: TenantVault,
        tenant_id: UUID,
        judge: Judge,
        *,
        now: datetime,
        test: bool = False,
    ) -> None:
        self.session, self.vault, self.tenant_id, self.judge = session, vault, tenant_id, judge
        self.now, self.test = now, test

    async def take(self, drafts: Sequence[Draft]) -> list[Put | DomainError]:
        """Take the drafts in, in their order; a refused one leaves the others as they are."""
        judge = self.judge
        await self._hold(drafts)
        for place, draft in enumerate(drafts):
            if judge.results[place] is None:
                judge.advance(place, draft)
        await store.update(self.session, self.tenant_id, judge.moved(), self.now)
        await self.finish()
        return [result for result in judge.results if result is not None]

    async def finish(self) -> None:
        """Append the events and tell of the changes."""
        judge = self.judge
        await store.append(self.session, self.tenant_id, judge.events)
        await put_many_callbacks(self.session, self.vault, self.tenant_id, judge.flagged)
        changes = [change for _, change in judge.changes]
        told = await plan(self.session, self.vault, self.tenant_id, changes, now=self.now, test=self.test)
        for (place, _), notices in zip(judge.changes, told, strict=True):
            result = judge.results[place]
            assert isinstance(result, Put)
            judge.results[place] = msgspec.structs.replace(result, notices=notices)

    async def _hold(self, drafts: Sequence[Draft]) -> None:
        """Have every dossier either created here or locked."""
        places: dict[str, list[int]] = {}
        for place, draft in enumerate(drafts):
            places.setdefault(draft.key, []).append(place)
        # A single one is locked at once: it holds nothing that somebody could wait for in a circle.
        missing = places.keys() - await store.known(self.session, self.tenant_id, places) if len(places) > 1 else set()
        left = set(places)
        while left:
            left -= await self.create(drafts, {key: places[key] for key in missing})
            found = await store.lock(self.session, self.tenant_id, left)
            self.judge.held |= {key: Held(each.state, each) for key, each in found.items()}
            missing = left = left - found.keys()

    async def create(self, drafts: Sequence[Draft], missing: dict[str, list[int]]) -> set[str]:
        """Create those of which the first draft that can stand alone says enough; answers the keys that are settled by that."""
        judge = self.judge
        made: dict[UUID, tuple[int, Step, DossierIn]] = {}
        settled = set()
        for key, places in missing.items():
            for place in places:
                begun = judge.create(place, drafts[place])
                if begun is not None:
                    step, given = begun
                    made[step.state.id] = (place, step, given)
                    break
            else:
                settled.add(key)
        records = [judge.sealed(step.state, given, keep_secret=False) for _, step, given in made.values()]
        for dossier_id in await store.insert(self.session, self.tenant_id, records):
            place, step, given = made[dossier_id]
            held = judge.held[step.state.code_key] = Held(step.state, None)
            held.opened = private.of(given)
            judge.note(place, step, given)
            settled.add(step.state.code_key)
        # Somebody else created these meanwhile: what was said of their drafts no longer holds.
        for _, step, _ in made.values():
            if step.state.code_key not in settled:
                for each in missing[step.state.code_key]:
                    judge.results[each] = None
        return settled


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
    judge = Judge(vault, await terms_of(session, tenant_id, book), len(drafts))
    return await Intake(session, vault, tenant_id, judge, now=clock.now(), test=test).take(drafts)


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
    drafts = [Draft(code=code, key=codes.parse(code).key, given=given) for code, given in items]
    judge = Judge(vault, await terms_of(session, tenant_id, book), len(drafts))
    first = {draft.key: [place] for place, draft in reversed(list(enumerate(drafts)))}
    made = await Intake(session, vault, tenant_id, judge, now=clock.now()).create(drafts, first)
    await store.append(session, tenant_id, judge.events)
    return made


def count(slug: str, results: Iterable[tuple[str, Iterable[str]]]) -> None:
    """Count outcomes and flags of an intake, once it is committed."""
    label = metrics.tenant_label(slug)
    for outcome, flags in results:
        metrics.DOSSIERS.labels(label, outcome).inc()
        for flag in flags:
            metrics.DOSSIER_FLAGS.labels(label, flag).inc()
