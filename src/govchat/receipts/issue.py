"""Giving a dossier its token, and taking it back.

A receipt printed twice carries the same QR code. After `revoke` the old paper leads nowhere, and the next printing makes a new token.
"""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.dossiers import codes, private
from govchat.dossiers.models import DossierRow
from govchat.dossiers.queries import DossierNotFound
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.procedures.catalogue import starter
from govchat.receipts import token
from govchat.receipts.models import ReceiptTokenRow
from govchat.tenants.registry import Tenant


class Printed(msgspec.Struct, frozen=True, kw_only=True):
    """What stands on a receipt. The applicant's name goes on paper only, for the person at the counter."""

    token: str
    code: str
    status: int
    unit: str
    procedure_name: str | None
    applicant: str
    received_at: datetime | None
    due_at: datetime | None


async def receipt_of(session: AsyncSession, vault: TenantVault, tenant: Tenant, code: str) -> Printed:
    """What to print for a dossier, with the token it has or now gets; raises `CodeInvalid`, `DossierNotFound`."""
    row = await _dossier(session, tenant.id, code)
    procedure = starter().get(row.procedure_code)
    return Printed(
        token=token.make(vault, tenant.key_tag, await _ref(session, vault, tenant, row.id)),
        code=row.code,
        status=row.status,
        unit=row.unit,
        procedure_name=procedure.name if procedure else None,
        applicant=private.unseal(vault, row.id, row.private_sealed).applicant.name,
        received_at=row.received_at,
        due_at=row.due_at,
    )


async def revoke(session: AsyncSession, tenant: Tenant, code: str) -> bool:
    """End the token of a dossier; False when it has none. Raises `CodeInvalid`, `DossierNotFound`."""
    row = await _dossier(session, tenant.id, code)
    ended = await session.scalar(
        update(ReceiptTokenRow)
        .where(
            ReceiptTokenRow.tenant_id == tenant.id,
            ReceiptTokenRow.dossier_id == row.id,
            ReceiptTokenRow.revoked_at.is_(None),
        )
        .values(revoked_at=clock.now())
        .returning(ReceiptTokenRow.ref)
    )
    return ended is not None


async def _dossier(session: AsyncSession, tenant_id: UUID, code: str) -> DossierRow:
    key = codes.parse(code).key
    row = await session.scalar(select(DossierRow).where(DossierRow.tenant_id == tenant_id, DossierRow.code_key == key))
    if row is None:
        raise DossierNotFound(f'dossier "{code}" is not known here: put it first with PUT /v1/dossiers/{code}')
    return row


async def _ref(session: AsyncSession, vault: TenantVault, tenant: Tenant, dossier_id: UUID) -> bytes:
    valid = select(ReceiptTokenRow.ref).where(
        ReceiptTokenRow.tenant_id == tenant.id,
        ReceiptTokenRow.dossier_id == dossier_id,
        ReceiptTokenRow.revoked_at.is_(None),
    )
    while True:
        found = await session.scalar(valid)
        if found is not None:
            return found
        # Two printers at once: the second waits for the first's row here and reads it in the next round. So does the one reference
        # in 2^48 that is taken already.
        await session.execute(
            insert(ReceiptTokenRow)
            .values(tenant_id=tenant.id, ref=token.new_ref(vault, tenant.key_tag), dossier_id=dossier_id)
            .on_conflict_do_nothing()
        )
