"""One province taken into another (sáp nhập): its H codes and lineage pass to the successor, and it is closed. One act.

The successor's manifest gains the codes from the day of the merger on, in the file and in the database; the closed tenant keeps its
rows, dossiers and citizens included, readable under its own name. Its folder moves to `_closed/`, where no command looks.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.db.session import Database
from govchat.errors import DomainError
from govchat.kit.ids import tenant_id_for
from govchat.tenants.difference import Change, changes_between
from govchat.tenants.manifest import Manifest, read_one
from govchat.tenants.models import TenantRecord, ZaloAppRow
from govchat.tenants.plan import plain, stored
from govchat.tenants.schema import MANIFEST_FILE, HCode, Predecessor
from govchat.tenants.write import row_text, values_of

CLOSED_FOLDER = "_closed"
ACT = "tenant.merge"


class MergeRefused(DomainError):
    """These two tenants can't be merged as asked."""

    status = 409
    code = "merge_refused"
    title = "The tenants can't be merged"


class Merger(msgspec.Struct, frozen=True, kw_only=True):
    """What merging does: the successor's manifest afterwards, the closed tenant's, and the lines for the successor's file."""

    old: Manifest
    new: Manifest
    old_after: Manifest
    new_after: Manifest
    lines: str
    on: date

    @property
    def changes(self) -> tuple[Change, ...]:
        """Field by field, the closed tenant's after the successor's."""
        return (
            *changes_between(plain(self.new), plain(self.new_after), f"{self.new.slug}."),
            *changes_between(plain(self.old), plain(self.old_after), f"{self.old.slug}."),
        )


def plan_merger(old: Manifest, new: Manifest, *, on: date, today: date) -> Merger:
    """Work out the merger of `old` into `new` on day `on`; raises `MergeRefused`. Writes nothing."""
    if old.slug == new.slug:
        raise MergeRefused(f'"{old.slug}" can\'t be merged into itself: name two tenants')
    if on > today:
        raise MergeRefused(f"{on} lies ahead: run this on the day of the merger or later, OLD is closed at once")
    passing = [code for code in old.h_codes if code.holds_on(on)]
    if not passing:
        raise MergeRefused(f'"{old.slug}" answers for no H code on {on}: look at h_codes in its manifest')
    late = [code.code for code in passing if code.valid_from is not None and code.valid_from >= on]
    if late:
        raise MergeRefused(f'"{old.slug}" answers for {late[0]} only since {on} or later: choose a later day with --on')
    taken = {code.code for code in new.h_codes if (code.valid_to or date.max) >= on}
    if both := sorted(taken & {code.code for code in passing}):
        raise MergeRefused(f'"{new.slug}" answers for {", ".join(both)} already: was this merger done before?')
    codes = tuple(
        HCode(
            code=code.code,
            of=code.of,
            legacy_slug=code.legacy_slug,
            kind="absorbed",
            valid_from=on,
            valid_to=code.valid_to,
            confidence=code.confidence,
        )
        for code in passing
    )
    known = {each.slug for each in new.lineage.predecessors}
    own = old.lineage.predecessors
    if old.slug not in {each.slug for each in own}:
        own = (Predecessor(slug=old.slug, name=old.name, gso_code=old.official_code), *own)
    gained = tuple(each for each in own if each.slug not in known)
    lineage = msgspec.structs.replace(new.lineage, predecessors=(*new.lineage.predecessors, *gained))
    ended = tuple(
        msgspec.structs.replace(code, valid_to=on - timedelta(days=1)) if code in passing else code
        for code in old.h_codes
    )
    new_after = msgspec.structs.replace(new, h_codes=(*new.h_codes, *codes), lineage=lineage)
    values = values_of(new_after)
    rows = [
        *(row_text("lineage.predecessors", row) for row in _last(values["lineage"]["predecessors"], len(gained))),
        *(row_text("h_codes", row) for row in _last(values["h_codes"], len(codes))),
    ]
    head = f"# Tiếp nhận {old.full_name} từ ngày {on:%d/%m/%Y}."
    return Merger(
        old=old,
        new=new,
        old_after=msgspec.structs.replace(old, h_codes=ended),
        new_after=new_after,
        lines="\n\n".join([f"{head}\n{rows[0]}", *rows[1:]]) + "\n",
        on=on,
    )


def _last(rows: Sequence[Any], count: int) -> Sequence[Any]:
    return rows[len(rows) - count :]


async def merge(db: Database, folder: Path, merger: Merger, *, actor: str) -> None:
    """Carry the merger out in the database and in the files below `folder`. Raises `MergeRefused`; nothing is half done then.

    The two tenants are written in two transactions that end together, OLD's first, after the successor's new file has been written
    beside the present one and read again. What is cut off after that is finished by doing it again (`finish_merge`).
    """
    file = folder / merger.new.slug / MANIFEST_FILE
    fresh = _fresh_file(folder, merger)
    try:
        old_id, new_id = tenant_id_for(merger.old.slug), tenant_id_for(merger.new.slug)
        async with db.tenant(new_id) as of_new, db.tenant(old_id) as of_old:
            successor = await _locked(of_new, merger.new, merger.new_after)
            closing = await _locked(of_old, merger.old, merger.old_after)
            if successor.state == "closed":
                raise MergeRefused(f'"{merger.new.slug}" is closed: a closed tenant takes nobody in')
            for session, row, after in ((of_new, successor, merger.new_after), (of_old, closing, merger.old_after)):
                await _pass_on(session, row, after, merger, actor)
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)
    put_away(folder, merger.old.slug)


def _fresh_file(folder: Path, merger: Merger) -> Path:
    """The successor's file with the new lines, beside the present one; read again, it must say what the merger means."""
    home = folder / merger.new.slug
    beside = home / f".{MANIFEST_FILE}.new"
    if (folder / CLOSED_FOLDER / merger.old.slug).exists():
        raise MergeRefused(f"{folder / CLOSED_FOLDER / merger.old.slug} is there already: move it away first")
    try:
        present = (home / MANIFEST_FILE).read_text(encoding="utf-8")
        beside.write_text(f"{present.rstrip()}\n\n{merger.lines}", encoding="utf-8", newline="\n")
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise MergeRefused(f"{error.filename}: {error.strerror}; nothing was merged") from None
    book = read_one(beside)
    if not book.manifests or book.manifests[0] != merger.new_after:
        beside.unlink(missing_ok=True)
        raise MergeRefused(
            f"{home / MANIFEST_FILE} is written in a way that new tables can't be added below it (lists in one line?): "
            "write lineage.predecessors and h_codes as [[tables]], then again"
        )
    return beside


async def _locked(session: AsyncSession, manifest: Manifest, after: Manifest) -> TenantRecord:
    """The tenant's row; what it follows must be the file, or already the outcome of a merger that was cut off."""
    row = await session.get(TenantRecord, tenant_id_for(manifest.slug), with_for_update=True)
    if row is None:
        raise MergeRefused(f'"{manifest.slug}" is not in the database: govchat tenant apply {manifest.slug}')
    app = await session.get(ZaloAppRow, row.app_id)
    held = stored(row, app)
    if changes_between(held, plain(manifest)) and changes_between(held, plain(after)):
        raise MergeRefused(
            f'the file of "{manifest.slug}" says what was not applied yet: govchat tenant apply {manifest.slug}'
        )
    return row


async def _pass_on(session: AsyncSession, row: TenantRecord, after: Manifest, merger: Merger, actor: str) -> None:
    """Write one of the two and note it, unless a merger that was cut off has done so."""
    closing = after.slug == merger.old.slug
    if row.manifest == plain(after) and (row.state == "closed") == closing:
        return
    mine = [change for change in merger.changes if change.field.startswith(f"{after.slug}.")]
    before = {change.field: change.before for change in mine}
    told = {change.field: change.after for change in mine} | {"merged_on": merger.on.isoformat()}
    if closing:
        before["state"], told["state"] = row.state, "closed"
        row.state = "closed"
    row.manifest = plain(after)
    row.updated_at = await session.scalar(select(func.clock_timestamp())) or row.updated_at
    await session.flush()
    subject = f"{merger.old.slug} → {merger.new.slug}"
    await note(session, row.id, actor=actor, act=ACT, subject=subject, before=before, after=told)


def put_away(folder: Path, slug: str) -> None:
    """Move the folder of the closed tenant to where no command looks. Raises `MergeRefused`."""
    try:
        (folder / CLOSED_FOLDER).mkdir(exist_ok=True)
        (folder / slug).rename(folder / CLOSED_FOLDER / slug)
    except OSError as error:
        raise MergeRefused(
            f"{folder / slug} can't be moved to {folder / CLOSED_FOLDER}: {error.strerror}; make room, then give the command again"
        ) from None
