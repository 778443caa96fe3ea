"""`/healthz/live`, `/healthz/ready` and `/metrics`: the truth about this process and those beside it.

Live asks nobody. Ready fails without the database; without Redis or with a dead worker it says `degraded` and goes on, since events can
still be stored.
"""

from datetime import datetime
from importlib.metadata import version
from typing import Any

from litestar import MediaType, Request, Response, Router, get
from litestar.openapi.datastructures import ResponseSpec
from sqlalchemy import text

from govchat.access.guards import PUBLIC
from govchat.db.away import ANY_FAILURE
from govchat.db.session import Database
from govchat.kit import clock
from govchat.kit.patience import within
from govchat.obs import beat, health, metrics

PATIENCE_S = 2.0
WORKER_KINDS = ("worker", "worker-bulk")
STARTED: datetime = clock.now()


@get(
    "/healthz/live",
    operation_id="probe_live",
    summary="The process runs",
    response_description="It runs",
    opt={PUBLIC: "says nothing but that it runs"},
)
async def live() -> health.Live:
    """200 for as long as the process answers at all."""
    _, document = health.live("api", version("govchat"), STARTED, clock.now())
    return document


@get(
    "/healthz/ready",
    operation_id="probe_ready",
    summary="The process can do its work",
    response_description="It can, perhaps worse than it should",
    responses={
        503: ResponseSpec(health.Ready, generate_examples=False, description="It can't: the database does not answer")
    },
    opt={PUBLIC: "kinds of failures"},
)
async def ready(request: Request[Any, Any, Any]) -> Response[health.Ready]:
    """200 `ok` or `degraded`, 503 `unavailable` when events can't be stored."""
    checks = [await _database(request.app.state.db), *await _redis_and_workers(request.app.state.redis)]
    status, document = health.ready(checks)
    return Response(document, status_code=status)


@get(
    "/metrics",
    operation_id="read_metrics",
    summary="Prometheus metrics",
    response_description="In Prometheus' text format",
    media_type=MediaType.TEXT,
    opt={PUBLIC: "counts, no personal data"},
)
async def read_metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """This process's metrics together with those that the workers left in Redis."""
    packed: list[bytes] = []
    database = await _database(request.app.state.db)
    metrics.DATABASE_UP.set(database.ok)
    try:
        parts = await beat.heard(request.app.state.redis)
        packed = await beat.snapshots(request.app.state.redis, parts)
        metrics.REDIS_UP.set(1)
        for part in parts:
            metrics.HEARTBEAT_AGE.labels(part.part).set(part.age_s)
    except beat.AWAY:
        metrics.REDIS_UP.set(0)
    body, content_type = metrics.render(packed)
    return Response(body, headers={"content-type": content_type})


async def _database(db: Database) -> health.Check:
    try:
        # A server that fell silent answers no polite good-bye either: the answer does not wait for it.
        await within(PATIENCE_S, _ask(db))
    except ANY_FAILURE as error:
        return health.database(error)
    return health.database()


async def _ask(db: Database) -> None:
    async with db.registry() as session:
        await session.execute(text("SELECT 1"))


async def _redis_and_workers(redis: Any) -> list[health.Check]:
    try:
        parts = await beat.heard(redis)
    except beat.AWAY as error:
        return [health.redis(error)]
    ages = {kind: min((part.age_s for part in parts if part.kind == kind), default=None) for kind in WORKER_KINDS}
    return [health.redis(), *(health.worker(kind, age) for kind, age in ages.items())]


router = Router("/", route_handlers=[live, ready, read_metrics], tags=["Operations"])
