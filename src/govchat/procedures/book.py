"""The catalogue as every process holds it: the national layer once, each province's layer over it, every version with its day.

`Book.of(tenant).get(code, on=day)` answers at once, from memory; it takes what `starter()` takes. Rows come from the database at start-up
and again when a layer's mark has moved. A province costs what it says differently, never a copy of the catalogue.
"""

import asyncio
import re
from bisect import bisect_right
from collections.abc import Iterator
from datetime import date
from typing import Any, Protocol, TypeVar
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.db.session import Database
from govchat.kit import clock
from govchat.kit.text import fold
from govchat.kit.turns import Turns
from govchat.procedures.catalogue import Procedure, national_code, starter
from govchat.procedures.models import CatalogueMarkRow, ProcedureOverrideRow
from govchat.procedures.patch import NOTHING, Patch, blank, laid_over, read
from govchat.procedures.rows import key_of
from govchat.tenants.registry import Registry

log = structlog.get_logger()

ALWAYS = date.min
FRESH_EVERY_S = 5.0
# With more provinces than `kit.turns.FEW`, each one's layer is looked at this often.
FRESH_ALL_S = 30.0
VERSIONS = "SELECT code, version, valid_from, patch::text FROM national_procedures ORDER BY code, version"


class Lookup(Protocol):
    """What dossiers and conversations need of a catalogue: `starter()` and `Book.of(tenant)` both are one."""

    def get(self, code: str, on: date | None = None) -> Procedure | None:
        """The procedure as it stood on that day, None when unknown."""
        ...


class Edition(msgspec.Struct, frozen=True, gc=False):
    """A procedure as it holds from a day on: which version of each layer made it, and what a search compares.

    `said` is what the province's layer says; `national` is False for a procedure that only the province has.
    """

    valid_from: date
    version: int
    procedure: Procedure
    folded: str
    override: int = 0
    said: Patch = NOTHING
    national: bool = True


class Over(msgspec.Struct, frozen=True, gc=False):
    """One version of a province's layer."""

    valid_from: date
    version: int
    patch: Patch
    origin: str


Versioned = TypeVar("Versioned", Edition, Over)
National = dict[str, tuple[Edition, ...]]
Layer = dict[str, tuple[Over, ...]]


def in_force(versions: tuple[Versioned, ...], on: date) -> Versioned | None:
    """The version that holds on this day: the last whose day has come. `versions` are in that order."""
    at = bisect_right(versions, on, key=lambda each: each.valid_from)
    return versions[at - 1] if at else None


def words_of(text: str) -> list[str]:
    """The words that are compared, without marks; a code stays one word."""
    return re.findall(r"[a-z0-9]+(?:\.[a-z0-9]+)*", fold(text))


def search_text(procedure: Procedure) -> str:
    """What a search compares: names, code, other names and field, as folded words between blanks."""
    names = (procedure.name, procedure.official_name, *procedure.aliases, *procedure.topics, procedure.field)
    texts = (procedure.code, *dict.fromkeys(name for name in names if name))
    return f" {' | '.join(' '.join(words_of(text)) for text in texts)} "


def build_national(rows: list[Any]) -> National:
    """The national layer: shipped rows, and over them the versions read from the database (code, version, valid_from, patch as JSON)."""
    shared: dict[Any, Any] = {}
    versions: dict[str, list[Edition]] = {row.code: [_edition(ALWAYS, 0, row)] for row in starter()}
    shipped = {row.code: row for row in starter()}
    decoder = msgspec.json.Decoder(Patch)
    for code, version, valid_from, patch in rows:
        made = laid_over(shipped.get(code) or blank(code), decoder.decode(patch))
        # Thousands of rows name the same few hundred offices: one object each.
        same = {name: shared.setdefault(value, value) for name in _SHARED if (value := getattr(made, name))}
        made = msgspec.structs.replace(made, **same)
        versions.setdefault(code, []).append(_edition(valid_from or ALWAYS, version, made))
    return {code: ordered(versions[code]) for code in sorted(versions)}


_SHARED = ("issuer", "field", "agencies", "levels", "channels", "documents", "legal_basis", "decision", "limit", "fee")


def _edition(valid_from: date, version: int, procedure: Procedure) -> Edition:
    return Edition(valid_from, version, procedure, search_text(procedure))


def ordered(versions: list[Versioned]) -> tuple[Versioned, ...]:
    """By day; of two with one day the later version stands, the earlier was corrected."""
    by_day = {each.valid_from: each for each in sorted(versions, key=lambda each: each.version)}
    return tuple(by_day[day] for day in sorted(by_day))


async def read_layer(session: AsyncSession, tenant_id: UUID) -> Layer:
    """A province's layer, read in its own transaction."""
    rows = await session.execute(
        select(
            ProcedureOverrideRow.code,
            ProcedureOverrideRow.version,
            ProcedureOverrideRow.valid_from,
            ProcedureOverrideRow.patch,
            ProcedureOverrideRow.origin,
        ).where(ProcedureOverrideRow.tenant_id == tenant_id)
    )
    versions: dict[str, list[Over]] = {}
    for code, version, valid_from, patch, origin in rows:
        versions.setdefault(code, []).append(Over(valid_from or ALWAYS, version, read(patch), origin))
    return {code: ordered(found) for code, found in versions.items()}


class View:
    """The catalogue as one province sees it."""

    __slots__ = ("_book", "tenant_id")

    def __init__(self, book: "Book", tenant_id: UUID) -> None:
        self._book = book
        self.tenant_id = tenant_id

    def get(self, code: str, on: date | None = None) -> Procedure | None:
        """The procedure as it stood on `on` (today when None), hidden and withdrawn ones too; None when unknown or malformed."""
        found = self.edition(code, on)
        return found.procedure if found else None

    def edition(self, code: str, on: date | None = None) -> Edition | None:
        """`get` with the versions it is made of."""
        for key in dict.fromkeys((key_of(code), national_code(code))):
            if key and (found := self._book.edition(self.tenant_id, key, on or today())):
                return found
        return None

    def editions(self, on: date | None = None) -> Iterator[Edition]:
        """Everything this province offers, in code order: nothing hidden, withdrawn, replaced, or issued by another province."""
        for found in self.every_edition(on):
            procedure = found.procedure
            if not (procedure.hidden or procedure.withdrawn or procedure.replaced_by):
                yield found

    def every_edition(self, on: date | None = None) -> Iterator[Edition]:
        """`editions` with those that are hidden, withdrawn or replaced."""
        book, day = self._book, on or today()
        ours: dict[str, bool] = {}
        for code in book.codes(self.tenant_id):
            found = book.edition(self.tenant_id, code, day)
            if found is None:
                continue
            if found.procedure.is_provincial and not found.override:
                issuer = found.procedure.issuer
                if issuer not in ours:
                    ours[issuer] = book.issues(self.tenant_id, issuer)
                if not ours[issuer]:
                    continue
            yield found

    def __iter__(self) -> Iterator[Procedure]:
        return (found.procedure for found in self.editions())

    @property
    def stamp(self) -> tuple[int, int]:
        """Changes whenever this view may have: what is built from it is built again then."""
        return self._book.stamp(self.tenant_id)


def today() -> date:
    """The day in Vietnam."""
    return clock.now().astimezone(clock.VN).date()


class Book:
    """All layers in memory. Swapped whole on a change, so a reader never sees half of one."""

    def __init__(self, db: Database, registry: Registry) -> None:
        self.db = db
        self.registry = registry
        # One file at a time is unpacked in a process.
        self.importing = asyncio.Semaphore(1)
        self.national: National = build_national([])
        self.layers: dict[UUID, Layer] = {}
        self._marks: dict[UUID, int] = {}
        self._national_mark = 0
        self._made: dict[UUID, dict[tuple[str, int, int], Edition]] = {}
        self._codes: dict[UUID, tuple[str, ...]] = {}
        self._reloading = asyncio.Lock()
        self._turns = Turns(every_s=FRESH_ALL_S)

    def of(self, tenant_id: UUID) -> View:
        """The catalogue of one province."""
        return View(self, tenant_id)

    def get(self, tenant_id: UUID, code: str, on: date | None = None) -> Procedure | None:
        """`of(tenant_id).get(code, on)`."""
        return self.of(tenant_id).get(code, on)

    def stamp(self, tenant_id: UUID) -> tuple[int, int]:
        """(mark of the national layer, mark of the province's)."""
        return self._national_mark, self._marks.get(tenant_id, 0)

    async def load(self) -> None:
        """Read again whatever has moved."""
        async with self._reloading:
            await self._load_national()
            await self._look([row["id"] for row in await self.db.rows("SELECT id FROM tenants")])

    async def _look(self, tenant_ids: list[UUID]) -> None:
        for tenant_id, mark in await self.db.rows("SELECT tenant, mark FROM catalogue_marks_of($1)", tenant_ids):
            if self._marks.get(tenant_id) != mark:
                await self._load_layer(tenant_id)

    async def fresh(self, tenant_id: UUID) -> View:
        """The province's view as the database has it now: for routes, which may have been written by another process a moment ago."""
        async with self._reloading:
            await self._load_national()
            async with self.db.tenant(tenant_id) as session:
                mark = await session.scalar(
                    select(CatalogueMarkRow.mark).where(CatalogueMarkRow.tenant_id == tenant_id)
                )
            if mark is not None and self._marks.get(tenant_id) != mark:
                await self._load_layer(tenant_id)
        return self.of(tenant_id)

    async def keep_fresh(self, every_s: float = FRESH_EVERY_S) -> None:
        """Load for as long as the process lives; a database that is away is asked again later."""
        while True:
            await asyncio.sleep(every_s)
            try:
                async with self._reloading:
                    await self._load_national()
                    await self._look(self._turns.next(self.registry.now.tenants))
            except Exception as error:  # the old catalogue keeps serving
                log.warning("catalogue.reload_failed", error=type(error).__name__)

    async def _load_national(self) -> None:
        found = await self.db.rows("SELECT coalesce(max(number), 0) AS mark FROM national_imports")
        mark = found[0]["mark"]
        if mark == self._national_mark:
            return
        rows = await self.db.rows(VERSIONS)
        self.national = await asyncio.to_thread(build_national, rows)
        self._made, self._codes = {}, {}
        self._national_mark = mark

    async def _load_layer(self, tenant_id: UUID) -> None:
        async with self.db.tenant(tenant_id) as session:
            # The mark first: what is written in between is read again at the next look.
            mark = await session.scalar(select(CatalogueMarkRow.mark).where(CatalogueMarkRow.tenant_id == tenant_id))
            self.layers[tenant_id] = await read_layer(session, tenant_id)
        self._made.pop(tenant_id, None)
        self._codes.pop(tenant_id, None)
        self._marks[tenant_id] = mark or 0

    def codes(self, tenant_id: UUID) -> tuple[str, ...]:
        """Every code that this province's layers know, in order."""
        own = self.layers.get(tenant_id, {}).keys() - self.national.keys()
        if not own:
            return self._shared_codes()
        if tenant_id not in self._codes:
            self._codes[tenant_id] = tuple(sorted((*self.national, *own)))
        return self._codes[tenant_id]

    def _shared_codes(self) -> tuple[str, ...]:
        nobody = UUID(int=0)
        if nobody not in self._codes:
            self._codes[nobody] = tuple(self.national)
        return self._codes[nobody]

    def edition(self, tenant_id: UUID, code: str, on: date) -> Edition | None:
        """The procedure under this very code on that day, both layers together."""
        national = self.national.get(code)
        over = in_force(self.layers.get(tenant_id, {}).get(code, ()), on)
        if over is None or over.patch == NOTHING:
            return in_force(national, on) if national else None
        # A province's own code may name a variant of a national service: it stands on that service.
        below = in_force(national or self.national.get(national_code(code) or "", ()), on)
        made = self._made.setdefault(tenant_id, {})
        version = below.version if below else 0
        place = (code, version, over.version)
        if place not in made:
            base = msgspec.structs.replace(below.procedure, code=code) if below else blank(code)
            day = max(over.valid_from, below.valid_from if below else ALWAYS)
            procedure = laid_over(base, over.patch)
            made[place] = Edition(
                day, version, procedure, search_text(procedure), over.version, over.patch, national is not None
            )
        return made[place]

    def issues(self, tenant_id: UUID, issuer: str) -> bool:
        """Whether this province, or one it continues, is who issued a provincial procedure."""
        tenant = self.registry.now.tenants.get(tenant_id)
        if tenant is None:
            return False
        names = (tenant.manifest.name, *(each.name for each in tenant.manifest.lineage.predecessors))
        return any(f" {fold(name)} " in f"{fold(issuer)} " for name in names)
