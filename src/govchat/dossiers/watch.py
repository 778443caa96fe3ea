"""What comes with time alone: dossiers that ran past their appointment or wait too long to be accepted, and those that soon will be late.

A periodic act asks province by province (`note_all`). A dossier is noted once when the time for checking it has passed and once per
appointment, as an event like any other change, and told to whoever follows it; who works on those that fall due soon learns until when an
apology is owed.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.db.away import ANY_FAILURE
from govchat.dossiers import moves, private, store
from govchat.dossiers.advance import State, Step
from govchat.dossiers.deadline import CHECK_HOURS, apology_by, check_by
from govchat.dossiers.intake import Intake, count
from govchat.dossiers.judge import Judge
from govchat.dossiers.models import DossierRow
from govchat.dossiers.schemas import DossierIn, Handler
from govchat.dossiers.terms import Terms, terms_of
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.procedures.book import Book
from govchat.tenants.registry import KeyDestroyed, Registry, Tenant

log = structlog.get_logger()

# Rows another process is telling about, or an intake is changing, are left to the next round.
OVERDUE = text(
    """
    SELECT code_key FROM dossiers
    WHERE tenant_id = :tenant AND status IN (2, 4) AND overdue_at IS NULL AND due_at < :now
    ORDER BY due_at LIMIT :most FOR NO KEY UPDATE SKIP LOCKED
    """
)
UNACCEPTED = text(
    """
    SELECT code_key FROM dossiers
    WHERE tenant_id = :tenant AND status = 1 AND overdue_at IS NULL AND registered_at < :now
    ORDER BY registered_at LIMIT :most FOR NO KEY UPDATE SKIP LOCKED
    """
)
# The longest time off that the calendar knows lies between a warning and its appointment.
AHEAD = timedelta(days=14)
AT_ONCE = 500
# One round takes so many of a province: a vendor that sends its whole archive must not hold the others up.
A_ROUND = 5_000


class Owed(msgspec.Struct, frozen=True):
    """A dossier whose appointment can only be moved with an apology until `apology_by`."""

    code: str
    unit: str
    due_at: datetime
    apology_by: datetime


async def note_all(registry: Registry, book: Book) -> list[UUID]:
    """Note what is late in every province, a transaction for each few hundred; answers the provinces that may have something to say."""
    told = []
    which = [tenant.id for tenant in registry.now.tenants.values() if tenant.state != "closed"]
    for row in await registry.db.rows("SELECT tenant FROM dossiers_past_due($1, $2)", which, clock.now()):
        tenant = await registry.by_id(row["tenant"])
        try:
            noted = await _note_tenant(registry, book, tenant)
        except (*ANY_FAILURE, KeyDestroyed) as error:  # one province's trouble is not the others'
            log.warning("dossiers.overdue_failed", tenant=tenant.slug, error=type(error).__name__)
            continue
        if noted:
            log.info("dossiers.overdue", tenant=tenant.slug, dossiers=noted)
            told.append(tenant.id)
    return told


async def _note_tenant(registry: Registry, book: Book, tenant: Tenant) -> int:
    vault = await registry.tenant_vault(tenant.id)
    noted = 0
    for act, flag in ((note_overdue, moves.OVERDUE), (note_unaccepted, moves.ACCEPTED_LATE)):
        while noted < A_ROUND:
            async with registry.db.tenant(tenant.id) as session:
                done = await act(session, vault, tenant.id, book, now=clock.now(), most=AT_ONCE)
            count(tenant.slug, [("overdue", {flag})] * done)
            noted += done
            if done < AT_ONCE:
                break
    return noted


async def note_overdue(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, book: Book, *, now: datetime, most: int = AT_ONCE
) -> int:
    """Note and tell dossiers that have run past their appointment; answers how many. Call again while it answers `most`."""
    keys = list(await session.scalars(OVERDUE, {"tenant": tenant_id, "now": now, "most": most}))
    return await _note(session, vault, tenant_id, book, keys, moves.OVERDUE, now)


async def note_unaccepted(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, book: Book, *, now: datetime, most: int = AT_ONCE
) -> int:
    """The same for dossiers that were registered and not accepted, refused or sent back within the time for checking."""
    before = now - timedelta(hours=CHECK_HOURS)  # no office is open for longer than the clock runs
    keys = list(await session.scalars(UNACCEPTED, {"tenant": tenant_id, "now": before, "most": most}))

    def late(state: State, terms: Terms) -> bool:
        term = terms.of(state.procedure_code, state.unit, code=state.code, received_at=state.received_at)
        return state.registered_at is not None and now > check_by(state.registered_at, term.calendar)

    return await _note(session, vault, tenant_id, book, keys, moves.ACCEPTED_LATE, now, late)


async def _note(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    book: Book,
    keys: Sequence[str],
    flag: str,
    now: datetime,
    late: Callable[[State, Terms], bool] | None = None,
) -> int:
    """Note what of these is `late`, all of them without it."""
    found = await store.lock(session, tenant_id, keys)
    if not found:
        return 0
    terms = await terms_of(session, tenant_id, book)
    those = [each for each in found.values() if late is None or late(each.state, terms)]
    judge = Judge(vault, terms, len(those))
    records = []
    for place, each in enumerate(those):
        state = msgspec.structs.replace(each.state, overdue_at=now, last_event=each.state.last_event + 1)
        said = _as_told(vault, state, each)
        step = Step(
            outcome="updated",
            state=state,
            flags=frozenset({flag}),
            event=True,
            told=True,
            old_status=state.status,
        )
        judge.note(place, step, said)
        records.append(
            store.Record(
                state=state,
                private_sealed=each.private_sealed,
                secret_hash=None,
                phone_index=each.phone_index,
                keep_secret=True,
            )
        )
    await store.update(session, tenant_id, records, now)
    await Intake(session, vault, tenant_id, judge, now=now).finish()
    return len(records)


def _as_told(vault: TenantVault, state: State, found: store.Found) -> DossierIn:
    """The dossier as its system of record told it last."""
    opened = private.unseal(vault, state.id, found.private_sealed)
    return DossierIn(
        procedure_code=state.procedure_code,
        applicant=opened.applicant,
        status=state.status,
        handler=Handler(state.unit, opened.officer),
        changed_at=state.changed_at,
        received_at=state.received_at,
        status_note=opened.status_note,
        results=opened.results,
    )


async def apologies_owed(
    session: AsyncSession, tenant_id: UUID, book: Book, *, now: datetime, most: int = 500
) -> list[Owed]:
    """Dossiers at work whose last moment for an apology comes within a working day, the most urgent first."""
    rows = await session.execute(
        select(DossierRow.code, DossierRow.unit, DossierRow.due_at, DossierRow.procedure_code, DossierRow.received_at)
        .where(
            DossierRow.tenant_id == tenant_id,
            DossierRow.status.in_((2, 4)),
            DossierRow.overdue_at.is_(None),
            DossierRow.due_at > now,
            DossierRow.due_at < now + AHEAD,
        )
        .order_by(DossierRow.due_at)
        .limit(most)
    )
    terms = await terms_of(session, tenant_id, book)
    owed = []
    for code, unit, due, procedure_code, received in rows:
        assert due is not None
        calendar = terms.of(procedure_code, unit, code=code, received_at=received).calendar
        until = apology_by(due, calendar)
        if now <= until <= calendar.add_workdays(now, 1):
            owed.append(Owed(code, unit, due, until))
    return owed
