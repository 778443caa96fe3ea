"""What would change: two readings of a tenant compared field by field, as people read it (`zalo.signature: observe → enforce`).

Plain values come in, those of the database and those of a file; changes go out, for the screen and for the audit trail.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

# By what the rows of a list of tables are told apart.
_NAMED_BY = ("code", "slug", "full_name")
_LONGEST = 60  # of a text on the screen; the audit trail holds the whole


class Change(msgspec.Struct, frozen=True):
    """One field before and after; None where it is not there."""

    field: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.field}: {shown(self.before)} → {shown(self.after)}"


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any], at: str = "") -> list[Change]:
    """Every field that differs, in the order of `after`, then what only `before` has; lists of tables are compared row by row."""
    changes: list[Change] = []
    for key in (*after, *(key for key in before if key not in after)):
        field, old, new = f"{at}{key}", before.get(key), after.get(key)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            changes += changes_between(old, new, f"{field}.")
        elif _has_rows(old) or _has_rows(new):
            changes += _rows_between(old or (), new or (), field)
        else:
            changes.append(Change(field, old, new))
    return changes


def _rows_between(before: Sequence[Any], after: Sequence[Any], field: str) -> list[Change]:
    old, new = _named(before), _named(after)
    changes: list[Change] = []
    for name in (*new, *(name for name in old if name not in new)):
        one, other = old.get(name), new.get(name)
        if one == other:
            continue
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            changes += changes_between(one, other, f"{field}[{name}].")
        else:
            changes.append(Change(f"{field}[{name}]", one, other))
    return changes


def _named(rows: Iterable[Any]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for row in rows:
        name = next((str(row[key]) for key in _NAMED_BY if row.get(key)), "")
        number = 1
        while (unique := name if number == 1 and name else f"{name}#{number}") in named:
            number += 1
        named[unique] = row
    return named


def _has_rows(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and isinstance(value[0], Mapping)


def shown(value: Any) -> str:
    """A value on one line, cut where it is long; a dash for what is not there."""
    if value is None or value in ([], {}, ()):
        return "-"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {shown(each)}" for key, each in value.items() if each not in (None, [], {}, ()))
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value))
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
