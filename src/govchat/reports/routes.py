"""`/v1/reports`: figures of the key's tenant."""

from datetime import date, timedelta
from typing import Annotated, Any

from litestar import Request, Router, get
from litestar.params import QueryParameter

from govchat.access.guards import REFUSES, RequireScope
from govchat.access.keys import Caller
from govchat.kit import clock
from govchat.kit.clock import VN
from govchat.reports.ratings import PeriodInvalid, ratings_report
from govchat.reports.schemas import RatingReport
from govchat.tenants.registry import Registry

Since = Annotated[date | None, QueryParameter(description="First day, in Vietnam; 90 days ago when left out")]
Until = Annotated[date | None, QueryParameter(description="Last day, included; today when left out")]
USUAL = timedelta(days=90)


@get(
    "/ratings",
    operation_id="report_ratings",
    summary="Report ratings by office",
    guards=[RequireScope("reports:read")],
    opt={REFUSES: (PeriodInvalid,)},
    response_description="The ratings of each office, small numbers withheld",
)
async def report_ratings(request: Request[Any, Any, Any], since: Since = None, until: Until = None) -> RatingReport:
    """How satisfied citizens are with time, attitude, clarity and costs, by office. Figures of fewer than five tell of nobody."""
    caller: Caller = request.state.caller
    registry: Registry = request.app.state.registry
    last = until or clock.now().astimezone(VN).date()
    async with registry.db.tenant(caller.tenant_id) as session:
        return await ratings_report(session, caller.tenant_id, since or last - USUAL, last)


router = Router("/v1/reports", route_handlers=[report_ratings], tags=["Reports"])
