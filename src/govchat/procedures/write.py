"""Writing versions into a layer: a province's under its mark, the national ones under one lock. Rows are only added."""

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.procedures.book import VERSIONS
from govchat.procedures.models import CatalogueMarkRow, NationalImportRow, ProcedureOverrideRow
from govchat.procedures.plan import Change

NATIONAL_LOCK = 7_305_220_275

_INSERT_NATIONAL = text(
    """
    INSERT INTO national_procedures (code, version, valid_from, patch, import_number)
    SELECT code, version, valid_from, patch::jsonb, :number
    FROM unnest(CAST(:codes AS text[]), CAST(:versions AS integer[]), CAST(:days AS date[]), CAST(:patches AS text[]))
      AS new(code, version, valid_from, patch)
    """
)


async def lock_layer(session: AsyncSession, tenant_id: UUID) -> None:
    """Move the province's mark: writers after this one wait until it commits, readers see that they must read again."""
    moved = insert(CatalogueMarkRow).values(tenant_id=tenant_id, mark=1)
    await session.execute(
        moved.on_conflict_do_update(index_elements=["tenant_id"], set_={"mark": CatalogueMarkRow.mark + 1})
    )


async def write_overrides(
    session: AsyncSession, tenant_id: UUID, changes: Sequence[Change], *, origin: str, actor: str
) -> dict[str, int]:
    """Append one version per change, after `lock_layer` in the same transaction; answers the version each code got."""
    codes = [change.code for change in changes]
    last = await session.execute(
        select(ProcedureOverrideRow.code, func.max(ProcedureOverrideRow.version))
        .where(ProcedureOverrideRow.tenant_id == tenant_id, ProcedureOverrideRow.code.in_(codes))
        .group_by(ProcedureOverrideRow.code)
    )
    numbers = {row[0]: row[1] for row in last}
    rows: list[dict[str, Any]] = [
        {
            "tenant_id": tenant_id,
            "code": change.code,
            "version": numbers.get(change.code, 0) + 1,
            "valid_from": change.valid_from,
            "patch": change.patch.stored(),
            "origin": origin,
            "actor": actor,
        }
        for change in changes
    ]
    await session.execute(insert(ProcedureOverrideRow), rows)
    return {row["code"]: row["version"] for row in rows}


async def lock_national(session: AsyncSession) -> list[Any]:
    """Wait for other national imports to end; answers every version that stands (code, version, valid_from, patch as JSON)."""
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": NATIONAL_LOCK})
    return [tuple(row) for row in await session.execute(text(VERSIONS))]


async def write_national(
    session: AsyncSession,
    versions: Sequence[Any],
    changes: Sequence[Change],
    *,
    data: bytes,
    file_name: str,
    summary: dict[str, Any],
    actor: str,
) -> int:
    """Append one version per change in one statement, with the record of who did it; answers the import's number."""
    number: int | None = await session.scalar(
        insert(NationalImportRow)
        .values(actor=actor, file_name=file_name, file_hash=hashlib.sha256(data).digest(), summary=summary)
        .returning(NationalImportRow.number)
    )
    assert number is not None
    last: dict[str, int] = {}
    for code, version, *_ in versions:
        last[code] = max(version, last.get(code, 0))
    await session.execute(
        _INSERT_NATIONAL,
        {
            "number": number,
            "codes": [change.code for change in changes],
            "versions": [last.get(change.code, 0) + 1 for change in changes],
            "days": [change.valid_from for change in changes],
            "patches": [msgspec.json.encode(change.patch).decode() for change in changes],
        },
    )
    return number
