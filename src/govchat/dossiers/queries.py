"""Reading dossiers for the systems that put them."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.dossiers import codes, private
from govchat.dossiers.models import DossierRow
from govchat.dossiers.schemas import DossierOut, Handler
from govchat.errors import DomainError
from govchat.kit.crypto import TenantVault
from govchat.procedures.catalogue import starter


class DossierNotFound(DomainError):
    """This tenant has no dossier of that code."""

    status = 404
    code = "dossier_not_found"
    title = "No such dossier"


async def get(session: AsyncSession, vault: TenantVault, tenant_id: UUID, code: str) -> DossierOut:
    """One dossier by code in any written shape; raises `CodeInvalid`, `DossierNotFound`."""
    key = codes.parse(code).key
    row = await session.scalar(select(DossierRow).where(DossierRow.tenant_id == tenant_id, DossierRow.code_key == key))
    if row is None:
        raise DossierNotFound(f'dossier "{code}" is not known here: put it first with PUT /v1/dossiers/{code}')
    sealed = private.unseal(vault, row.id, row.private_sealed)
    procedure = starter().get(row.procedure_code)
    return DossierOut(
        code=row.code,
        procedure_code=row.procedure_code,
        procedure_name=procedure.name if procedure else None,
        applicant=sealed.applicant,
        status=row.status,
        status_note=sealed.status_note,
        handler=Handler(row.unit, sealed.officer),
        received_at=row.received_at,
        due_at=row.due_at,
        due_is_computed=not row.due_given and row.due_at is not None,
        changed_at=row.changed_at,
        results=sealed.results,
        updated_at=row.updated_at,
    )
