"""The part of a dossier that needs proof: sealed as one value, bound to its row."""

from typing import ClassVar
from uuid import UUID

import msgspec
import structlog

from govchat.dossiers.schemas import Applicant, DossierIn, ResultItem
from govchat.errors import DomainError
from govchat.kit.crypto import SealBroken, TenantVault

log = structlog.get_logger()

# What reading a damaged column raises.
UNREADABLE = (SealBroken, msgspec.MsgspecError)


class DossierDamaged(DomainError):
    """What needs proof of a dossier does not open."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "dossier_damaged"
    title: ClassVar[str] = "A part of the dossier can't be read"


class Private(msgspec.Struct):
    """Applicant, officer, note and results."""

    applicant: Applicant
    officer: str | None
    status_note: str | None
    results: list[ResultItem]


class Told(msgspec.Struct):
    """Who handled one change, and what was noted on it."""

    officer: str | None
    status_note: str | None


def of(given: DossierIn) -> Private:
    """What of a dossier as told needs proof."""
    return Private(given.applicant, given.handler.officer, given.status_note, given.results)


def seal_told(vault: TenantVault, dossier_id: UUID, number: int, told: Told) -> bytes:
    """The sealed column of an event."""
    return vault.seal(msgspec.json.encode(told), _told_context(dossier_id, number))


def unseal_told(vault: TenantVault, dossier_id: UUID, number: int, sealed: bytes) -> Told:
    """What the column of an event holds."""
    return msgspec.json.decode(vault.open(sealed, _told_context(dossier_id, number)), type=Told)


def _told_context(dossier_id: UUID, number: int) -> str:
    return f"dossier_events.told/{dossier_id}/{number}"


def _context(dossier_id: UUID) -> str:
    return f"dossiers.private/{dossier_id}"


def seal(vault: TenantVault, dossier_id: UUID, private: Private) -> bytes:
    """The sealed column."""
    return vault.seal(msgspec.json.encode(private), _context(dossier_id))


def unseal(vault: TenantVault, dossier_id: UUID, sealed: bytes) -> Private:
    """What the column holds."""
    return msgspec.json.decode(vault.open(sealed, _context(dossier_id)), type=Private)


def damaged(code: str) -> DossierDamaged:
    """What is told of a dossier whose sealed part does not open: putting it anew writes that part anew."""
    return DossierDamaged(
        f'the sealed part of dossier "{code}" is damaged: put it again with a newer `changed_at`, which replaces what is stored'
    )


def unseal_or_none(vault: TenantVault, dossier_id: UUID, sealed: bytes) -> Private | None:
    """`unseal`, None where the column is damaged; the log names the place."""
    try:
        return unseal(vault, dossier_id, sealed)
    except UNREADABLE as error:
        log.error("dossiers.damaged", dossier=str(dossier_id), error=type(error).__name__)
        return None


def secret_hash(vault: TenantVault, secret: str) -> bytes:
    """A look-up secret for comparison; letter case and spaces do not count, as on a printed receipt."""
    return vault.index("".join(secret.split()).upper(), "lookup_secret")
