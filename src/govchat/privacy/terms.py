"""By when a request about personal data is carried out: dated rules of the law on personal data."""

import tomllib
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files

import msgspec

from govchat.kit.clock import VN
from govchat.kit.workdays import national

ACKNOWLEDGE_WORKDAYS = 2  # Decree 356/2025; we do it in the same breath


class Term(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calendar days for some kinds of request, and how many more one extension gives."""

    kinds: tuple[str, ...]
    from_: date = msgspec.field(name="from")
    days: int
    more: int
    confidence: str
    basis: str

    def due(self, since: datetime, *, extended: bool = False) -> datetime:
        """The end of office on the last day; the next working day where that is a day off."""
        calendar = national()
        last = since.astimezone(VN).date() + timedelta(days=self.days + (self.more if extended else 0))
        return calendar.closes(calendar.next_workday(last))


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    term: tuple[Term, ...]


def term_of(kind: str, on: datetime) -> Term:
    """The rule that holds for a kind of request made on that day."""
    day = on.astimezone(VN).date()
    held = [one for one in _table().term if kind in one.kinds and one.from_ <= day]
    return max(held, key=lambda one: one.from_)


@cache
def _table() -> _Table:
    raw = (files("govchat.privacy") / "data" / "terms.toml").read_bytes()
    return msgspec.convert(tomllib.loads(raw.decode()), _Table)
