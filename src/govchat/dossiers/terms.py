"""How the deadlines of one province are counted: the calendar of each office, the pause policy of each procedure.

The procedure is that of the province's own catalogue, in the version that held on the day of reception. Hours are those of the office's
rule, else those of its agency in the manifest, else the province's. What nobody names counts as usual: 07:30–11:30 and 13:00–17:00, police
counters on Saturday morning too, and a limit that starts anew once the missing papers have come (Decree 61/2018 Art. 17, kept by
Decree 118/2025).
"""

from collections.abc import Iterable
from datetime import date, datetime, time
from functools import cache
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.dossiers.deadline import Pause, Unit, due_at, shifted
from govchat.kit.clock import VN
from govchat.kit.text import clean, fold
from govchat.kit.workdays import OFFICE_HOURS, Calendar, OfficeHours, national
from govchat.procedures.book import Book, Lookup
from govchat.procedures.catalogue import Procedure, national_code
from govchat.tenants.agencies import agency_for
from govchat.tenants.schema import Manifest

# Residence and identity papers are taken in on Saturday morning.
POLICE = "cong an "
POLICE_HOURS = OfficeHours(saturday=((time(7, 30), time(11, 30)),))

SUPPLEMENT = 5
RULES = text("SELECT kind, subject, rule FROM dossier_rules WHERE tenant_id = :tenant")


class Office(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The opening hours of one office, each span as `07:30-11:30`."""

    unit: str
    morning: str = "07:30-11:30"
    afternoon: str = "13:00-17:00"
    saturday: str = ""

    @property
    def hours(self) -> OfficeHours:
        """Raises ValueError or `ConfigurationError` naming the span that is none."""
        saturday = (_span(self.saturday),) if self.saturday else ()
        return OfficeHours(morning=_span(self.morning), afternoon=_span(self.afternoon), saturday=saturday)


class Counted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the limit of one procedure is counted."""

    code: str
    pause: Pause = "restart"
    plain_days: Literal["calendar", "working"] = "calendar"


class Term(msgspec.Struct, frozen=True):
    """What counts for one procedure at one office."""

    procedure: Procedure | None
    calendar: Calendar
    counted: Counted

    @property
    def unit(self) -> Unit | None:
        return self.procedure.limit.unit if self.procedure else None

    def due(self, received_at: datetime | None) -> datetime | None:
        """The appointment computed from the procedure's limit, None without one or without a time of reception."""
        if self.procedure is None or received_at is None:
            return None
        worked = self.counted.plain_days == "working"
        return due_at(self.procedure, received_at, self.calendar, plain_days_worked=worked)

    def resumed(self, due: datetime, status: int, paused_at: datetime, resumed_at: datetime) -> datetime:
        """The appointment after a pause in `status`: papers that came start the limit anew or shift it, as the rule says.

        Waiting for a payment and a stop always shift: nothing new has come that would have to be looked at from the beginning.
        """
        if status == SUPPLEMENT and self.counted.pause == "restart":
            return self.due(resumed_at) or due
        return shifted(due, self.unit, paused_at, resumed_at, self.calendar)


class Terms:
    """The rules of one province, looked up by procedure, office, dossier and day of reception."""

    __slots__ = ("_catalogue", "_counted", "_hours", "_known", "_manifest")

    def __init__(
        self,
        catalogue: Lookup,
        manifest: Manifest | None,
        offices: dict[str, Office],
        counted: dict[str, Counted],
    ) -> None:
        self._catalogue = catalogue
        self._manifest = manifest
        self._hours = {unit: office.hours for unit, office in offices.items()}
        self._counted = counted
        self._known: dict[tuple[str, str, str, date | None], Term] = {}

    def of(self, procedure_code: str, unit: str, *, code: str = "", received_at: datetime | None = None) -> Term:
        """What counts for this procedure at this office, for a dossier of that code and reception (None: today)."""
        day = received_at.astimezone(VN).date() if received_at is not None else None
        head = code.partition("-")[0] if self._manifest is not None and self._manifest.agencies else ""
        place = (procedure_code, unit, head, day)
        found = self._known.get(place)
        if found is None:
            counted = national_code(procedure_code) or procedure_code
            found = self._known[place] = Term(
                self._catalogue.get(procedure_code, day),
                calendar_with(self._hours_of(unit, head)),
                self._counted.get(counted) or Counted(counted),
            )
        return found

    def _hours_of(self, unit: str, head: str) -> OfficeHours:
        """The office's own rule, its agency's hours, the usual ones of its kind, or the province's: the first that is named."""
        ruled = self._hours.get(unit_key(unit))
        if ruled is not None:
            return ruled
        manifest = self._manifest
        if manifest is not None:
            # Where the dossier lies now, else the authority that its code names.
            agency = agency_for(manifest, unit=unit) or agency_for(manifest, dossier_code=head)
            if agency is not None and agency.hours is not None:
                return agency.hours.office_hours
        if unit_key(unit).startswith(POLICE):
            return POLICE_HOURS
        return manifest.working_hours.office_hours if manifest is not None else OFFICE_HOURS


def unit_key(unit: str) -> str:
    """An office by its name, however its letters are written."""
    return fold(clean(unit))


async def terms_of(session: AsyncSession, tenant_id: UUID, book: Book) -> Terms:
    """The rules of the province, over its catalogue and its manifest."""
    rows = await session.execute(RULES, {"tenant": tenant_id})
    return terms_from([(kind, subject, rule) for kind, subject, rule in rows], tenant_id, book)


def terms_from(rules: Iterable[tuple[str, str, Any]], tenant_id: UUID, book: Book) -> Terms:
    """`terms_of` for rules (kind, subject, rule) that have been read already."""
    offices, counted = {}, {}
    for kind, subject, rule in rules:
        if kind == "office":
            offices[subject] = msgspec.convert(rule, Office)
        else:
            counted[subject] = msgspec.convert(rule, Counted)
    tenant = book.registry.now.tenants.get(tenant_id)
    return Terms(book.of(tenant_id), tenant.manifest if tenant else None, offices, counted)


@cache
def calendar_with(hours: OfficeHours) -> Calendar:
    """The national days with these hours; made once per process and hours."""
    return national() if hours == OFFICE_HOURS else national().with_hours(hours)


def _span(written: str) -> tuple[time, time]:
    first, dash, last = written.replace("–", "-").partition("-")
    try:
        if not dash:
            raise ValueError
        return time.fromisoformat(first.strip()), time.fromisoformat(last.strip())
    except ValueError:
        raise ValueError(f'"{written}" is no span of hours: expected such as 07:30-11:30') from None
