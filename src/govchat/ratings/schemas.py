"""The wire structs of `/v1/ratings`."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from govchat.kit.paging import Page


class RatingOut(Struct, kw_only=True):
    """One rating. `level` runs from 1, the worst, to `levels`; the questions behind it are on the same scale, null when not answered."""

    id: UUID
    dossier_code: str
    unit: str
    procedure_code: str
    level: int
    levels: int
    about_time: int | None
    about_attitude: int | None
    about_clarity: int | None
    extra_costs: bool | None
    reasons: list[str]
    comment: str | None
    poor: bool
    given_at: datetime
    seen_at: datetime | None
    seen_by: str | None


RatingPage = Page[RatingOut]
