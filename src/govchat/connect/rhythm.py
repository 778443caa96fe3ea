"""How a province's events arrive: counted hour by hour as they come, and whether the present silence is like them.

An event is counted once, from the inbox, in the order of its id; the counts outlive the events.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.connect.models import WebhookWatchRow
from govchat.kit.clock import VN
from govchat.tenants.signatures import RECOVERED

# Ids are made on arrival; their rows are committed well within this.
SETTLED_AFTER = timedelta(seconds=30)
KEPT = timedelta(days=60)
LOOKS_BACK = timedelta(days=14)
# A silence in which this many events would have come is none of chance's, and shorter ones than this are nobody's business.
EXPECTED, SHORTEST = 12.0, timedelta(minutes=30)

COUNT = text(
    """
    INSERT INTO webhook_hours (tenant_id, hour, signature, events)
    SELECT tenant_id, date_trunc('hour', received_at), signature, count(*)
    FROM inbox_events WHERE tenant_id = :tenant AND id > :after AND id <= :until
    GROUP BY 1, 2, 3
    ON CONFLICT (tenant_id, hour, signature) DO UPDATE SET events = webhook_hours.events + excluded.events
    """
)
CAME = text(
    """
    SELECT count(*), max(received_at) FILTER (WHERE signature <> :recovered)
    FROM inbox_events WHERE tenant_id = :tenant AND id > :after AND id <= :until
    """
)
FORGET = text("DELETE FROM webhook_hours WHERE tenant_id = :tenant AND hour < :before")
HOURS = text(
    """
    SELECT hour, sum(events)::bigint AS events FROM webhook_hours
    WHERE tenant_id = :tenant AND hour >= :since AND hour < :until AND signature <> :recovered GROUP BY hour
    """
)


def id_at(at: datetime) -> UUID:
    """The greatest id that could have been made before this moment (RFC 9562, version 7)."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def made_at(id_: UUID) -> datetime:
    """When an id of RFC 9562, version 7, was made, to the millisecond."""
    return datetime.fromtimestamp((id_.int >> 80) / 1000, UTC)


async def count(session: AsyncSession, watch: WebhookWatchRow, *, at_once: bool = False) -> None:
    """Take up what arrived since the last count; `watch` is locked, so that two counters count nothing twice.

    `at_once` counts up to this very moment, for a caller who knows that nothing is on its way.
    """
    until = id_at(
        datetime.now(UTC) - (timedelta() if at_once else SETTLED_AFTER)
    )  # ids are made by the machine's clock
    after = watch.counted_to or id_at(datetime.now(UTC) - LOOKS_BACK)
    if until <= after:
        return
    bound = {"tenant": watch.tenant_id, "after": after, "until": until}
    events, last = (await session.execute(CAME, {**bound, "recovered": RECOVERED})).one()
    if events:
        await session.execute(COUNT, bound)
    if watch.counted_to is None or made_at(watch.counted_to).date() != made_at(until).date():
        await session.execute(FORGET, {"tenant": watch.tenant_id, "before": datetime.now(UTC) - KEPT})
    watch.counted_to = until
    if last is not None:
        watch.last_event_at = last


class Silence(msgspec.Struct, frozen=True):
    """No event since `since`, though about `expected` would have come."""

    since: datetime
    expected: float


async def silence(session: AsyncSession, watch: WebhookWatchRow, now: datetime) -> Silence | None:
    """The present silence, when it is not the rhythm of this Official Account."""
    since = watch.last_event_at
    if since is None or now - since < SHORTEST:
        return None
    rows = await session.execute(
        HOURS, {"tenant": watch.tenant_id, "since": since - LOOKS_BACK, "until": since, "recovered": RECOVERED}
    )
    events = {row.hour: int(row.events) for row in rows}
    expected = usual(events, since, now)
    return Silence(since, expected) if expected >= EXPECTED else None


def usual(events: dict[datetime, int], since: datetime, until: datetime) -> float:
    """How many events come between the two moments on such days and at such hours, by what came in each hour before.

    Working days and days off have rhythms of their own (Vietnamese time); an Official Account younger than two weeks is compared with
    the days it has.
    """
    if not events:
        return 0.0
    first = min(events)
    kinds: dict[tuple[bool, int], list[int]] = {}
    hour = first
    while hour < since:
        kinds.setdefault(_kind(hour), []).append(events.get(hour, 0))
        hour += timedelta(hours=1)
    expected, at = 0.0, since
    while at < until and expected < EXPECTED * 10:
        end = min(until, at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1))
        seen = kinds.get(_kind(at), [])
        if seen:
            expected += sum(seen) / len(seen) * ((end - at) / timedelta(hours=1))
        at = end
    return expected


def _kind(at: datetime) -> tuple[bool, int]:
    local = at.astimezone(VN)
    return local.weekday() >= 5, local.hour
