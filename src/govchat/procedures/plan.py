"""What a file would change in a layer: added, changed, removed, and what stays; worked out before anything is written.

Pure: drafts and the present layer in, a plan out. A file that says what is known already changes nothing, and the figure known more
precisely stays.
"""

import re
from collections.abc import Iterable
from datetime import date
from typing import Any, Literal, Protocol

import msgspec

from govchat.kit.text import fold
from govchat.procedures.catalogue import Fee, Flag, Limit, Procedure
from govchat.procedures.flags import flag
from govchat.procedures.patch import NOTHING, Patch, joined, laid_over
from govchat.procedures.rows import Draft, figures_of

SAME_NAME = 0.4  # share of words in common from which two names are one procedure's


class Layered(Protocol):
    """A layer as it is before the file: what lies beneath a code, what the layer says of it, and which codes it may remove."""

    def below(self, code: str, on: date) -> Procedure | None:
        """Without this layer."""
        ...

    def over(self, code: str, on: date) -> Patch:
        """What this layer says."""
        ...

    def removable(self, on: date) -> Iterable[str]:
        """Codes that earlier files put here."""
        ...

    def base(self, code: str, on: date) -> Procedure:
        """`below`, or what a code that is new here starts from."""
        ...


class FieldChange(msgspec.Struct, frozen=True):
    """One field before and after."""

    field: str
    before: Any
    after: Any


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to one code. `valid_from` None: since ever."""

    outcome: Literal["added", "changed", "removed"]
    code: str
    name: str
    line: int = 0
    valid_from: date | None
    patch: Patch
    fields: tuple[FieldChange, ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a file would do."""

    changes: list[Change]
    removed: list[Change]
    unchanged: int
    flags: list[tuple[str, int, Flag]]


def plan(layer: Layered, drafts: list[Draft], *, valid_from: date | None, today: date) -> Plan:
    """Compare. A change holds from the line's own day, else from `valid_from`, else from today; what nobody knew before, since ever."""
    changes: list[Change] = []
    flags: list[tuple[str, int, Flag]] = []
    for draft in drafts:
        change, doubts = _one(layer, draft, valid_from, today)
        flags += [(draft.code, draft.line, each) for each in doubts]
        if change is not None:
            changes.append(change)
    named = {draft.code for draft in drafts}
    day = valid_from or today
    removed = [_removal(layer, code, day) for code in sorted(layer.removable(day)) if code not in named]
    return Plan(changes=changes, removed=removed, unchanged=len(drafts) - len(changes), flags=flags)


def _one(layer: Layered, draft: Draft, valid_from: date | None, today: date) -> tuple[Change | None, tuple[Flag, ...]]:
    given = draft.valid_from or valid_from
    on = given or today
    over = layer.over(draft.code, on)
    base = layer.base(draft.code, on)
    known = over != NOTHING or layer.below(draft.code, on) is not None
    now = laid_over(base, over)
    said = taken(now, draft.patch, known=known)
    if now.withdrawn:
        said = joined(said, Patch(withdrawn=False))
    fields = tuple(
        FieldChange(name, None if not known else getattr(now, name), value) for name, value in said.said().items()
    )
    fresh = tuple(each for each in said.flags if each not in now.flags)
    if not fields and not fresh and known:
        return None, said.flags
    after = joined(over, said)
    return (
        Change(
            outcome="changed" if known else "added",
            code=draft.code,
            name=laid_over(base, after).name,
            line=draft.line,
            valid_from=given or (today if known else None),
            patch=after,
            fields=fields if known else (),
        ),
        said.flags,
    )


def _removal(layer: Layered, code: str, day: date) -> Change:
    """A province's figures give way to the national ones; what stands on nothing else is withdrawn, for dossiers still need its name."""
    over, below = layer.over(code, day), layer.below(code, day)
    patch = joined(over, Patch(withdrawn=True)) if below is None else NOTHING
    name = laid_over(layer.base(code, day), over).name
    return Change(outcome="removed", code=code, name=name, valid_from=day, patch=patch)


def taken(now: Procedure, patch: Patch, *, known: bool) -> Patch:
    """What of `patch` is news, with its doubts; of two precise enough figures the file's, of a vague and a precise one the precise."""
    said = patch.said()
    flags = list(patch.flags)
    for name in list(said):
        if same(name, getattr(now, name), said[name]):
            del said[name]
            flags = [each for each in flags if each.field != name]
    if isinstance(limit := said.get("limit"), Limit) and (kind := _vaguer(now.limit, limit)):
        del said["limit"]
        raw = next((each.raw for each in flags if each.field == "limit"), limit.spelled)
        flags = [each for each in flags if each.field != "limit"] + [flag("limit", kind, raw)]
    if known:
        flags += _names(now, said)
    return Patch(**said, flags=tuple({(each.field, each.kind): each for each in flags}.values()))


def same(name: str, before: Any, after: Any) -> bool:
    """Whether two values of a field say the same."""
    if isinstance(after, Limit):
        return bool(figures_of(after)) and figures_of(after) == figures_of(before)
    if isinstance(after, Fee):
        return before.text != "" and (
            fold(before.text) == fold(after.text) or (after.amount is not None and before.amount == after.amount)
        )
    if name in ("name", "official_name", "field", "issuer"):
        return bool(fold(str(before)) == fold(str(after)))
    return bool(before == after)


def _vaguer(known: Limit, given: Limit) -> str | None:
    """The doubt when a file gives a known number in a worse unit: hours as days, working days as plain days."""
    if known.value is None or known.value != given.value or given.unit not in ("calendar_day", "working_day"):
        return None
    if known.unit == "working_hour":
        return "maybe_hours"
    plain = "plain_days" in given.caveats and known.unit == "working_day"
    return "plain_days" if plain else None


def _names(now: Procedure, said: dict[str, Any]) -> list[Flag]:
    """Keep the plain name citizens know beside an official one; doubt a code whose name is quite another."""
    official = said.get("official_name")
    if official is None or not now.name:
        return []
    if fold(official) == fold(now.name):
        del said["official_name"]
        return []
    if not now.official_name or fold(now.official_name) == fold(now.name):
        said.setdefault("name", official)
    words = [set(re.findall(r"\w+", fold(name))) - {"thu", "tuc"} for name in (now.official_name or now.name, official)]
    if len(words[0] & words[1]) / max(1, len(words[0] | words[1])) >= SAME_NAME:
        return []
    said.setdefault("name", official)
    return [flag("name", "name_differs", f"{now.name} → {official}")]
