"""A province's own sentences between its file and the database: applied without losing what admins edited, and written back.

Sentences that an admin edited are kept when a file is applied, until an export has brought them into it.
"""

from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from govchat.conversation.overrides import add_version, edits
from govchat.conversation.wording_file import FILE, read_wordings, wording_text
from govchat.errors import ConfigurationError
from govchat.tenants.difference import Change
from govchat.tenants.parts import Brought, Part


async def bring(
    session: AsyncSession, tenant_id: UUID, path: Path, *, actor: str, overwrite: bool, write: bool
) -> Brought:
    """Bring the file's sentences into the tenant's rows; what an admin edited stays unless `overwrite`.

    A sentence that the file had and has no longer is the product's again. Raises `ConfigurationError` for a file with mistakes.
    """
    texts, findings = read_wordings(path)
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
    texts, findings = read_wordings(path)
    if findings:
        raise ConfigurationError(f"{len(findings)} mistakes in {path}, mend or remove it first: {findings[0]}")
    own = {key: edit.text for key, edit in held.items() if edit.text is not None}
    merged = {**{key: text for key, text in texts.items() if key not in held}, **own}
    if merged == texts:
        return None
    return wording_text(merged, path.parent.name)


WORDING = Part(name="wording", file=FILE, bring=bring, export=export)
