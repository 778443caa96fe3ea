"""Which approved template says which notice, as a file, `tenants/SLUG/templates.toml`: checked, applied, written back.

A template can only be used once Zalo has told of it, so what the file says of another one waits; what an admin mapped is kept until an
export has brought it into the file.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.errors import ConfigurationError
from govchat.notices.fit import ANY, TemplateMisfit
from govchat.notices.kinds import FIELDS, Kind
from govchat.notices.models import TemplateUseRow
from govchat.notices.templates import TemplateUnknown, fitting, use_template
from govchat.tenants.difference import Change, changes_between
from govchat.tenants.findings import Finding, finding
from govchat.tenants.part_file import read_part
from govchat.tenants.parts import Brought, Part, Waiting
from govchat.tenants.toml_lines import KeyPath
from govchat.tenants.write import string

FILE = "templates.toml"
KINDS = (ANY, *Kind)
_HEAD = """\
# Mẫu tin ZBS dùng cho từng loại thông báo; any là cho mọi loại không có mẫu riêng.
# Xem các mẫu đã được Zalo duyệt: govchat template sync {slug}, rồi govchat template list {slug}
"""


class Use(msgspec.Struct, frozen=True):
    """One table of the file: the template, and the fact for each parameter whose name doesn't tell."""

    template_id: str
    fields: dict[str, str] = {}


def check(path: Path) -> list[Finding]:
    """Every mistake of the file; none when there is no such file."""
    return read_uses(path)[1]


def read_uses(path: Path) -> tuple[dict[str, Use], list[Finding]]:
    """The sound tables of the file by kind, and its mistakes; neither when there is no such file."""
    parsed, findings = read_part(path)
    uses: dict[str, Use] = {}
    for name, table in parsed.data.items():
        flaws: list[tuple[KeyPath, object, str]] = []
        if name not in KINDS:
            flaws.append(((name,), None, f"không có loại thông báo này; có: {', '.join(KINDS)}"))
        elif not isinstance(table, dict):
            flaws.append(((name,), table, 'cần một bảng, như [received] với template_id = "310001"'))
        else:
            flaws += _flaws(name, table)
        told = [each for each in flaws if parsed.lines.get(each[0], 0) not in parsed.faulty_lines]
        findings += [
            finding(path, parsed.lines.get(place) or parsed.lines[name,], place, value, message)
            for place, value, message in told
        ]
        torn = any(place[0] == name and line in parsed.faulty_lines for place, line in parsed.lines.items() if place)
        if not flaws and not torn:
            uses[name] = msgspec.convert(table, Use)
    return uses, sorted(findings, key=lambda each: each.line)


def _flaws(name: str, table: Mapping[str, Any]) -> list[tuple[KeyPath, object, str]]:
    flaws: list[tuple[KeyPath, object, str]] = []
    template_id, fields = table.get("template_id"), table.get("fields", {})
    if not (
        isinstance(template_id, str) and template_id.isascii() and template_id.isdigit() and len(template_id) <= 20
    ):
        message = 'cần ID của mẫu tin, các chữ số trong dấu ngoặc kép, như "310001"; chép từ govchat template list'
        flaws.append(((name, "template_id"), template_id, message))
    if not isinstance(fields, dict):
        flaws.append(((name, "fields"), fields, 'cần một bảng, như [received.fields] với don_vi = "unit"'))
    else:
        for parameter, fact in fields.items():
            if not isinstance(fact, str) or fact not in FIELDS:
                flaws.append(((name, "fields", parameter), fact, f"cần một trong {', '.join(map(string, FIELDS))}"))
    for key in table.keys() - {"template_id", "fields"}:
        flaws.append(((name, key), table[key], "khóa không được biết; có: template_id, fields"))
    return flaws


def uses_text(uses: Mapping[str, Use], slug: str) -> str:
    """The file for these uses."""
    blocks = []
    for name in (each for each in KINDS if each in uses):
        lines = [f"[{name}]", f"template_id = {string(uses[name].template_id)}"]
        if uses[name].fields:
            pairs = (f"{string(parameter)} = {string(fact)}" for parameter, fact in sorted(uses[name].fields.items()))
            lines += ["", f"[{name}.fields]", *pairs]
        blocks.append("\n".join(lines))
    return "\n".join([_HEAD.format(slug=slug), "\n\n".join(blocks)]).rstrip("\n") + "\n"


async def bring(
    session: AsyncSession, tenant_id: UUID, path: Path, *, actor: str, overwrite: bool, write: bool
) -> Brought:
    """Bring the file's uses into the tenant's rows; what an admin mapped stays unless `overwrite`, what Zalo doesn't know waits.

    A use that the file had and has no longer ends. Raises `ConfigurationError` for a file with mistakes.
    """
    uses, held = _sound(path), await _held(session, tenant_id)
    changes: list[Change] = []
    kept: list[Change] = []
    waiting: list[Waiting] = []
    for name in (each for each in KINDS if each in uses or each in held):
        row, wanted = held.get(name), uses.get(name)
        theirs = row is not None and row.source == "admin"
        before = {"template_id": row.template_id, "fields": row.fields} if row else {}
        kind = None if name == ANY else Kind(name)
        if wanted is None:
            if not theirs:
                changes += changes_between({name: before}, {}, "templates.")
                if write:
                    await _end(session, tenant_id, name)
            continue
        try:
            fields = await fitting(session, tenant_id, kind, wanted.template_id, wanted.fields)
        except TemplateUnknown:
            why = f"chưa thấy mẫu {wanted.template_id} ở Zalo; chạy `govchat template sync SLUG` rồi apply lại"
            waiting.append(Waiting(f"templates.{name}", why))
            continue
        except TemplateMisfit as misfit:
            waiting.append(Waiting(f"templates.{name}", f"mẫu chưa dùng được: {misfit.detail}"))
            continue
        after = {"template_id": wanted.template_id, "fields": fields}
        if before != after and theirs and not overwrite:
            kept += changes_between(before, after, f"templates.{name}.")
            continue
        changes += changes_between(before, after, f"templates.{name}.")
        if write and (before != after or theirs):
            await use_template(session, tenant_id, kind, wanted.template_id, fields, actor=actor, source="file")
    return Brought(tuple(changes), tuple(kept), tuple(waiting))


async def export(session: AsyncSession, tenant_id: UUID, path: Path) -> str | None:
    """The file with the uses of the database; those that stand in the file alone, not applied yet, stay there."""
    uses, held = _sound(path), await _held(session, tenant_id)
    merged = dict(uses)
    for name, row in held.items():
        told = uses.get(name)
        # A file may leave out the parameters whose names tell.
        if told is None or told.template_id != row.template_id or not told.fields.items() <= row.fields.items():
            merged[name] = Use(row.template_id, dict(row.fields))
    return None if merged == uses else uses_text(merged, path.parent.name)


def _sound(path: Path) -> dict[str, Use]:
    uses, findings = read_uses(path)
    if findings:
        raise ConfigurationError(f"{len(findings)} mistakes in {path}, the first: {findings[0]}")
    return uses


async def _held(session: AsyncSession, tenant_id: UUID) -> dict[str, TemplateUseRow]:
    rows = await session.scalars(select(TemplateUseRow).where(TemplateUseRow.tenant_id == tenant_id))
    return {row.kind: row for row in rows if row.kind in KINDS}


async def _end(session: AsyncSession, tenant_id: UUID, name: str) -> None:
    use = TemplateUseRow
    await session.execute(delete(use).where(use.tenant_id == tenant_id, use.kind == name))


TEMPLATES = Part(name="templates", file=FILE, bring=bring, export=export)
