"""/healthz/live, /healthz/ready, /metrics."""

from typing import Any

from litestar import Request, Response, Router, get
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from govchat.access.guards import PUBLIC
from govchat.obs import metrics


@get("/healthz/live", operation_id="live", opt={PUBLIC: "probe"})
async def live() -> dict[str, str]:
    """Alive."""
    return {"status": "ok"}


@get("/healthz/ready", operation_id="ready", opt={PUBLIC: "probe"})
async def ready(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    """Ready."""
    try:
        async with request.app.state.db.registry() as session:
            await session.execute(text("SELECT 1"))
        ok = True
    except (SQLAlchemyError, OSError):
        ok = False
    return Response({"status": "ok" if ok else "failing"}, status_code=200 if ok else 503)


@get("/metrics", operation_id="metrics", opt={PUBLIC: "metrics"})
async def metrics_(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Metrics."""
    return Response(generate_latest(metrics.REGISTRY), media_type=CONTENT_TYPE_LATEST)


router = Router("/", route_handlers=[live, ready, metrics_], tags=["Operations"])
