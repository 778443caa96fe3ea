"""What follows from Zalo's refusal: try again and when, give up, or admit that nobody knows.

One table for every kind of error; docs/operations.md says it in words.
"""

import random
from datetime import datetime, timedelta

from govchat.kit import clock
from govchat.outbox.claim import Claimed, Result
from govchat.outbox.put import Lane
from govchat.zalo.errors import Kind, ZaloError

# Tries of a message that Zalo asks us to send later.
MOST_ATTEMPTS = 8
# A notice outlives an outage of Zalo's: a citizen may hear late, but hears.
KEEP_NOTICE = timedelta(hours=24)
# A message that waits for a person in Zalo's console is kept this long; a reply is worthless after the 48-hour window.
KEEP_FOR_HUMAN = timedelta(hours=48)


def verdict(message: Claimed, error: ZaloError, started: datetime) -> Result:
    """The row's next state after `error`."""
    now = clock.now()
    state, due_at, counts = "failed", None, True
    if error.uncertain:
        state = "uncertain"
    elif error.kind is Kind.wait and (message.attempts < MOST_ATTEMPTS or _outlives(message, now)):
        state, due_at = "queued", now + timedelta(seconds=error.retry_after_s or _backoff(message.attempts))
    elif error.kind is Kind.night:
        state, due_at, counts = "queued", _morning(now), False
    elif error.kind is Kind.quota and message.lane != Lane.REPLY and message.attempts < MOST_ATTEMPTS:
        state, due_at = "queued", _tomorrow(now)
    elif error.kind in (Kind.human, Kind.auth) and now - message.created_at < KEEP_FOR_HUMAN:
        state, due_at, counts = "queued", now + timedelta(minutes=5), False
    return Result(
        id=message.id,
        attempt=message.attempts,
        state=state,
        outcome="uncertain" if state == "uncertain" else "later" if state == "queued" else "refused",
        started_at=started,
        due_at=due_at,
        counts=counts,
        zalo_code=error.code,
        kind=str(error.kind),
        detail=str(error)[:300],
    )


def _outlives(message: Claimed, now: datetime) -> bool:
    return message.lane == Lane.NOTICE and now - message.created_at < KEEP_NOTICE


def _backoff(attempts: int) -> float:
    """Seconds: 1, 2, 4 … 60, from the ninth try on five minutes, with jitter."""
    longest = 60 if attempts <= MOST_ATTEMPTS else 300
    return float(min(longest, 2 ** min(attempts - 1, 16))) * random.uniform(0.75, 1.25)  # noqa: S311


def _morning(now: datetime) -> datetime:
    """06:05 in Vietnam, with ten minutes of jitter."""
    local = now.astimezone(clock.VN)
    day = local if local.hour < 6 else local + timedelta(days=1)
    return day.replace(hour=6, minute=5, second=0, microsecond=0) + timedelta(seconds=random.uniform(0, 600))  # noqa: S311


def _tomorrow(now: datetime) -> datetime:
    """Shortly after midnight in Vietnam, when daily quotas are assumed to start anew."""
    local = now.astimezone(clock.VN) + timedelta(days=1)
    return local.replace(hour=0, minute=5, second=0, microsecond=0) + timedelta(seconds=random.uniform(0, 600))  # noqa: S311
