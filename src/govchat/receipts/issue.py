"""Giving a dossier its token, and taking it back.

A receipt printed twice carries the same QR code. After `revoke` the old paper leads nowhere, and the next printing makes a new token.
"""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.dossiers import private
from govchat.dossiers.queries import row_of
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.procedures.book import Lookup
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


async def receipt_of(
    session: AsyncSession, vault: TenantVault, tenant: Tenant, catalogue: Lookup, code: str
) -> Printed:
    """What to print for a dossier, with the token it has or now gets; raises `CodeInvalid`, `DossierNotFound`."""
    row = await row_of(session, tenant.id, code)
    received = row.received_at.astimezone(clock.VN).date() if row.received_at else None
    procedure = catalogue.get(row.procedure_code, received)
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


async def revoke(session: AsyncSession, tenant: Tenant, code: str, *, actor: str) -> bool:
    """End the token of a dossier, noted in the audit trail; False when it has none. Raises `CodeInvalid`, `DossierNotFound`."""
    row = await row_of(session, tenant.id, code)
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
    if ended is not None:
        await note(session, tenant.id, actor=actor, act="receipt.revoked", subject=f"dossier:{row.code}")
    return ended is not None


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
