"""The wire structs of `/v1/privacy-requests`."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from govchat.kit.paging import Page

Words = Annotated[str, Meta(min_length=2, max_length=2000)]


class Finish(Struct, forbid_unknown_fields=True, kw_only=True):
    """That it was carried out, and how."""

    note: Annotated[str, Meta(max_length=2000)] | None = None


class Because(Struct, forbid_unknown_fields=True, kw_only=True):
    """Why it is extended or refused."""

    reason: Words


class RequestOut(Struct, kw_only=True):
    """One request. `citizen` is the Official Account's id for the person, null once they were erased. Times are RFC 3339."""

    id: UUID
    code: str
    kind: str
    purpose: str | None
    state: str
    citizen: str | None
    note: str | None
    received_at: datetime
    acknowledged_at: datetime
    due_at: datetime
    overdue: bool
    extended_at: datetime | None
    done_at: datetime | None
    steps: list[str]
    waits: list[str]


RequestPage = Page[RequestOut]
