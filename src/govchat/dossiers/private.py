"""The part of a dossier that needs proof: sealed as one value, bound to its row."""

from uuid import UUID

import msgspec

from govchat.dossiers.schemas import Applicant, DossierIn, ResultItem
from govchat.kit.crypto import TenantVault


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


def secret_hash(vault: TenantVault, secret: str) -> bytes:
    """A look-up secret for comparison; letter case and spaces do not count, as on a printed receipt."""
    return vault.index("".join(secret.split()).upper(), "lookup_secret")
