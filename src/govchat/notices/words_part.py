"""A province's own words for its notices as a file, `tenants/SLUG/notices.toml`: checked, applied without losing admins' edits, written.

The file looks as the product's own does: a text per kind of notice. Words that an admin saved are kept until an export has brought
them into it.
"""

import difflib
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from govchat.errors import ConfigurationError
from govchat.notices.kinds import Kind
from govchat.notices.reword import add_version, own_words
from govchat.notices.wording import WordingInvalid, read
from govchat.tenants.difference import Change
from govchat.tenants.findings import Finding, finding
from govchat.tenants.part_file import read_part
from govchat.tenants.parts import Brought, Part
from govchat.tenants.write import paragraph

FILE = "notices.toml"
_HEAD = """\
# Lời thông báo riêng của đơn vị; loại nào không ghi ở đây thì dùng lời chung của sản phẩm.
# Xem thử như công dân đọc: govchat notice preview {slug} ready
"""


def check(path: Path) -> list[Finding]:
    """Every mistake of the file; none when there is no such file."""
    return read_words(path)[1]


def read_words(path: Path) -> tuple[dict[Kind, str], list[Finding]]:
    """The sound texts of the file by kind, and its mistakes; neither when there is no such file."""
    parsed, findings = read_part(path)
    texts: dict[Kind, str] = {}
    for name, value in parsed.data.items():
        line = parsed.lines[name,]
        if line in parsed.faulty_lines:
            continue
        if name not in set(Kind):
            near = difflib.get_close_matches(name, list(Kind), n=1)
            told = f"có phải ý là {near[0]}?" if near else f"có: {', '.join(Kind)}"
            findings.append(finding(path, line, (name,), value, f"không có loại thông báo này; {told}"))
        elif not isinstance(value, str):
            message = "cần một đoạn chữ, đặt trong dấu ngoặc kép; muốn dùng lại lời chung thì xóa khóa này"
            findings.append(finding(path, line, (name,), value, message))
        else:
            try:
                read(Kind(name), value)
            except WordingInvalid as flaw:
                findings.append(finding(path, line, (name,), None, flaw.detail))
            else:
                texts[Kind(name)] = value.strip()
    return texts, sorted(findings, key=lambda each: each.line)


def words_text(texts: Mapping[Kind, str], slug: str) -> str:
    """The file for these texts, in the order in which the product has them."""
    blocks = [f"{kind} = {paragraph(texts[kind])}" for kind in Kind if kind in texts]
    return "\n".join([_HEAD.format(slug=slug), "\n\n".join(blocks)]).rstrip("\n") + "\n"


async def bring(
    session: AsyncSession, tenant_id: UUID, path: Path, *, actor: str, overwrite: bool, write: bool
) -> Brought:
    """Bring the file's texts into the tenant's rows; what an admin saved stays unless `overwrite`.

    A kind that the file had and has no longer is the product's again. Raises `ConfigurationError` for a file with mistakes.
    """
    texts = _sound(path)
    held = await own_words(session, tenant_id)
    changes: list[Change] = []
    kept: list[Change] = []
    for kind in Kind:
        before, text = held.get(kind), texts.get(kind)
        now = before.text if before else None
        theirs = before is not None and before.source == "admin"
        if text == now:
            if write and theirs and text is not None:
                # The file says the same by now: from here on the file may change it.
                await add_version(session, tenant_id, kind, text, actor=actor, source="file")
        elif theirs and not overwrite:
            if text is not None:  # a file need not list what admins saved
                kept.append(Change(f"notices.{kind}", now, text))
        else:
            changes.append(Change(f"notices.{kind}", now, text))
            if write:
                await add_version(session, tenant_id, kind, text, actor=actor, source="file")
    return Brought(tuple(changes), tuple(kept))


async def export(session: AsyncSession, tenant_id: UUID, path: Path) -> str | None:
    """The file with the texts of the database; those that stand in the file alone, not applied yet, stay there."""
    texts = _sound(path)
    held = await own_words(session, tenant_id)
    own = {kind: row.text for kind, row in held.items() if row.text is not None}
    merged = {**{kind: text for kind, text in texts.items() if kind not in held}, **own}
    return None if merged == texts else words_text(merged, path.parent.name)


def _sound(path: Path) -> dict[Kind, str]:
    texts, findings = read_words(path)
    if findings:
        raise ConfigurationError(f"{path} có {len(findings)} lỗi, lỗi đầu tiên: {findings[0]}")
    return texts


NOTICES = Part(name="notices", file=FILE, bring=bring, export=export)
