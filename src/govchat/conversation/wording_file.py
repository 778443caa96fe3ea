"""`tenants/SLUG/wording.toml`: a province's own sentences as a file, checked with line numbers, applied and written back.

The file looks as the product's own does: a table per section, a sentence per key. Sentences that an admin edited are kept when a
file is applied, until an export has brought them into it.
"""

import difflib
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from govchat.conversation.overrides import add_version, edits, flaw_of
from govchat.conversation.wording import KEYS
from govchat.errors import ConfigurationError
from govchat.tenants.difference import Change
from govchat.tenants.findings import Finding, finding
from govchat.tenants.parse import parse
from govchat.tenants.parts import Brought, Part
from govchat.tenants.write import string

FILE = "wording.toml"
_LARGEST = 1024 * 1024
_HEAD = """\
# Lời nhắn riêng của đơn vị; câu nào không ghi ở đây thì dùng câu chung của sản phẩm.
# Xem các câu và chỗ điền: govchat wording show {slug}
"""


def check(path: Path) -> list[Finding]:
    """Every mistake of a wording file; none when there is no such file."""
    return _read(path)[1]


def _read(path: Path) -> tuple[dict[str, str], list[Finding]]:
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except FileNotFoundError:
        return {}, []
    except OSError as error:
        return {}, [finding(path, 1, (), None, f"không đọc được tệp ({error.strerror}); kiểm tra quyền đọc")]
    if len(raw) > _LARGEST:
        return {}, [finding(path, 1, (), None, "tệp lớn hơn 1 MiB; kiểm tra lại nội dung")]
    parsed = parse(raw)
    findings = [finding(path, line, (), None, message) for line, message in parsed.faults.items()]
    texts: dict[str, str] = {}
    for section, entries in parsed.data.items():
        if not isinstance(entries, dict):
            message = "khóa này phải nằm trong một bảng; mở bảng bằng một dòng như [front]"
            findings.append(finding(path, parsed.lines[section,], (section,), None, message))
            continue
        for name, value in entries.items():
            line = parsed.lines[section, name]
            if line in parsed.faulty_lines:
                continue
            flaw = _flaw(f"{section}.{name}", value)
            if flaw is None:
                texts[f"{section}.{name}"] = value.strip()
            else:
                findings.append(finding(path, line, (section, name), value, flaw))
    return texts, sorted(findings, key=lambda each: each.line)


def _flaw(key: str, value: Any) -> str | None:
    if key not in KEYS:
        near = difflib.get_close_matches(key, KEYS, n=1)
        return (
            f"khóa không được biết; {f'có phải ý là {string(near[0])}?' if near else 'xem: govchat wording show SLUG'}"
        )
    return flaw_of(key, value)


async def bring(
    session: AsyncSession, tenant_id: UUID, path: Path, *, actor: str, overwrite: bool, write: bool
) -> Brought:
    """Bring the file's sentences into the tenant's rows; what an admin edited stays unless `overwrite`.

    A sentence that the file had and has no longer is the product's again. Raises `ConfigurationError` for a file with mistakes.
    """
    texts, findings = _read(path)
    if findings:
        raise ConfigurationError(f"{len(findings)} mistakes in {path}, the first: {findings[0]}")
    held = await edits(session, tenant_id)
    changes: list[Change] = []
    kept: list[Change] = []
    for key in sorted({*texts, *held}):
        before, text = held.get(key), texts.get(key)
        now = before.text if before else None
        if text == now:
            if write and before is not None and text is not None and before.source == "admin":
                # The file says the same by now: from here on the file may change it.
                await add_version(session, tenant_id, key, text, before=before, actor=actor, source="file")
        elif before is not None and before.source == "admin" and not overwrite:
            if text is not None:  # a file need not list what admins edited
                kept.append(Change(f"wording.{key}", now, text))
        else:
            changes.append(Change(f"wording.{key}", now, text))
            if write:
                await add_version(session, tenant_id, key, text, before=before, actor=actor, source="file")
    return Brought(tuple(changes), tuple(kept))


async def export(session: AsyncSession, tenant_id: UUID, path: Path) -> str | None:
    """The file with the sentences of the database; those that stand in the file alone, not applied yet, stay there."""
    held = await edits(session, tenant_id)
    texts, findings = _read(path)
    if findings:
        raise ConfigurationError(f"{len(findings)} mistakes in {path}, mend or remove it first: {findings[0]}")
    own = {key: edit.text for key, edit in held.items() if edit.text is not None}
    merged = {**{key: text for key, text in texts.items() if key not in held}, **own}
    if merged == texts:
        return None
    return wording_text(merged, path.parent.name)


def wording_text(texts: dict[str, str], slug: str) -> str:
    """A wording file for these sentences, in the order in which the product has them."""
    order = {key: number for number, key in enumerate(KEYS)}
    sections: dict[str, list[str]] = {}
    for key in sorted(texts, key=lambda each: (order.get(each, len(order)), each)):
        section, _, name = key.partition(".")
        sections.setdefault(section, []).append(f"{name} = {_string(texts[key])}")
    blocks = ["\n".join([f"[{section}]", *lines]) for section, lines in sections.items()]
    return "\n".join([_HEAD.format(slug=slug), "\n\n".join(blocks)]).rstrip("\n") + "\n"


def _string(text: str) -> str:
    if "\n" not in text:
        return string(text)
    escaped = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if escaped.endswith('"'):
        escaped = f'{escaped[:-1]}\\"'
    return f'"""\n{escaped}"""'


WORDING = Part(name="wording", file=FILE, check=check, bring=bring, export=export)
