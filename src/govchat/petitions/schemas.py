"""The wire structs of `/v1/petitions`, and what its callbacks carry."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from govchat.kit.paging import Page

Unit = Annotated[str, Meta(min_length=2, max_length=200, description="The office, as citizens know it")]
Officer = Annotated[str, Meta(max_length=120, description="Who handles it")]
Words = Annotated[str, Meta(min_length=2, max_length=6000, description="What the citizen reads")]
Note = Annotated[str, Meta(max_length=2000)]


class Assign(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which office handles it from now on."""

    unit: Unit
    officer: Officer | None = None
    note: Note | None = None


class Answer(Struct, forbid_unknown_fields=True, kw_only=True):
    """The office's answer; the citizen reads it as it stands."""

    text: Words
    unit: Unit | None = None
    officer: Officer | None = None


class Close(Struct, forbid_unknown_fields=True, kw_only=True):
    """An end without an answer, for a reason that the citizen reads."""

    reason: Words
    officer: Officer | None = None


class Forward(Struct, forbid_unknown_fields=True, kw_only=True):
    """Another authority is competent: which, and what the citizen should know."""

    to: Unit
    note: Note | None = None
    officer: Officer | None = None


class Merge(Struct, forbid_unknown_fields=True, kw_only=True):
    """The same matter as another petition, whose answer will be this one's too."""

    into: Annotated[str, Meta(max_length=40, description="The code of the other petition")]
    note: Note | None = None
    officer: Officer | None = None


class Photo(Struct, kw_only=True):
    """A file of a petition; its bytes are at `…/files/{id}`."""

    id: UUID
    media_type: str
    size: int
    width: int | None
    height: int | None


class Place(Struct, kw_only=True):
    """Where it is about."""

    text: str | None
    latitude: float | None
    longitude: float | None


class Delivery(Struct, kw_only=True):
    """What became of the last message to the citizen: planned, none (`reason` says why: call or write instead), told, test."""

    state: str
    reason: str | None


class Petition(Struct, kw_only=True):
    """A petition without what only its handling office needs."""

    code: str
    kind: str
    category: str
    commune: str | None
    state: str
    unit: str | None
    flags: list[str]
    received_at: datetime
    forward_by: datetime
    due_at: datetime
    overdue: bool
    answered_at: datetime | None
    confirm_until: datetime | None
    closed_at: datetime | None
    reopened: int
    merged_into: str | None
    delivery: Delivery | None


class PetitionOut(Petition, kw_only=True):
    """One petition in full. `text` null: it was erased. Name and phone are withheld when the citizen asked for it (`anonymous`)."""

    text: str | None
    place: Place | None
    name: str | None
    phone: str | None
    photos: list[Photo]


class EventOut(Struct, kw_only=True):
    """One thing that happened."""

    number: int
    act: str
    state: str
    unit: str | None
    actor: str
    officer: str | None
    note: str | None
    at: datetime


class Happened(Struct, kw_only=True):
    """What a callback tells."""

    code: str
    kind: str
    category: str
    commune: str | None
    state: str
    unit: str | None
    received_at: datetime
    due_at: datetime
    reopened: int
    flags: list[str]
    at: datetime


PetitionPage = Page[Petition]
EventPage = Page[EventOut]
