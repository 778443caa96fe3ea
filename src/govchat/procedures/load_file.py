"""Bringing a file into a layer: read, compare, report; write unless it is a dry run.

The national layer is written as the owner role, by `govchat procedure import --national` alone; a province's as the application role in
that province's transaction. Nothing is half done: one transaction writes every change or none.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from govchat.audit import record
from govchat.db.session import Database
from govchat.errors import DomainError
from govchat.procedures.book import ALWAYS, VERSIONS, Book, Layer, Over, in_force, ordered, read_layer, today
from govchat.procedures.catalogue import Procedure, national_code
from govchat.procedures.catalogue import starter as shipped
from govchat.procedures.headers import Column
from govchat.procedures.patch import NOTHING, Patch, blank
from govchat.procedures.plan import Change, FieldChange, Plan, plan
from govchat.procedures.rows import BadLine, Draft, drafts_of
from govchat.procedures.sheet import Sheet, read
from govchat.procedures.write import lock_layer, lock_national, write_national, write_overrides


class ImportRefused(DomainError):
    """The file has bad rows and was to be taken whole or not at all."""

    status = 422
    code = "catalogue_import_refused"
    title = "The catalogue file was not taken"


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How a file is taken. `complete`: the file is the whole list, what earlier files put and it lacks ends."""

    dry_run: bool = False
    strict: bool = False
    complete: bool = False
    valid_from: date | None = None


class Touched(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A procedure that is added, changed or removed; `line` is that of the file."""

    code: str
    name: str
    line: int = 0
    valid_from: date | None = None
    fields: tuple[FieldChange, ...] = ()


class Doubt(msgspec.Struct, frozen=True):
    """A value that was kept as it is and needs somebody's eye."""

    code: str
    line: int
    field: str
    kind: str
    says: str
    raw: str


class FileSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The file as it was understood."""

    name: str
    kind: str
    encoding: str
    delimiter: str
    sheet: str
    header_line: int
    rows: int
    columns: list[Column]
    remarks: list[str]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a file did, or would do. `removed` ends only when `complete` was asked for: `removes` says so."""

    layer: str
    dry_run: bool
    applied: bool
    removes: bool
    file: FileSeen
    counts: dict[str, int]
    added: list[Touched]
    changed: list[Touched]
    removed: list[Touched]
    bad: list[BadLine]
    flags: list[Doubt]


class _National(msgspec.Struct):
    """The national layer over what ships."""

    shipped: dict[str, Procedure]
    patches: dict[str, tuple[Over, ...]]

    @classmethod
    def of(cls, rows: list[Any]) -> "_National":
        """From (code, version, valid_from, patch as JSON)."""
        decoder = msgspec.json.Decoder(Patch)
        versions: dict[str, list[Over]] = {}
        for code, version, valid_from, patch in rows:
            versions.setdefault(code, []).append(Over(valid_from or ALWAYS, version, decoder.decode(patch), "import"))
        patches = {code: ordered(found) for code, found in versions.items()}
        return cls({procedure.code: procedure for procedure in shipped()}, patches)

    def knows(self, code: str) -> bool:
        return code in self.shipped or code in self.patches

    def below(self, code: str, on: date) -> Procedure | None:
        return self.shipped.get(code)

    def base(self, code: str, on: date) -> Procedure:
        return self.shipped.get(code) or blank(code)

    def over(self, code: str, on: date) -> Patch:
        found = in_force(self.patches.get(code, ()), on)
        return found.patch if found else NOTHING

    def removable(self, on: date) -> Iterable[str]:
        return [
            code for code in self.patches if (patch := self.over(code, on)) != NOTHING and patch.withdrawn is not True
        ]


class _Province(msgspec.Struct):
    """One province's layer over the national one."""

    book: Book
    layer: Layer

    def below(self, code: str, on: date) -> Procedure | None:
        found = in_force(self.book.national.get(code, ()), on)
        return found.procedure if found else None

    def base(self, code: str, on: date) -> Procedure:
        below = self.below(code, on) or self.below(national_code(code) or "", on)
        return msgspec.structs.replace(below, code=code) if below else blank(code)

    def over(self, code: str, on: date) -> Patch:
        found = in_force(self.layer.get(code, ()), on)
        return found.patch if found else NOTHING

    def removable(self, on: date) -> Iterable[str]:
        for code, versions in self.layer.items():
            found = in_force(versions, on)
            if found and found.origin == "import" and found.patch != NOTHING and found.patch.withdrawn is not True:
                yield code


async def import_province(
    book: Book, tenant_id: UUID, data: bytes, name: str, options: Options, *, actor: str
) -> Report:
    """Take a file into one province's layer; raises `FileUnreadable`, `ImportRefused`."""
    view = await book.fresh(tenant_id)
    async with book.importing:
        sheet, drafts, bad = await asyncio.to_thread(_drafted, data, lambda code: view.get(code) is not None)
    _refuse(bad, options)
    async with book.db.tenant(tenant_id) as session:
        if not options.dry_run:
            await lock_layer(session, tenant_id)
        layer = await read_layer(session, tenant_id)
        made = plan(_Province(book, layer), drafts, valid_from=options.valid_from, today=today())
        tenant = book.registry.now.tenants.get(tenant_id)
        report = _report(tenant.slug if tenant else str(tenant_id), sheet, name, bad, made, options)
        changes = _wanted(made, options)
        if not options.dry_run and changes:
            await write_overrides(session, tenant_id, changes, origin="import", actor=actor)
            after = {
                "file": name,
                "sha256": hashlib.sha256(data).hexdigest(),
                **report.counts,
                "codes": [f"{change.outcome} {change.code}" for change in changes],
            }
            await record.note(
                session, tenant_id, actor=actor, act="procedures.import", subject="catalogue", after=after
            )
    await book.fresh(tenant_id)
    return report


async def import_national(owner: Database, data: bytes, name: str, options: Options, *, actor: str) -> Report:
    """Take a file into the national layer, with the owner role's database; raises `FileUnreadable`, `ImportRefused`."""
    known = _National.of([tuple(row) for row in await owner.rows(VERSIONS)])
    sheet, drafts, bad = await asyncio.to_thread(_drafted, data, known.knows)
    _refuse(bad, options)
    async with owner.registry() as session:
        rows = await lock_national(session)
        made = plan(_National.of(rows), drafts, valid_from=options.valid_from, today=today())
        report = _report("national", sheet, name, bad, made, options)
        changes = _wanted(made, options)
        if not options.dry_run and changes:
            await write_national(
                session, rows, changes, data=data, file_name=name, summary=dict(report.counts), actor=actor
            )
    return report


def _drafted(data: bytes, known: Callable[[str], bool]) -> tuple[Sheet, list[Draft], list[BadLine]]:
    sheet = read(data)
    return (sheet, *drafts_of(sheet, known))


def _refuse(bad: list[BadLine], options: Options) -> None:
    """A dry run shows what a real one would refuse."""
    if not bad or options.dry_run:
        return
    first = f"dòng đầu tiên là dòng {bad[0].line}: {bad[0].reason}"
    if options.strict:
        raise ImportRefused(
            f"{len(bad)} dòng lỗi, {first}. Chưa ghi gì: sửa các dòng ấy, hoặc nhập không có --strict để nhận các dòng tốt",
            bad=_built(bad),
        )
    if options.complete:
        raise ImportRefused(
            f"{len(bad)} dòng lỗi, {first}. Danh mục đầy đủ (--complete) không được có dòng lỗi, vì thủ tục ở dòng ấy sẽ bị bỏ. Chưa ghi "
            "gì: sửa các dòng ấy, hoặc nhập không có --complete",
            bad=_built(bad),
        )


def _built(bad: list[BadLine]) -> Any:
    return msgspec.to_builtins(bad)


def _wanted(made: Plan, options: Options) -> list[Change]:
    return [*made.changes, *(made.removed if options.complete else ())]


def _report(layer: str, sheet: Sheet, name: str, bad: list[BadLine], made: Plan, options: Options) -> Report:
    by_outcome: dict[str, list[Touched]] = {"added": [], "changed": [], "removed": []}
    for change in (*made.changes, *made.removed):
        by_outcome[change.outcome].append(
            Touched(
                code=change.code, name=change.name, line=change.line, valid_from=change.valid_from, fields=change.fields
            )
        )
    counts = {outcome: len(found) for outcome, found in by_outcome.items()}
    return Report(
        layer=layer,
        dry_run=options.dry_run,
        applied=not options.dry_run,
        removes=options.complete,
        file=FileSeen(
            name=name,
            kind=sheet.kind,
            encoding=sheet.encoding,
            delimiter=sheet.delimiter,
            sheet=sheet.name,
            header_line=sheet.header_line,
            rows=len(sheet.lines),
            columns=sheet.columns,
            remarks=sheet.remarks,
        ),
        counts={**counts, "unchanged": made.unchanged, "bad": len(bad), "flags": len(made.flags)},
        added=by_outcome["added"],
        changed=by_outcome["changed"],
        removed=by_outcome["removed"],
        bad=bad,
        flags=[Doubt(code, line, each.field, each.kind, each.says, each.raw) for code, line, each in made.flags],
    )
