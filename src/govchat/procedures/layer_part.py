"""What a province says of procedures, between its file and the database: applied without losing what admins put, and written back.

A version that an admin put stands against the file until an export has brought it there. What an import brought stays with the imported
file: it holds the doubts of its source too, and importing it again changes nothing.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.errors import ConfigurationError
from govchat.procedures.book import ALWAYS, Layer, National, Over, build_national, in_force, read_layer, today
from govchat.procedures.catalogue import Procedure, national_code
from govchat.procedures.layer_file import FILE, Entry, layer_text, read_layer_file
from govchat.procedures.override import OverrideRefused, check_fits
from govchat.procedures.patch import NOTHING, Patch, blank, laid_over
from govchat.procedures.plan import Change as Write
from govchat.procedures.rows import key_of
from govchat.procedures.schemas import as_override
from govchat.procedures.write import lock_layer, write_overrides
from govchat.tenants.difference import Change, changes_between
from govchat.tenants.parts import Brought, Part

Versions = tuple[Over, ...]
BENEATH = """
    SELECT code, version, valid_from, patch::text FROM national_procedures WHERE code = ANY(CAST(:codes AS text[]))
    ORDER BY code, version
"""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What the file means for one version: write it, keep the admin's, or take over what both say. `day` ALWAYS: since ever."""

    act: Literal["write", "keep", "adopt"]
    code: str
    day: date
    before: Patch
    after: Patch

    @property
    def changes(self) -> tuple[Change, ...]:
        """Field by field, with the day it holds from."""
        after = as_override(self.after)
        if self.day != ALWAYS:
            after = {"valid_from": self.day.isoformat(), **after}
        return tuple(changes_between(as_override(self.before), after, f"procedures.{self.code}."))


def steps_for(
    code: str, entries: Sequence[Entry], versions: Versions, *, beneath: bool, on: date, overwrite: bool
) -> list[Step]:
    """What the file's versions of one code mean beside the standing ones; `beneath`: the national catalogue has the code.

    An entry without a day holds from the day it is first applied; a procedure of the province's own since ever.
    """
    dated = {entry.valid_from: entry.patch for entry in entries if entry.valid_from is not None}
    undated = next((entry.patch for entry in entries if entry.valid_from is None), None)
    at = {each.valid_from: each for each in versions}
    told = {day for day, patch in dated.items() if day in at and at[day].patch == patch}
    steps: list[Step] = []

    def weigh(day: date, patch: Patch, there: Over | None, rival: Over | None) -> None:
        """`there` is the version that the entry is about, `rival` what holds on its day otherwise."""
        held = there or rival
        before = held.patch if held else NOTHING
        if there is not None and there.patch == patch:
            if there.origin != "file":
                steps.append(Step(act="adopt", code=code, day=there.valid_from, before=before, after=patch))
            return
        theirs = held is not None and held.origin != "file" and held.valid_from not in told and held.patch != patch
        act: Literal["write", "keep"] = "keep" if theirs and not overwrite else "write"
        steps.append(Step(act=act, code=code, day=day, before=before, after=patch))

    for day in sorted(dated):
        weigh(day, dated[day], at.get(day), in_force(versions, day))
    current = in_force(versions, on)
    about: Over | None = None
    if undated is not None:
        free = tuple(each for each in versions if each.valid_from not in dated)
        about = in_force(free, on)
        if about is not None:
            superseded = any(about.valid_from < day <= on for day in dated)
            weigh(on if about is current and not superseded else about.valid_from, undated, about, None)
        else:
            since_ever = not beneath or any(day <= on for day in dated)
            weigh(ALWAYS if since_ever else on, undated, None, None)
    left = [each for each in versions if each.origin == "file" and each.valid_from not in dated and each is not about]
    return [*steps, *_ended(code, left, versions, dated, undated, on)]


def _ended(
    code: str, left: Sequence[Over], versions: Versions, dated: dict[date, Patch], undated: Patch | None, on: date
) -> list[Step]:
    """The file's own versions that it no longer has: the one in force ends today, one to come never begins. The past stays."""
    steps = []
    for each in left:
        if each.valid_from > on:
            day = each.valid_from
            before = in_force(versions, day - timedelta(days=1))
            falls_to = before.patch if before and before not in left else undated or NOTHING
        elif each is in_force(versions, on):
            day = on
            falls_to = next((dated[one] for one in sorted(dated, reverse=True) if one <= on), undated or NOTHING)
        else:
            continue
        if each.patch != falls_to:
            steps.append(Step(act="write", code=code, day=day, before=each.patch, after=falls_to))
    return steps


async def bring(
    session: AsyncSession, tenant_id: UUID, path: Path, *, actor: str, overwrite: bool, write: bool
) -> Brought:
    """Bring the file's versions into the tenant's layer; what an admin put stays unless `overwrite`.

    Raises `ConfigurationError` for a file with mistakes, and for one that would lead a citizen nowhere.
    """
    entries = _sound(path)
    national = await _beneath(session, entries)
    steps = await _steps(session, tenant_id, path, entries, national, overwrite=overwrite)
    if write and any(step.act != "keep" for step in steps):
        await lock_layer(session, tenant_id)
        steps = await _steps(session, tenant_id, path, entries, national, overwrite=overwrite)
        await _write(session, tenant_id, [step for step in steps if step.act != "keep"], actor)
    return Brought(
        changes=tuple(change for step in steps if step.act == "write" for change in step.changes),
        kept=tuple(change for step in steps if step.act == "keep" for change in step.changes),
    )


async def _steps(
    session: AsyncSession,
    tenant_id: UUID,
    path: Path,
    entries: Sequence[Entry],
    national: National,
    *,
    overwrite: bool,
) -> list[Step]:
    """What the file means for every code, as the layer stands now; raises `ConfigurationError`."""
    layer = await read_layer(session, tenant_id)
    by_code: dict[str, list[Entry]] = {code: [] for code in layer}
    for entry in entries:
        by_code.setdefault(entry.code, []).append(entry)
    steps = [
        step
        for code in sorted(by_code)
        for step in steps_for(
            code, by_code[code], layer.get(code, ()), beneath=code in national, on=today(), overwrite=overwrite
        )
    ]
    _refuse_dead_ends(path, steps, layer, national)
    return steps


def _sound(path: Path) -> list[Entry]:
    entries, findings = read_layer_file(path)
    if findings:
        raise ConfigurationError(f"{path} có {len(findings)} lỗi, lỗi đầu tiên: {findings[0]}")
    return entries


async def _beneath(session: AsyncSession, entries: Sequence[Entry]) -> National:
    """The national layer of the codes that the file names; all of what ships."""
    codes = {entry.code for entry in entries}
    codes |= {
        key for each in entries if isinstance(each.patch.replaced_by, str) and (key := key_of(each.patch.replaced_by))
    }
    codes |= {key for code in codes if (key := national_code(code))}
    return build_national(list(await session.execute(text(BENEATH), {"codes": sorted(codes)})))


class _Laid(msgspec.Struct, frozen=True):
    """The catalogue as it would be: a `Lookup` over the rows at hand."""

    national: National
    layer: Layer

    def get(self, code: str, on: date | None = None) -> Procedure | None:
        """The procedure as it would stand on that day."""
        day = on or today()
        for key in dict.fromkeys((key_of(code), national_code(code))):
            below = in_force(self.national.get(key or "", ()), day)
            over = in_force(self.layer.get(key or "", ()), day)
            if key and (below or (over and over.patch != NOTHING)):
                base = below.procedure if below else blank(key)
                return laid_over(base, over.patch) if over else base
        return None


def _refuse_dead_ends(path: Path, steps: Sequence[Step], layer: Layer, national: National) -> None:
    """Raise `ConfigurationError` for a replacement that is not there or goes in a circle, and for an unknown code without a name."""
    wanted: dict[str, dict[date, Over]] = {
        code: {each.valid_from: each for each in held} for code, held in layer.items()
    }
    written = [step for step in steps if step.act == "write"]
    for step in written:
        wanted.setdefault(step.code, {})[step.day] = Over(step.day, 0, step.after, "file")
    lookup = _Laid(national, {code: tuple(held[day] for day in sorted(held)) for code, held in wanted.items()})
    for step in written:
        if step.after == NOTHING:
            continue
        on = max(step.day, date(1990, 1, 1))
        below = in_force(national.get(step.code, ()) or national.get(national_code(step.code) or "", ()), on)
        try:
            check_fits(lookup, step.code, step.after, below.procedure if below else None, on)
        except OverrideRefused as refused:
            raise ConfigurationError(f"{path}: {refused.detail}") from None


async def _write(session: AsyncSession, tenant_id: UUID, steps: Sequence[Step], actor: str) -> None:
    """One version a step; several of one code are numbered one after another."""
    rounds: list[dict[str, Write]] = []
    for step in steps:
        write = Write(
            outcome="changed", code=step.code, name=step.code, patch=step.after,
            valid_from=None if step.day == ALWAYS else step.day,
        )  # fmt: skip
        free = next((each for each in rounds if step.code not in each), None)
        if free is None:
            rounds.append(free := {})
        free[step.code] = write
    for each in rounds:
        await write_overrides(session, tenant_id, list(each.values()), origin="file", actor=actor)


async def export(session: AsyncSession, tenant_id: UUID, path: Path) -> str | None:
    """The file with the versions of the database; those that stand in the file alone, not applied yet, stay there."""
    entries = _sound(path)
    layer = await read_layer(session, tenant_id)
    merged: list[Entry] = []
    for code in sorted({*layer, *(entry.code for entry in entries)}):
        merged += _merged(code, [entry for entry in entries if entry.code == code], layer.get(code, ()))
    key = [(each.code, each.valid_from or ALWAYS, each.patch) for each in merged]
    if sorted(key, key=lambda each: each[:2]) == sorted(
        ((each.code, each.valid_from or ALWAYS, each.patch) for each in entries), key=lambda each: each[:2]
    ):
        return None
    return layer_text(merged, path.parent.name)


def _merged(code: str, entries: Sequence[Entry], versions: Versions) -> list[Entry]:
    """One code's versions after an export."""
    own = [each for each in versions if each.origin != "import"]
    while own and own[0].patch == NOTHING:  # nothing was said before, so nothing ends
        own.pop(0)
    days = {each.valid_from for each in own}
    undated = next((entry for entry in entries if entry.valid_from is None), None)
    # An entry without a day goes on without one while it is all there is to say.
    dayless = len(own) == 1 and undated is not None and own[0].patch == undated.patch
    merged = [
        Entry(code, None if dayless or each.valid_from == ALWAYS else each.valid_from, each.patch) for each in own
    ]
    waiting = [entry for entry in entries if entry.valid_from not in days and entry.valid_from is not None]
    if undated and not versions:
        waiting.append(undated)
    return [*merged, *waiting]


PROCEDURES = Part(name="procedures", file=FILE, bring=bring, export=export)
