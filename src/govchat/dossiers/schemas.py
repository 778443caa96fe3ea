"""What one-stop systems send and read: the wire structs of `/v1/dossiers`."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

# A line of blanks says nothing.
Line = Annotated[str, Meta(min_length=1, max_length=300, pattern=r"\S")]
Paragraph = Annotated[str, Meta(max_length=2000)]
Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339 with an offset, such as 2026-11-22T08:00:00+07:00")]
# Further away is a slip, and neither PostgreSQL nor the working-day calendar could carry it to UTC.
FIRST_YEAR, LAST_YEAR = 1900, 2200
Status = Annotated[int, Meta(ge=1, le=10, description="The national list: 1 mới đăng ký … 10 đã trả kết quả")]


class Applicant(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Whose dossier it is (chủ hồ sơ)."""

    name: Line
    phone: Annotated[str, Meta(max_length=20)] | None = None
    id_number: Annotated[str, Meta(max_length=20)] | None = None


class Handler(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Who holds it now: the office, and the person where the law asks for one."""

    unit: Line
    officer: Line | None = None


class ResultItem(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A result that was issued."""

    name: Line
    url: Annotated[str, Meta(max_length=1000, pattern=r"^https?://")] | None = None


class DossierIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A dossier as its system of record sees it now."""

    procedure_code: Annotated[str, Meta(min_length=1, max_length=40, pattern=r"\S")]
    applicant: Applicant
    status: Status
    handler: Handler
    changed_at: Moment
    lookup_secret: Annotated[str, Meta(min_length=3, max_length=32, pattern=r"\S\s*\S\s*\S")] | None = None
    received_at: Moment | None = None
    due_at: Moment | UnsetType | None = UNSET
    status_note: Paragraph | None = None
    results: Annotated[list[ResultItem], Meta(max_length=20)] = []

    def __post_init__(self) -> None:
        for name in ("changed_at", "received_at", "due_at"):
            moment = getattr(self, name)
            if isinstance(moment, datetime) and not FIRST_YEAR <= moment.year <= LAST_YEAR:
                raise ValueError(
                    f"field `{name}` is {moment.isoformat()}: expected a year from {FIRST_YEAR} to {LAST_YEAR}"
                )


class Put(Struct):
    """What putting a dossier did; `notices` is how many citizens are being told."""

    code: str
    status: int
    outcome: Literal["created", "updated", "unchanged", "stale"]
    notices: int = 0


class DossierOut(Struct, kw_only=True):
    """A dossier as stored, for the system that put it. The look-up secret is never given back."""

    code: str
    procedure_code: str
    procedure_name: str | None
    applicant: Applicant
    status: int
    status_note: str | None
    handler: Handler
    received_at: datetime | None
    due_at: datetime | None
    due_is_computed: bool
    changed_at: datetime
    results: list[ResultItem]
    updated_at: datetime
