"""Quiet hours (giờ nghỉ): which hour may ring a citizen's phone, and when what was held goes out.

The morning's backlog leaves over ten minutes, each citizen at a moment of their own, so that Zalo's limits see no wall of messages.
"""

import hashlib
from datetime import date, datetime, time, timedelta

import msgspec

from govchat.kit.clock import VN

SPREAD = timedelta(minutes=10)
# Zalo delivers nothing that is forbidden at night between 22:00 and 06:00, whatever a province thinks is late.
ZALO_NIGHT_ENDS = time(6, 0)


class Quiet(msgspec.Struct, frozen=True):
    """The hours of rest, Vietnamese time; equal ends mean none."""

    starts: time = time(22, 0)
    ends: time = time(6, 0)

    def holds(self, at: datetime) -> bool:
        """Whether the moment lies in the hours of rest."""
        local = at.astimezone(VN).time()
        if self.starts <= self.ends:
            return self.starts <= local < self.ends
        return local >= self.starts or local < self.ends

    def released(self, at: datetime, jitter: float) -> datetime:
        """When something held at `at` goes out: the end of the rest, plus `jitter` (0 to 1) of ten minutes."""
        local = at.astimezone(VN)
        morning = local.replace(hour=self.ends.hour, minute=self.ends.minute, second=0, microsecond=0)
        if morning <= local:
            morning += timedelta(days=1)
        return morning + SPREAD * jitter


def next_morning(at: datetime, jitter: float) -> datetime:
    """06:00 in Vietnam on the day after `at`, with the same spread: when daily allowances have begun anew."""
    local = at.astimezone(VN) + timedelta(days=1)
    start = local.replace(hour=ZALO_NIGHT_ENDS.hour, minute=0, second=0, microsecond=0)
    return start + SPREAD * jitter


def jitter_of(subject: bytes, day: date) -> float:
    """0 to 1, the same for one subject all day: asking twice doesn't move a message."""
    drawn = hashlib.blake2b(subject + day.isoformat().encode(), digest_size=4).digest()
    return int.from_bytes(drawn) / 0xFFFF_FFFF


def month_of(at: datetime) -> str:
    """The month a message is paid in, as `2026-11`."""
    return f"{at.astimezone(VN):%Y-%m}"


def day_of(at: datetime) -> str:
    """The Vietnamese day, as `2026-11-22`."""
    return f"{at.astimezone(VN):%Y-%m-%d}"
