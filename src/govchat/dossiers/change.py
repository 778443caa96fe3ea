"""A change of a dossier as those hear of it who tell citizens: what was, what is, who handles it, when, and what is special about it."""

from datetime import datetime
from uuid import UUID

import msgspec


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One event of one dossier. `flags` are those of `dossiers.moves`, and `sub:<name>` for a sub-state."""

    dossier_id: UUID
    code: str
    number: int
    old_status: int | None
    status: int
    unit: str | None
    officer: str | None
    procedure_code: str
    procedure_name: str | None
    received_at: datetime
    due_at: datetime | None
    changed_at: datetime
    flags: frozenset[str]
    applicant_name: str | None
    note: str | None
    phone_index: bytes | None
    results: tuple[str, ...]
