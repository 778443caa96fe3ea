"""Taking in what a one-stop system says of a dossier.

A `changed_at` older than what is stored is stale and changes nothing; the same content again changes nothing; anything else updates
the row and, where status or unit moved, appends an event.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import UNSET
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.dossiers import codes, private
from govchat.dossiers.deadline import due_at
from govchat.dossiers.models import DossierEventRow, DossierRow
from govchat.dossiers.schemas import DossierIn, Put
from govchat.kit import clock, phone
from govchat.kit.crypto import TenantVault
from govchat.kit.ids import new_id
from govchat.kit.workdays import national
from govchat.procedures.catalogue import starter


async def put(session: AsyncSession, vault: TenantVault, tenant_id: UUID, code: str, given: DossierIn) -> Put:
    """Create or update one dossier; raises `CodeInvalid`."""
    key = codes.parse(code).key
    row = await _row(session, tenant_id, key)
    if row is None:
        if await create_missing(session, vault, tenant_id, [(code, given)]):
            return Put(code.strip(), given.status, "created")
        row = await _row(session, tenant_id, key)
        assert row is not None
    content = _content(vault, given)
    if given.changed_at < row.changed_at:
        return Put(row.code, row.status, "stale")
    if row.content_hash == content:
        return Put(row.code, row.status, "unchanged")
    moved = (row.status, row.unit) != (given.status, given.handler.unit) or row.changed_at != given.changed_at
    for name, value in _values(vault, row.id, given, content).items():
        setattr(row, name, value)
    row.updated_at = clock.now()
    if moved:
        await _append(session, tenant_id, row.id, given)
    return Put(row.code, given.status, "updated")


async def create_missing(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, items: Sequence[tuple[str, DossierIn]]
) -> set[str]:
    """Create those that don't exist yet, with their first event, in two statements; answers the normalised codes created."""
    rows = []
    for code, given in items:
        dossier_id = new_id()
        values = _values(vault, dossier_id, given, _content(vault, given))
        rows.append(
            {
                "tenant_id": tenant_id,
                "id": dossier_id,
                "code": code.strip(),
                "code_key": codes.parse(code).key,
                **values,
            }
        )
    statement = insert(DossierRow).on_conflict_do_nothing(index_elements=["tenant_id", "code_key"])
    made = (await session.execute(statement.returning(DossierRow.id, DossierRow.code_key), rows)).all()
    new = {row.id for row in made}
    first = [
        {
            "tenant_id": tenant_id,
            "dossier_id": row["id"],
            "number": 1,
            "status": row["status"],
            "unit": row["unit"],
            "changed_at": row["changed_at"],
        }
        for row in rows
        if row["id"] in new
    ]
    if first:
        await session.execute(insert(DossierEventRow), first)
    return {row.code_key for row in made}


def _content(vault: TenantVault, given: DossierIn) -> bytes:
    """What tells whether the same is being said again."""
    return vault.index(msgspec.json.encode(given).decode(), "dossier")


async def _row(session: AsyncSession, tenant_id: UUID, key: str) -> DossierRow | None:
    return await session.scalar(
        select(DossierRow).where(DossierRow.tenant_id == tenant_id, DossierRow.code_key == key).with_for_update()
    )


def _values(vault: TenantVault, dossier_id: UUID, given: DossierIn, content: bytes) -> dict[str, object]:
    number = phone.normalise(given.applicant.phone or "")
    due, due_given = _due(given)
    return {
        "procedure_code": given.procedure_code,
        "status": given.status,
        "unit": given.handler.unit,
        "received_at": given.received_at,
        "due_at": due,
        "due_given": due_given,
        "changed_at": given.changed_at,
        "private_sealed": private.seal(
            vault, dossier_id, private.Private(given.applicant, given.handler.officer, given.status_note, given.results)
        ),
        "secret_hash": private.secret_hash(vault, given.lookup_secret) if given.lookup_secret else None,
        "phone_index": vault.index(number, "phone") if number else None,
        "content_hash": content,
    }


def _due(given: DossierIn) -> tuple[datetime | None, bool]:
    """The appointed time: as given, else computed from the procedure where it has a numeric limit."""
    if given.due_at is not UNSET:
        return given.due_at, True
    procedure = starter().get(given.procedure_code)
    if procedure is None or given.received_at is None:
        return None, False
    return due_at(procedure, given.received_at, national()), False


async def _append(session: AsyncSession, tenant_id: UUID, dossier_id: UUID, given: DossierIn) -> None:
    last = await session.scalar(
        select(func.max(DossierEventRow.number)).where(
            DossierEventRow.tenant_id == tenant_id, DossierEventRow.dossier_id == dossier_id
        )
    )
    session.add(
        DossierEventRow(
            tenant_id=tenant_id,
            dossier_id=dossier_id,
            number=(last or 0) + 1,
            status=given.status,
            unit=given.handler.unit,
            changed_at=given.changed_at,
        )
    )
