"""Followers by the hundred thousand for load tests and demonstrations: made inside PostgreSQL, known to the simulator too.

Called `dev-SLUG-1…N`, they follow and interacted just now, so Zalo's windows are open for all of them.
"""

from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

import aiohttp
import msgspec
from sqlalchemy import text

from govchat.db.session import Database

# Each batch is one transaction of well under a second, so that nobody waits long for its rows.
BATCH = 10_000
PATIENCE = aiohttp.ClientTimeout(total=20)

# The id is a UUIDv7 as `kit.ids` makes them (PostgreSQL has its own only since 18): milliseconds, then chance, version and variant set.
# A citizen who was there follows again; when they did is kept if they never stopped.
SOW = text(
    """
    WITH done AS (
        INSERT INTO citizens AS c (tenant_id, id, zalo_user_id, follows, follow_changed_at, last_interaction_at)
        SELECT :tenant_id,
               encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
                   PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
                   FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid,
               :prefix || n, true, :at, :at
        FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n
        ON CONFLICT (tenant_id, zalo_user_id) DO UPDATE SET
            follows = true,
            follow_changed_at = CASE WHEN c.follows THEN c.follow_changed_at ELSE excluded.follow_changed_at END,
            last_interaction_at = greatest(c.last_interaction_at, excluded.last_interaction_at)
        RETURNING xmax = 0 AS fresh
    )
    SELECT count(*) FILTER (WHERE fresh) FROM done
    """
)


class Told(msgspec.Struct, frozen=True):
    """Whether the stand-in for Zalo knows the followers too, and if not, why."""

    known: bool
    reason: str = ""


async def sow(db: Database, tenant_id: UUID, slug: str, count: int, at: datetime) -> int:
    """Make the first `count` followers of a tenant, or refresh them; `at` is when they interacted. Answers how many are new."""
    fresh = 0
    for first in range(1, count + 1, BATCH):
        async with db.tenant(tenant_id) as session:
            fresh += await session.scalar(
                SOW,
                {
                    "tenant_id": tenant_id,
                    "prefix": f"dev-{slug}-",
                    "at": at,
                    "first": first,
                    "last": min(first + BATCH - 1, count),
                },
            )
    return fresh


def is_on_loopback(url: str) -> bool:
    """Whether `url` leads to this machine alone."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def tell_simulator(zalo_openapi_url: str, oa_id: str, count: int) -> Told:
    """Let the simulator behind `zalo_openapi_url` take sends to them; any other stand-in may not know how, which is no error."""
    if not is_on_loopback(zalo_openapi_url):
        return Told(False, "the Zalo in use is not on this machine")
    try:
        async with (
            aiohttp.ClientSession(timeout=PATIENCE) as http,
            http.post(f"{zalo_openapi_url}/_control/seed", json={"count": count, "oa": oa_id}) as answer,
        ):
            return Told(True) if answer.status == 200 else Told(False, f"it answered {answer.status}")
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return Told(False, type(error).__name__)
