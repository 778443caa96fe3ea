"""The wire structs of `/v1/reports`."""

from datetime import date

from msgspec import Struct


class Satisfaction(Struct, kw_only=True):
    """What citizens said. Shares run from 0 to 1; a figure of fewer than five answers is null, a reason of fewer than five is left out."""

    ratings: int
    satisfied: int
    poor: int
    satisfied_share: float
    time_share: float | None
    attitude_share: float | None
    clarity_share: float | None
    extra_costs_share: float | None
    reasons: dict[str, int]


class OfficeRatings(Satisfaction, kw_only=True):
    """The ratings of one office."""

    unit: str


class RatingReport(Struct, kw_only=True):
    """Ratings given from `since` to `until`, both included. Offices with fewer than five are added up in `others`; where even those are
    fewer than five they are left out of everything, and `withheld` says so."""

    since: date
    until: date
    offices: list[OfficeRatings]
    others: Satisfaction | None
    total: Satisfaction | None
    withheld: bool
