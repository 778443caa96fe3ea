"""What one-stop systems send and read: the wire structs of `/v1/dossiers`."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from govchat.dossiers.status import SUB_STATUSES
from govchat.kit.paging import Page

# A line of blanks says nothing.
Line = Annotated[str, Meta(min_length=1, max_length=300, pattern=r"\S")]
Paragraph = Annotated[str, Meta(max_length=2000)]
Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339 with an offset, such as 2026-11-22T08:00:00+07:00")]
# Further away is a slip, and neither PostgreSQL nor the working-day calendar could carry it to UTC.
FIRST_YEAR, LAST_YEAR = 1900, 2200
MOST_ITEMS = 1000
REFUSED = 3
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
    sub_status: Annotated[str, Meta(max_length=40, description=f"One of {', '.join(SUB_STATUSES)}")] | None = None
    results: Annotated[list[ResultItem], Meta(max_length=20)] = []
    # Unset, they leave no trace in the hash of what was told: a sender that doesn't know them tells the same as ever.
    urgent: Annotated[bool, Meta(description="The notice of this change need not wait for the morning")] | UnsetType = (
        UNSET
    )
    caused_in_chat: (
        Annotated[bool, Meta(description="The citizen did this in the chat: who spoke there a moment ago is not told")]
        | UnsetType
    ) = UNSET

    def __post_init__(self) -> None:
        self.check_moments()
        if self.status == REFUSED and not (self.status_note or "").strip():
            raise ValueError("field `status_note` is missing: a refusal (status 3) states its reason")
        if self.sub_status is not None:
            sub = SUB_STATUSES.get(self.sub_status)
            if sub is None or sub.of != self.status:
                fitting = [each.name for each in SUB_STATUSES.values() if each.of == self.status]
                raise ValueError(
                    f'field `sub_status` is "{self.sub_status}": with status {self.status} expected '
                    f"{' or '.join(fitting) if fitting else 'none'}"
                )

    def check_moments(self) -> None:
        """Raise ValueError for a moment that can only be a slip."""
        for name in ("changed_at", "received_at", "due_at"):
            moment = getattr(self, name)
            if isinstance(moment, datetime) and not FIRST_YEAR <= moment.year <= LAST_YEAR:
                raise ValueError(
                    f"field `{name}` is {moment.isoformat()}: expected a year from {FIRST_YEAR} to {LAST_YEAR}"
                )


class Put(Struct, omit_defaults=True):
    """What putting a dossier did; `notices` is how many citizens are being told, `flags` what was irregular about it."""

    code: str
    status: int
    outcome: Literal["created", "updated", "unchanged", "stale"]
    notices: int
    flags: list[str] = []


class FieldProblem(Struct):
    """One field that doesn't fit; `field` is its path from the top of the item."""

    field: str
    message: str


class ItemProblem(Struct, omit_defaults=True):
    """Why one item was refused: `code`, `title` and `detail` as in a problem document."""

    code: str
    title: str
    detail: str
    errors: list[FieldProblem] = []


class ItemResult(Struct, omit_defaults=True):
    """What became of one item. One that was `refused` has a `problem`, and its `code` where that could be read."""

    code: str | None
    status: int | None
    outcome: Literal["created", "updated", "unchanged", "stale", "refused"]
    notices: int
    flags: list[str] = []
    problem: ItemProblem | None = None


class BatchItem(DossierIn, forbid_unknown_fields=True, kw_only=True):
    """A dossier with its code."""

    code: Annotated[str, Meta(max_length=80)]


class Batch(Struct, forbid_unknown_fields=True):
    """Up to 1,000 dossiers, each read on its own."""

    items: Annotated[list[Raw], Meta(min_length=1, max_length=MOST_ITEMS)]


class BatchResults(Struct):
    """One result per item, in their order."""

    results: list[ItemResult]


Timeliness = Literal["early", "on_time", "late", "running", "overdue", "paused", "ended", "unknown"]


class DossierOut(Struct, kw_only=True):
    """A dossier as stored, for the system that put it. The look-up secret is never given back.

    Of one that is `damaged` the sealed part can't be read: no applicant, officer, note and results, until it is put again.
    """

    code: str
    procedure_code: str
    procedure_name: str | None
    applicant: Applicant | None
    status: int
    sub_status: str | None
    status_note: str | None
    handler: Handler
    received_at: datetime | None
    due_at: datetime | None
    due_is_computed: bool
    first_due_at: datetime | None
    apology_by: datetime | None
    reappointments: int
    finished_at: datetime | None
    timeliness: Timeliness
    changed_at: datetime
    results: list[ResultItem]
    flags: list[str]
    updated_at: datetime
    damaged: bool


class EventOut(Struct, kw_only=True):
    """One change of a dossier: what it became, by whom and when, and what was irregular. `damaged`: officer and note can't be read."""

    number: int
    old_status: int | None
    status: int
    sub_status: str | None
    status_note: str | None
    handler: Handler
    due_at: datetime | None
    changed_at: datetime
    recorded_at: datetime
    flags: list[str]
    damaged: bool


class FollowerIn(Struct, forbid_unknown_fields=True):
    """Somebody who agreed at the counter to be told of this dossier by this number; `evidence` says where that stands in writing."""

    phone: Annotated[str, Meta(min_length=8, max_length=20)]
    evidence: Annotated[
        str,
        Meta(
            min_length=3,
            max_length=200,
            pattern=r"\S",
            description="The signed slip or the officer's record of the consent",
        ),
    ]
    agrees_to: Annotated[
        list[Literal["survey", "broadcast"]],
        Meta(max_length=2, description="What else the slip agrees to, each ticked by itself"),
    ] = []


class FollowerOut(Struct, kw_only=True):
    """Somebody who follows a dossier, without name and number.

    `how` is what gave the right: `secret` and `phone` were proved in the chat, `counter` was linked by an officer or a system. Known
    `by_phone` alone: the Official Account has never met them. Without `consented` they are told nothing.
    """

    id: UUID
    how: Literal["secret", "phone", "counter"]
    since: datetime
    actor: str | None
    by_phone: bool
    consented: bool


class Followers(Struct):
    """Everybody who follows a dossier, in the order in which they came."""

    followers: list[FollowerOut]


class Linked(Struct):
    """Who follows the dossier from now on; linking the same number again answers the same."""

    id: UUID


class Unlinked(Struct):
    """Whether there was something to end."""

    ended: bool


class DossierPage(Page[DossierOut]):
    """Some dossiers; `next_cursor` leads on and is null on the last page."""


class EventPage(Page[EventOut]):
    """Some events; `next_cursor` leads on and is null on the last page."""
