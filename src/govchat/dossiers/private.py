"""The part of a dossier that needs proof: sealed as one value, bound to its row."""

from uuid import UUID

import msgspec

from govchat.dossiers.schemas import Applicant, ResultItem
from govchat.kit.crypto import TenantVault


class Private(msgspec.Struct):
    """Applicant, officer, note and results."""

    applicant: Applicant
    officer: str | None
    status_note: str | None
    results: list[ResultItem]


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
