"""A merger that was cut off, brought to its end by the same command: what the audit trail says was begun, against what the files say.

The tenants' rows are written before the files. Whatever was cut off after that is seen from OLD's trail; the day of the merger is the
one that was begun with, also when the command is repeated on a later day.
"""

from datetime import date
from pathlib import Path
from typing import Literal

import msgspec
from sqlalchemy import select

from govchat.audit.models import AuditEntryRow
from govchat.db.session import Database
from govchat.kit.ids import tenant_id_for
from govchat.tenants.manifest import read_one
from govchat.tenants.merge import ACT, CLOSED_FOLDER, MergeRefused, put_away
from govchat.tenants.models import TenantRecord
from govchat.tenants.schema import MANIFEST_FILE

Left = Literal["all", "folder", "nothing"]


class Begun(msgspec.Struct, frozen=True):
    """A merger of OLD that was begun: into which tenant, from which day on, and what is left of it.

    `all` of the files; the `folder` of OLD, which stands in its old place; `nothing`.
    """

    into: str
    on: date
    left: Left


async def begun(db: Database, folder: Path, old: str, new: str) -> Begun | None:
    """The merger of `old` that was begun, None when there is none. Raises `MergeRefused` for one into another tenant than `new`."""
    tenant_id = tenant_id_for(old)
    async with db.tenant(tenant_id) as session:
        row = await session.get(TenantRecord, tenant_id)
        entry = await session.scalar(
            select(AuditEntryRow)
            .where(AuditEntryRow.tenant_id == tenant_id, AuditEntryRow.act == ACT)
            .where(AuditEntryRow.subject.startswith(f"{old} → ", autoescape=True))
            .order_by(AuditEntryRow.number.desc())
            .limit(1)
        )
    after = (entry.after if entry else None) or {}
    if row is None or row.state != "closed" or entry is None or "merged_on" not in after:
        return None
    into = entry.subject.partition(" → ")[2]
    if into != new:
        raise MergeRefused(f'"{old}" was merged into "{into}" already: name that one to finish it')
    on = date.fromisoformat(after["merged_on"])
    return Begun(into, on, _left(folder, old, new, on))


def _left(folder: Path, old: str, new: str, on: date) -> Left:
    if not (folder / old).exists():
        return "nothing" if (folder / CLOSED_FOLDER / old).exists() else "all"
    successor, closing = (read_one(folder / slug / MANIFEST_FILE).manifests for slug in (new, old))
    if not successor or not closing:
        return "all"
    taken = {code.code for code in successor[0].h_codes if code.kind == "absorbed" and code.valid_from == on}
    passing = {code.code for code in closing[0].h_codes if code.holds_on(on)}
    return "folder" if passing and passing <= taken else "all"


def finish(folder: Path, old: str) -> None:
    """Put OLD's folder away, which is all that was left. Raises `MergeRefused`."""
    put_away(folder, old)
