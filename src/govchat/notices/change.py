"""What the dossiers tell of one change; the only thing this room knows of a dossier."""

from datetime import datetime
from uuid import UUID

import msgspec


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a dossier, as its system of record told it and our rules flagged it.

    `number` is the event's number within the dossier. `old_status` None: it is new here. `flags` are read in `kinds`. `phone_index` is the
    keyed hash of the applicant's telephone number, `results` the names of what was issued,
    `step` the sentence on a sub-state within the status.
    """

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
    step: str | None = None
