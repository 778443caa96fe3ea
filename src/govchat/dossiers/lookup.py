"""A citizen looks up a dossier: a bare code shows status, unit and dates; the rest needs proof.

Proof is the secret printed on the receipt, or a phone number shared through Zalo that equals the dossier's. "Not found" and "wrong
secret" are one answer. Failures are counted per citizen and per code, existing or not, and slow both down.
"""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import case, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.citizens.know import Citizen
from govchat.dossiers import private
from govchat.dossiers.models import DossierProofRow, DossierRow, LookupFailureRow
from govchat.kit.crypto import TenantVault
from govchat.procedures.catalogue import starter

# A printed secret may have four characters: after five wrong tries an hour, each further one doubles the wait.
FREE_FAILURES = 5
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=4)
FORGET_AFTER = timedelta(hours=24)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A dossier as this citizen may see it; `private` only with proof."""

    code: str
    status: int
    unit: str
    received_at: datetime | None
    due_at: datetime | None
    changed_at: datetime
    procedure_name: str | None
    private: private.Private | None


class NotShown(msgspec.Struct, frozen=True):
    """No such dossier, or the secret is wrong: deliberately one answer."""


class Slowed(msgspec.Struct, frozen=True):
    """Too many failures: the next look-up counts after this long."""

    wait: timedelta


async def look_up(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    citizen: Citizen,
    key: str,
    secret: str | None,
    now: datetime,
) -> Seen | NotShown | Slowed:
    """What this citizen may see of the dossier with the normalised code `key`."""
    subjects = [f"c:{citizen.id}"] + ([f"d:{key}"] if secret else [])
    wait = await _wait(session, tenant_id, subjects, now)
    if wait:
        return Slowed(wait)
    row = await session.scalar(select(DossierRow).where(DossierRow.tenant_id == tenant_id, DossierRow.code_key == key))
    proof = await _proof(session, vault, tenant_id, citizen, row, secret, now) if row else None
    if row is None or (secret and proof is None):
        await _failed(session, tenant_id, subjects, now)
        return NotShown()
    procedure = starter().get(row.procedure_code)
    return Seen(
        code=row.code,
        status=row.status,
        unit=row.unit,
        received_at=row.received_at,
        due_at=row.due_at,
        changed_at=row.changed_at,
        procedure_name=procedure.name if procedure else None,
        private=private.unseal(vault, row.id, row.private_sealed) if proof else None,
    )


async def _proof(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    citizen: Citizen,
    row: DossierRow,
    secret: str | None,
    now: datetime,
) -> str | None:
    """How this citizen has proved the dossier: now by secret, by an equal phone, or earlier by what still holds."""
    if secret:
        if row.secret_hash is None or private.secret_hash(vault, secret) != row.secret_hash:
            return None
        return await _remember(session, tenant_id, citizen, row, "secret", row.secret_hash, now)
    if citizen.phone_index is not None and citizen.phone_index == row.phone_index:
        return await _remember(session, tenant_id, citizen, row, "phone", row.phone_index, now)
    earlier = await session.get(DossierProofRow, (tenant_id, citizen.id, row.id))
    if earlier is None:
        return None
    # A proof ends with what it rested on: a new secret or a new phone asks for a new proof.
    stands = {"secret": row.secret_hash, "phone": row.phone_index if citizen.phone_index == row.phone_index else None}
    return earlier.proved_by if stands[earlier.proved_by] == earlier.proof_hash else None


async def _remember(
    session: AsyncSession,
    tenant_id: UUID,
    citizen: Citizen,
    row: DossierRow,
    proved_by: str,
    proof: bytes,
    now: datetime,
) -> str:
    made = insert(DossierProofRow).values(
        tenant_id=tenant_id,
        citizen_id=citizen.id,
        dossier_id=row.id,
        proved_by=proved_by,
        proof_hash=proof,
        proved_at=now,
    )
    await session.execute(
        made.on_conflict_do_update(
            index_elements=["tenant_id", "citizen_id", "dossier_id"],
            set_={"proved_by": proved_by, "proof_hash": proof, "proved_at": now},
        )
    )
    return proved_by


async def _wait(session: AsyncSession, tenant_id: UUID, subjects: list[str], now: datetime) -> timedelta | None:
    until = await session.scalar(
        select(func.max(LookupFailureRow.blocked_until)).where(
            LookupFailureRow.tenant_id == tenant_id, LookupFailureRow.subject.in_(subjects)
        )
    )
    return until - now if until is not None and until > now else None


async def _failed(session: AsyncSession, tenant_id: UUID, subjects: list[str], now: datetime) -> None:
    """Count one failure for each subject, in a fixed order; from the sixth on, the wait doubles."""
    for subject in sorted(subjects):
        made = insert(LookupFailureRow).values(tenant_id=tenant_id, subject=subject, failures=1, last_failed_at=now)
        forgotten = LookupFailureRow.last_failed_at < now - FORGET_AFTER
        counted = case((forgotten, 1), else_=LookupFailureRow.failures + 1)
        failures = await session.scalar(
            made.on_conflict_do_update(
                index_elements=["tenant_id", "subject"],
                set_={"failures": counted, "last_failed_at": now},
            ).returning(LookupFailureRow.failures)
        )
        if failures is not None and failures > FREE_FAILURES:
            wait = min(FIRST_WAIT * 2 ** min(failures - FREE_FAILURES - 1, 10), LONGEST_WAIT)
            await session.execute(
                update(LookupFailureRow)
                .where(LookupFailureRow.tenant_id == tenant_id, LookupFailureRow.subject == subject)
                .values(blocked_until=now + wait)
            )
