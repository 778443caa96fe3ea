"""Valid rows for any table, made from its definition alone: types, CHECK constraints and foreign keys say what fits.

A table whose rows can't be guessed fails with the name of the column to add to `SAMPLES`.
"""

import itertools
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.db.tables import metadata
from govchat.kit.ids import new_id

Values = dict[str, Any]

# "table.column": a value that neither type nor CHECK constraint tells. Called where each row needs one of its own.
SAMPLES: dict[str, Any] = {
    "outbox_messages.body_sealed": b"sealed",
    "outbox_messages.dedupe_key": lambda: str(new_id()),
}

# A foreign key may stand on a column that PostgreSQL computes: the column that is written for it.
WRITTEN = {"outbox_messages.own_citizen_id": "citizen_id"}

TENANT_TABLES = [table for table in metadata().sorted_tables if "tenant_id" in table.c]
BY_NAME = {table.name: table for table in TENANT_TABLES}
_numbers = itertools.count(1)


def to_other_tables(table: sa.Table) -> list[sa.ForeignKeyConstraint]:
    """The foreign keys that lead to a tenant table, in one order everywhere."""
    keys = [key for key in table.foreign_key_constraints if key.referred_table.name in BY_NAME]
    return sorted(keys, key=lambda key: str(key.name))


def pointing(key: sa.ForeignKeyConstraint, target: Values) -> Values:
    """The columns of this foreign key, tenant apart, so that they point at `target`."""
    pairs = zip(key.columns, (element.column for element in key.elements), strict=True)
    return {written(column): target[referred.name] for column, referred in pairs if column.name != "tenant_id"}


def written(column: sa.Column[Any]) -> str:
    """The name under which the column's value is given."""
    return WRITTEN.get(f"{column.table.name}.{column.name}", column.name)


def key_of(table: sa.Table, row: Values) -> sa.ColumnElement[bool]:
    """The condition that finds this very row."""
    return sa.and_(*(column == row[column.name] for column in table.primary_key))


async def make(session: AsyncSession, table: sa.Table, tenant_id: UUID, **given: Any) -> Values:
    """Insert a valid row, and rows of this tenant for what it refers to; answers every column as stored."""
    values = await prepare(session, table, tenant_id, **given)
    try:
        stored = (await session.execute(sa.insert(table).values(values).returning(*table.c))).one()
    except DBAPIError as error:
        pytest.fail(
            f'no valid row for table "{table.name}" can be made from its definition ({error.orig}): '
            f'add SAMPLES["{table.name}.<column>"] to tests/db/rows.py'
        )
    return dict(stored._mapping)


async def prepare(session: AsyncSession, table: sa.Table, tenant_id: UUID, **given: Any) -> Values:
    """What `make` would insert; only what the row refers to is inserted."""
    values: Values = {"tenant_id": tenant_id, **given}
    for key in to_other_tables(table):
        needed = [
            column
            for column in key.columns
            if (column.computed or not column.nullable) and written(column) not in values
        ]
        if needed:
            values |= pointing(key, await make(session, key.referred_table, tenant_id))
    for column in table.c:
        named = f"{table.name}.{column.name}"
        if column.name in values:
            continue
        if named in SAMPLES:
            values[column.name] = SAMPLES[named]() if callable(SAMPLES[named]) else SAMPLES[named]
        elif not (column.nullable or column.server_default is not None or column.identity or column.computed):
            values[column.name] = sample(column)
    return values


def sample(column: sa.Column[Any]) -> Any:
    """A value that fits the column, another at every call where the type has room for it."""
    told = _told_by_check(column)
    number = next(_numbers)
    if told is not None:
        return told
    kinds: tuple[tuple[Any, Any], ...] = (
        (sa.Uuid, new_id),
        (JSONB, dict),
        (sa.ARRAY, list),
        (INET, lambda: "192.0.2.1"),
        (sa.Boolean, lambda: False),
        (sa.Integer, lambda: number % 30_000),
        (sa.Numeric, lambda: number),
        (sa.LargeBinary, lambda: number.to_bytes(32)),
        (sa.DateTime, lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)),
        (sa.Date, lambda: date(2026, 1, 1) + timedelta(days=number)),
        (sa.Time, lambda: time(7, 30)),
        (sa.Interval, lambda: timedelta(seconds=number)),
        (sa.String, lambda: f"sample {number}"),
    )
    for kind, value in kinds:
        if isinstance(column.type, kind):
            return value()
    pytest.fail(f'no sample for {column.type!r}: add SAMPLES["{column.table.name}.{column.name}"] to tests/db/rows.py')


def _told_by_check(column: sa.Column[Any]) -> Any:
    """What `column IN ('a', …)`, `column BETWEEN 1 AND …` or `column >= 1` allows."""
    for check in column.table.constraints:
        if not isinstance(check, sa.CheckConstraint):
            continue
        written = str(check.sqltext)
        if found := re.search(rf"\b{column.name} IN \('([^']*)'", written):
            return found[1]
        if found := re.search(rf"\b{column.name} (?:BETWEEN|>=|=) (-?\d+)", written):
            return int(found[1])
    return None
