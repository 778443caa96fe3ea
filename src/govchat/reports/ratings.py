"""Ratings by office over a period, so that nobody is recognised: cells of fewer than five are added up or withheld.

The total is the sum of what is shown: subtracting it from anything tells nothing more.
"""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.errors import DomainError
from govchat.kit.clock import VN
from govchat.reports.schemas import OfficeRatings, RatingReport, Satisfaction

SMALLEST = 5
LONGEST = timedelta(days=366)

# Satisfied: the upper two of either scale.
FIGURES = text(
    """
    SELECT unit, count(*) AS ratings, count(*) FILTER (WHERE level >= levels - 1) AS satisfied, count(*) FILTER (WHERE poor) AS poor,
           count(about_time) AS times, count(*) FILTER (WHERE about_time >= levels - 1) AS good_times,
           count(about_attitude) AS attitudes, count(*) FILTER (WHERE about_attitude >= levels - 1) AS good_attitudes,
           count(about_clarity) AS clarities, count(*) FILTER (WHERE about_clarity >= levels - 1) AS good_clarities,
           count(extra_costs) AS costs, count(*) FILTER (WHERE extra_costs) AS paid_more
    FROM ratings
    WHERE tenant_id = :tenant AND state = 'given' AND given_at >= :since AND given_at < :before
    GROUP BY unit ORDER BY unit
    """
)
REASONS = text(
    """
    SELECT unit, reason, count(*) AS times FROM ratings, unnest(reasons) AS reason
    WHERE tenant_id = :tenant AND state = 'given' AND given_at >= :since AND given_at < :before
    GROUP BY unit, reason ORDER BY unit, reason
    """
)
COUNTED = (
    "ratings", "satisfied", "poor", "times", "good_times", "attitudes", "good_attitudes", "clarities", "good_clarities",
    "costs", "paid_more",
)  # fmt: skip


class PeriodInvalid(DomainError):
    """A period that no report is made of."""

    status = 422
    code = "report_period_invalid"
    title = "No report is made of this period"


async def ratings_report(session: AsyncSession, tenant_id: UUID, since: date, until: date) -> RatingReport:
    """The ratings given on these days in Vietnam, both included; raises `PeriodInvalid`."""
    if not timedelta(0) <= until - since <= LONGEST:
        raise PeriodInvalid(
            f"{since} to {until}: expected a period of at most a year that does not end before it begins"
        )
    span = {
        "tenant": tenant_id,
        "since": datetime.combine(since, time(0), VN),
        "before": datetime.combine(until + timedelta(days=1), time(0), VN),
    }
    rows = (await session.execute(FIGURES, span)).all()
    reasons: dict[str, dict[str, int]] = {}
    for row in (await session.execute(REASONS, span)).all():
        reasons.setdefault(row.unit, {})[row.reason] = row.times
    shown = [row for row in rows if row.ratings >= SMALLEST]
    small = [row for row in rows if row.ratings < SMALLEST]
    rest = _sum(small, reasons)
    others = rest if rest["counts"]["ratings"] >= SMALLEST else None
    counted = [*shown, *(small if others else ())]
    return RatingReport(
        since=since,
        until=until,
        offices=[OfficeRatings(unit=row.unit, **_figures(_sum([row], reasons))) for row in shown],
        others=Satisfaction(**_figures(others)) if others else None,
        total=Satisfaction(**_figures(_sum(counted, reasons))) if counted else None,
        withheld=bool(small) and others is None,
    )


def _sum(rows: list[Row[Any]], reasons: dict[str, dict[str, int]]) -> dict[str, Any]:
    said: dict[str, int] = {}
    for row in rows:
        for reason, times in reasons.get(row.unit, {}).items():
            said[reason] = said.get(reason, 0) + times
    return {"counts": {name: sum(getattr(row, name) for row in rows) for name in COUNTED}, "reasons": said}


def _figures(summed: dict[str, Any]) -> dict[str, Any]:
    counts = summed["counts"]

    def share(good: str, answered: str) -> float | None:
        return round(counts[good] / counts[answered], 3) if counts[answered] >= SMALLEST else None

    return {
        "ratings": counts["ratings"],
        "satisfied": counts["satisfied"],
        "poor": counts["poor"],
        "satisfied_share": round(counts["satisfied"] / counts["ratings"], 3),
        "time_share": share("good_times", "times"),
        "attitude_share": share("good_attitudes", "attitudes"),
        "clarity_share": share("good_clarities", "clarities"),
        "extra_costs_share": share("paid_more", "costs"),
        "reasons": {reason: times for reason, times in sorted(summed["reasons"].items()) if times >= SMALLEST},
    }
