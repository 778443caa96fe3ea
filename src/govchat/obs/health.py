"""What the probes answer: checks in, a status and a document out. Pure: whoever probes brings the findings.

Live means the process runs. Ready means it can do its work: without the database it can't, without Redis or with a dead worker
it can, worse, and says so. Details name kinds of failures, never addresses or values.
"""

from datetime import datetime
from typing import Literal

import msgspec

# A worker tells that it lives every few seconds; after this long it is called dead.
HEARTBEAT_LIMIT_SECONDS = 30.0


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at. A failed critical check makes the process unready."""

    name: str
    ok: bool
    detail: str = ""
    critical: bool = False


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `/healthz/live`."""

    status: Literal["ok"] = "ok"
    part: str
    version: str
    started_at: datetime
    uptime_seconds: float


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `/healthz/ready`: `degraded` still takes traffic, `unavailable` does not."""

    status: Literal["ok", "degraded", "unavailable"]
    checks: tuple[Check, ...]


def live(part: str, version: str, started_at: datetime, now: datetime) -> tuple[int, Live]:
    """HTTP status and document that say the process runs."""
    uptime = max(0.0, (now - started_at).total_seconds())
    return 200, Live(part=part, version=version, started_at=started_at, uptime_seconds=round(uptime, 1))


def ready(checks: list[Check]) -> tuple[int, Ready]:
    """HTTP status and document of all findings: 503 when a critical one failed, else 200."""
    failed = [check for check in checks if not check.ok]
    if any(check.critical for check in failed):
        return 503, Ready(status="unavailable", checks=tuple(checks))
    return 200, Ready(status="degraded" if failed else "ok", checks=tuple(checks))


def database(error: BaseException | None = None) -> Check:
    """The finding on PostgreSQL: critical, because nothing durable happens without it."""
    return Check(name="database", ok=error is None, detail=_kind(error), critical=True)


def redis(error: BaseException | None = None) -> Check:
    """The finding on Redis: not critical, because sweeps find what nudges would have told and local buckets send on, slowly."""
    return Check(name="redis", ok=error is None, detail=_kind(error))


def worker(name: str, age_seconds: float | None, limit_seconds: float = HEARTBEAT_LIMIT_SECONDS) -> Check:
    """The finding on a worker by the age of its heartbeat, None when it was never heard of.

    Not critical: taking the API out of service would lose the events it can still store.
    """
    if age_seconds is None:
        return Check(name=name, ok=False, detail="no heartbeat")
    return Check(name=name, ok=age_seconds <= limit_seconds, detail=f"heartbeat {max(0.0, age_seconds):.0f} s ago")


def _kind(error: BaseException | None) -> str:
    return "" if error is None else type(error).__name__
