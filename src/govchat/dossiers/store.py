"""The statements by which dossiers are written, each for any number of rows.

Order keeps writers from waiting for each other in a circle: who writes many first inserts what is new, then locks what was there, both
by key; who waits while inserting holds nothing that a locker waits for.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.dossiers.advance import State


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A dossier to write: its state and what only the database keeps. `keep_secret` leaves the look-up secret stored."""

    state: State
    private_sealed: bytes
    secret_hash: bytes | None
    phone_index: bytes | None
    keep_secret: bool = False


class EventRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An event to append."""

    dossier_id: UUID
    number: int
    old_status: int | None
    status: int
    sub_status: str | None
    unit: str
    due_at: Any
    changed_at: Any
    flags: frozenset[str]
    told_sealed: bytes


class Found(msgspec.Struct, frozen=True):
    """A dossier that was there, locked until the transaction ends."""

    state: State
    private_sealed: bytes
    phone_index: bytes | None


# Column → type, in one order everywhere. Arrays can't be nested, so that flags travel as one text.
_STATE = {
    "id": "uuid", "code": "text", "code_key": "text", "procedure_code": "text", "status": "smallint", "sub_status": "text",
    "unit": "text", "received_at": "timestamptz", "due_at": "timestamptz", "due_given": "boolean",
    "first_due_at": "timestamptz", "registered_at": "timestamptz", "paused_at": "timestamptz", "finished_at": "timestamptz",
    "overdue_at": "timestamptz", "reappointments": "smallint", "changed_at": "timestamptz", "last_event": "integer",
    "flags": "text", "content_hash": "bytea",
}  # fmt: skip
_SEALED = {"private_sealed": "bytea", "secret_hash": "bytea", "phone_index": "bytea"}
_EVENT = {
    "dossier_id": "uuid", "number": "integer", "old_status": "smallint", "status": "smallint", "sub_status": "text",
    "unit": "text", "due_at": "timestamptz", "changed_at": "timestamptz", "flags": "text", "told_sealed": "bytea",
}  # fmt: skip


def _unnest(columns: dict[str, str]) -> str:
    arrays = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in columns.items())
    return f"unnest({arrays}) AS d({', '.join(columns)})"


def _read(name: str) -> str:
    return "string_to_array(d.flags, ' ')" if name == "flags" else f"d.{name}"


_ALL = {**_STATE, **_SEALED}
_CHANGING = [name for name in _ALL if name not in ("id", "code", "code_key", "secret_hash")]

# Every name and type below is one of the constants above; nothing of a caller is written into a statement.
INSERT = text(
    f"INSERT INTO dossiers (tenant_id, {', '.join(_ALL)}) SELECT :tenant, {', '.join(map(_read, _ALL))} FROM {_unnest(_ALL)}"  # noqa: S608
    " ORDER BY d.code_key ON CONFLICT (tenant_id, code_key) DO NOTHING RETURNING id, code_key"
)
UPDATE = text(
    f"UPDATE dossiers x SET {', '.join(f'{name} = {_read(name)}' for name in _CHANGING)},"  # noqa: S608
    " secret_hash = CASE WHEN d.keep_secret THEN x.secret_hash ELSE d.secret_hash END, updated_at = :now"
    f" FROM {_unnest({**_ALL, 'keep_secret': 'boolean'})} WHERE x.tenant_id = :tenant AND x.id = d.id"
)
APPEND = text(
    f"INSERT INTO dossier_events (tenant_id, {', '.join(_EVENT)})"  # noqa: S608
    f" SELECT :tenant, {', '.join(map(_read, _EVENT))} FROM {_unnest(_EVENT)}"
)
KNOWN = text("SELECT code_key FROM dossiers WHERE tenant_id = :tenant AND code_key = ANY(CAST(:keys AS text[]))")
LOCK = text(
    f"SELECT {', '.join(_STATE)}, private_sealed, phone_index FROM dossiers"  # noqa: S608
    " WHERE tenant_id = :tenant AND code_key = ANY(CAST(:keys AS text[])) ORDER BY code_key FOR NO KEY UPDATE"
)


async def known(session: AsyncSession, tenant_id: UUID, keys: Collection[str]) -> set[str]:
    """Which of these dossiers are there."""
    return set(await session.scalars(KNOWN, {"tenant": tenant_id, "keys": sorted(keys)}))


async def insert(session: AsyncSession, tenant_id: UUID, records: Sequence[Record]) -> set[UUID]:
    """Insert by key; answers the ids of those that were not there, after waiting for others who insert the same."""
    if not records:
        return set()
    rows = await session.execute(INSERT, {"tenant": tenant_id, **_of_records(records)})
    return {row.id for row in rows}


async def lock(session: AsyncSession, tenant_id: UUID, keys: Collection[str]) -> dict[str, Found]:
    """Those that are there, by key, locked in the order of their keys."""
    if not keys:
        return {}
    rows = (await session.execute(LOCK, {"tenant": tenant_id, "keys": sorted(keys)})).mappings()
    return {row["code_key"]: _found(dict(row)) for row in rows}


async def update(session: AsyncSession, tenant_id: UUID, records: Sequence[Record], now: Any) -> None:
    """Write dossiers that are locked."""
    if records:
        keep = [record.keep_secret for record in records]
        await session.execute(UPDATE, {"tenant": tenant_id, "now": now, "keep_secret": keep, **_of_records(records)})


async def append(session: AsyncSession, tenant_id: UUID, events: Sequence[EventRecord]) -> None:
    """Append events."""
    if events:
        arrays = _arrays(_EVENT, events)
        await session.execute(APPEND, {"tenant": tenant_id, **arrays})


def _of_records(records: Sequence[Record]) -> dict[str, list[Any]]:
    return _arrays(_STATE, [record.state for record in records]) | _arrays(_SEALED, records)


def _arrays(columns: Iterable[str], rows: Sequence[Any]) -> dict[str, list[Any]]:
    made = {name: [getattr(row, name) for row in rows] for name in columns}
    if "flags" in made:
        made["flags"] = [" ".join(sorted(flags)) for flags in made["flags"]]
    return made


def _found(row: dict[str, Any]) -> Found:
    sealed, phone = row.pop("private_sealed"), row.pop("phone_index")
    return Found(State(**{**row, "flags": frozenset(row["flags"])}), sealed, phone)
