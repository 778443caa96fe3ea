"""When a delivery that failed is tried again, and when an address that keeps failing rests or is given up."""

import random
from datetime import timedelta

# Ten tries over some three days, as Standard Webhooks advises.
WAITS = (
    timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2),
    timedelta(hours=5), timedelta(hours=10), timedelta(hours=14), timedelta(hours=20),
)  # fmt: skip
MOST_ATTEMPTS = len(WAITS) + 1
JITTER = 0.2
LONGEST_ASKED = timedelta(hours=6)
LONGEST_REST = timedelta(minutes=5)
DISABLE_AFTER = timedelta(days=3)


def wait_after(attempts: int, asked: timedelta | None = None) -> timedelta | None:
    """How long to wait after that many failed attempts, give or take a fifth; None when that was the last.

    `asked` is the receiver's `Retry-After`: never sooner than that, up to six hours.
    """
    if attempts >= MOST_ATTEMPTS:
        return None
    wait = WAITS[attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  # spreads load, hides nothing
    return max(wait, min(asked, LONGEST_ASKED)) if asked else wait


def rest_after(failures: int, asked: timedelta | None = None) -> timedelta:
    """How long an address is left alone after that many failures in a row: other messages wait as well."""
    rest = min(timedelta(seconds=2 ** min(failures, 10)), LONGEST_REST)
    return max(rest, min(asked, LONGEST_REST)) if asked else rest
