"""A citizen looks up a dossier: a bare code shows status, unit and dates; the rest needs proof.

Proof is the secret printed on the receipt, or a phone number shared through Zalo that equals the dossier's. "Not found" and "wrong
secret" are one answer. Failures are counted per citizen and per code, existing or not, and slow both down.

`glance` answers many bare codes of many tenants in one round trip, as long as answering changes nothing; `look_up` answers everything.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import case, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.citizens.know import Citizen
from govchat.db.session import Database
from govchat.dossiers import private
from govchat.dossiers.models import DossierProofRow, DossierRow, LookupFailureRow
from govchat.kit.clock import VN
from govchat.kit.crypto import TenantVault
from govchat.procedures.book import Lookup

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


class Asked(msgspec.Struct, frozen=True):
    """One bare code that one citizen of one tenant asks about; `key` is its normalised shape, `catalogue` the tenant's."""

    tenant_id: UUID
    vault: TenantVault
    citizen: Citizen
    key: str
    catalogue: Lookup


SHOWN = ("code", "status", "unit", "received_at", "due_at", "changed_at", "procedure_code")
GLANCE = "SELECT * FROM dossiers_look($1, $2, $3)"


async def glance(db: Database, asked: Sequence[Asked], now: datetime) -> list[Seen | Slowed | None]:
    """What each may see; None where the answer has to be written down (a failure, a new proof): ask `look_up`."""
    rows = await db.rows(
        GLANCE,
        [one.tenant_id for one in asked],
        [one.citizen.id for one in asked],
        [one.key for one in asked],
    )
    answers: list[Seen | Slowed | None] = [None] * len(asked)
    for row in rows:
        answers[row["place"] - 1] = _glanced(asked[row["place"] - 1], row, now)
    return answers


def _glanced(one: Asked, row: Any, now: datetime) -> Seen | Slowed | None:
    if row["blocked_until"] is not None and row["blocked_until"] > now:
        return Slowed(row["blocked_until"] - now)
    if row["id"] is None:
        return None
    proved = row["proved_by"] is not None and _stands(
        row["proved_by"], row["proof_hash"], row["secret_hash"], row["phone_index"], one.citizen
    )
    phone = one.citizen.phone_index
    if not proved and phone is not None and phone == row["phone_index"]:
        return None  # proved by phone now: to be remembered
    return _seen(row, private.unseal(one.vault, row["id"], row["private_sealed"]) if proved else None, one.catalogue)


def _stands(
    proved_by: str, proof: bytes, secret_hash: bytes | None, phone_index: bytes | None, citizen: Citizen
) -> bool:
    """A proof ends with what it rested on: a new secret or a new phone asks for a new proof."""
    if proved_by == "phone" and citizen.phone_index != phone_index:
        return False
    return proof == (secret_hash if proved_by == "secret" else phone_index)


def _seen(row: Any, unsealed: private.Private | None, catalogue: Lookup) -> Seen:
    """From a row of the table or of `dossiers_look`; the procedure is named as it was on the day of reception."""
    received: datetime | None = row["received_at"]
    procedure = catalogue.get(row["procedure_code"], received.astimezone(VN).date() if received else None)
    return Seen(
        code=row["code"],
        status=row["status"],
        unit=row["unit"],
        received_at=row["received_at"],
        due_at=row["due_at"],
        changed_at=row["changed_at"],
        procedure_name=procedure.name if procedure else None,
        private=unsealed,
    )


async def look_up(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    citizen: Citizen,
    key: str,
    secret: str | None,
    now: datetime,
    catalogue: Lookup,
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
    columns = {name: getattr(row, name) for name in SHOWN}
    return _seen(columns, private.unseal(vault, row.id, row.private_sealed) if proof else None, catalogue)


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
    stands = _stands(earlier.proved_by, earlier.proof_hash, row.secret_hash, row.phone_index, citizen)
    return earlier.proved_by if stands else None


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
