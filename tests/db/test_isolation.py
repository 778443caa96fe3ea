"""Province A's session can't read, change, delete or point at province B's rows, in any table: generated from the schema.

Everything is committed, each act in a transaction of its own, as the application role. A new table is covered without a line here.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from tests.db.clones import clone
from tests.db.rows import BY_NAME, TENANT_TABLES, Values, key_of, make, pointing, prepare, to_other_tables
from tests.stack import Services

from govchat.db.session import Database
from govchat.db.tables import metadata
from govchat.kit import clock
from govchat.kit.ids import new_id
from govchat.outbox.claim import CLAIM_BULK
from govchat.settings import Settings

# Tables that belong to no province, each with its reason. Everything else needs `tenant_id`.
REGISTRY = {
    "tenants": "answers which province a webhook or key belongs to",
    "zalo_apps": "shared by provinces, read before any of them is known",
    "national_imports": "who wrote the national catalogue; the application role may read it, the owner alone writes",
    "national_procedures": "the law's own procedures, shared by all provinces; the owner alone writes",
    "rate_promises": "limits of Zalo's: an app's is shared by provinces, and nobody's data stands there",
    "rate_slots": "as rate_promises",
    "unrouted_events": "events that name no Official Account",
    "zalo_verifiers": "files at the root of our address, read by Zalo before it knows any province",
}


@dataclass
class World:
    """Two provinces with a row in every table."""

    db: Database
    a: UUID
    b: UUID
    rows_of_a: dict[str, Values]
    rows_of_b: dict[str, Values]


@pytest.fixture(scope="module")
async def world(services: Services, settings: Settings) -> AsyncIterator[World]:
    """On a database of this module's own; both provinces are new and have nothing but these rows."""
    own = await clone(services, settings)
    db = Database.connect(own.app_url, part="test", pool_size=4)
    tenants = [new_id(), new_id()]
    async with db.registry() as session:
        for number, tenant_id in enumerate(tenants):
            await session.execute(
                sa.text(
                    "INSERT INTO tenants (id, slug, key_tag, full_name, state, app_id, oa_id, manifest)"
                    " SELECT :id, :name, :name, :name, 'live', app_id, :name, '{}' FROM zalo_apps LIMIT 1"
                ),
                {"id": tenant_id, "name": f"isolated-{number}"},
            )
    made: list[dict[str, Values]] = []
    for tenant_id in tenants:
        async with db.tenant(tenant_id) as session:
            made.append({table.name: await make(session, table, tenant_id) for table in _once_each(TENANT_TABLES)})
    yield World(db, tenants[0], tenants[1], made[0], made[1])
    await db.close()


def _once_each(tables: list[sa.Table]) -> list[sa.Table]:
    # A table with one row per province (its key is the tenant alone) comes before those that may need that row.
    return sorted(tables, key=lambda table: len(table.primary_key.columns) > 1)


every_table = pytest.mark.parametrize("table", TENANT_TABLES, ids=lambda table: table.name)
every_pointer = pytest.mark.parametrize(
    ("table", "key"),
    [(table, key) for table in TENANT_TABLES for key in to_other_tables(table)],
    ids=lambda part: part.name,
)


async def refusal(session: AsyncSession, statement: sa.Executable) -> str:
    """The SQLSTATE with which PostgreSQL refuses, empty when it doesn't; the transaction goes on."""
    try:
        async with session.begin_nested():
            await session.execute(statement)
    except DBAPIError as error:
        return str(getattr(error.orig, "sqlstate", "?"))
    return ""


DENIED, NO_TARGET = "42501", "23503"


async def untouched(world: World, table: sa.Table) -> None:
    """B's row is what it was."""
    row = world.rows_of_b[table.name]
    async with world.db.tenant(world.b) as session:
        stored = (await session.execute(sa.select(table).where(key_of(table, row)))).one()
    assert dict(stored._mapping) == row


def test_every_table_belongs_to_a_province_or_says_why_not() -> None:
    without = {table.name for table in metadata().sorted_tables} - BY_NAME.keys()
    assert without == REGISTRY.keys(), (
        "a table without tenant_id is open to every province: derive it from TenantRow, or add it to REGISTRY with the reason"
    )


@every_table
async def test_another_provinces_rows_can_not_be_read(world: World, table: sa.Table) -> None:
    row = world.rows_of_b[table.name]
    async with world.db.tenant(world.a) as session:
        assert (await session.execute(sa.select(table).where(key_of(table, row)))).all() == []
        seen = set(await session.scalars(sa.select(table.c.tenant_id)))
        assert seen == {world.a}
        for column in table.c:
            if row[column.name] is not None and column.name != "tenant_id" and not isinstance(column.type, sa.JSON):
                same = sa.select(sa.func.count()).where(column == row[column.name], table.c.tenant_id != world.a)
                assert await session.scalar(same) == 0, f"found by {column.name}"
    async with world.db.tenant(world.b) as session:
        assert set(await session.scalars(sa.select(table.c.tenant_id))) == {world.b}


@every_table
async def test_another_provinces_rows_can_not_be_changed_or_deleted(world: World, table: sa.Table) -> None:
    row = world.rows_of_b[table.name]
    column = list(table.c)[-1]
    async with world.db.tenant(world.a) as session:
        acts = {
            "update": sa.update(table).where(key_of(table, row)).values({column.name: row[column.name]}),
            "delete": sa.delete(table).where(key_of(table, row)),
            "delete by tenant": sa.delete(table).where(table.c.tenant_id == world.b),
            "update of all": sa.update(table)
            .where(table.c.tenant_id != world.a)
            .values({column.name: row[column.name]}),
        }
        for name, act in acts.items():
            if await refusal(session, act) == "":
                assert (await session.execute(act)).rowcount == 0, name
            else:
                assert await refusal(session, act) == DENIED, name
    await untouched(world, table)


@every_table
async def test_a_row_can_not_be_put_into_another_province(world: World, table: sa.Table) -> None:
    row = world.rows_of_b[table.name]
    async with world.db.tenant(world.b) as session:
        fresh = await prepare(session, table, world.b)
    async with world.db.tenant(world.a) as session:
        assert await refusal(session, sa.insert(table).values(fresh)) == DENIED
        generated = {column.name for column in table.c if column.identity or column.computed}
        copy = {name: value for name, value in row.items() if name not in generated}
        assert await refusal(session, sa.insert(table).values(copy)) == DENIED, "not even told that the row exists"
    await untouched(world, table)


@every_table
async def test_a_row_can_not_be_moved_to_another_province(world: World, table: sa.Table) -> None:
    row = world.rows_of_a[table.name]
    async with world.db.tenant(world.a) as session:
        assert await refusal(session, sa.update(table).where(key_of(table, row)).values(tenant_id=world.b)) == DENIED
    await untouched(world, table)


@every_pointer
async def test_a_row_can_not_point_at_another_provinces_row(
    world: World, table: sa.Table, key: sa.ForeignKeyConstraint
) -> None:
    target = world.rows_of_b[key.referred_table.name]
    async with world.db.tenant(world.a) as session:
        wrong = await prepare(session, table, world.a) | pointing(key, target)
        assert await refusal(session, sa.insert(table).values(wrong)) == NO_TARGET
        row = world.rows_of_a[table.name]
        moved = sa.update(table).where(key_of(table, row)).values(pointing(key, target))
        assert await refusal(session, moved) in (NO_TARGET, DENIED)
        own = await make(session, key.referred_table, world.a)
        await make(session, table, world.a, **pointing(key, own))
    await untouched(world, table)


async def test_a_recipient_that_names_another_provinces_citizen_is_never_told(world: World) -> None:
    """Recipients of campaigns carry no foreign key to their citizen (docs/adr/0002): who is claimed has to be read in the province."""
    citizens, bodies, messages = (BY_NAME[name] for name in ("citizens", "outbox_bodies", "outbox_messages"))
    now = clock.now()
    async with world.db.tenant(world.b) as session:
        theirs = await make(session, citizens, world.b, follows=True, last_interaction_at=now)
    async with world.db.tenant(world.a) as session:
        own = await make(session, citizens, world.a, follows=True, last_interaction_at=now)
        body = await make(session, bodies, world.a, is_open=True, by_cs=True)
        for citizen in (theirs["id"], own["id"]):
            await make(
                session, messages, world.a,
                citizen_id=citizen, body_ref=body["id"], body_sealed=None, dedupe_key=None, lane=3, due_at=now,
            )  # fmt: skip
    claimed = await world.db.rows(CLAIM_BULK, new_id(), now, [world.a, world.b], [9, 9], [9, 9])
    assert [(row["tenant_id"], row["citizen_id"]) for row in claimed if row["body_ref"]] == [(world.a, own["id"])]


@every_table
async def test_without_a_province_nothing_is_seen_and_nothing_written(world: World, table: sa.Table) -> None:
    row = world.rows_of_a[table.name]
    async with world.db.tenant(world.a) as session:
        fresh = await prepare(session, table, world.a)
    async with world.db.registry() as session:
        assert await session.scalar(sa.select(sa.func.count()).select_from(table)) == 0
        assert await refusal(session, sa.insert(table).values(fresh)) == DENIED
        for act in (sa.update(table).values({list(table.c)[-1].name: row[list(table.c)[-1].name]}), sa.delete(table)):
            told = await refusal(session, act)
            assert told == DENIED or (await session.execute(act)).rowcount == 0
    await untouched(world, table)


@every_table
async def test_a_connection_that_was_never_bound_or_bound_to_nonsense_sees_nothing(
    world: World, table: sa.Table
) -> None:
    count = sa.select(sa.func.count()).select_from(table)
    async with world.db.engine.connect() as connection:
        assert await connection.scalar(count) == 0
    bind = sa.text("SELECT set_config('govchat.tenant_id', :it, true)")
    plain = create_async_engine(world.db.engine.url, poolclass=sa.NullPool)
    for nobody in (str(new_id()), ""):
        async with plain.connect() as connection:
            await connection.execute(bind, {"it": nobody})
            assert await connection.scalar(count) == 0
    for nonsense in ("null", "' OR true --"):
        async with plain.connect() as connection:
            await connection.execute(bind, {"it": nonsense})
            with pytest.raises(DBAPIError, match="invalid input syntax for type uuid"):
                await connection.scalar(count)
    await plain.dispose()


async def test_a_pooled_connection_carries_no_province_over(world: World) -> None:
    """Neither after a commit, nor after a rollback, nor after an error."""
    db = Database.connect(world.db.engine.url.render_as_string(hide_password=False), part="test", pool_size=1)
    count = sa.select(sa.func.count()).select_from(BY_NAME["citizens"])
    try:
        async with db.tenant(world.a) as session:
            assert await session.scalar(count)
        async with db.engine.connect() as connection:
            assert await connection.scalar(count) == 0
        with suppress(ZeroDivisionError):
            async with db.tenant(world.a) as session:
                assert await session.scalar(count)
                raise ZeroDivisionError
        async with db.engine.connect() as connection:
            assert await connection.scalar(count) == 0
        with suppress(IntegrityError):
            async with db.tenant(world.a) as session:
                await session.execute(sa.insert(BY_NAME["citizens"]).values(world.rows_of_a["citizens"]))
        async with db.registry() as session:
            assert await session.scalar(count) == 0
    finally:
        await db.close()


async def test_a_province_can_be_bound_only_for_the_length_of_its_transaction(world: World) -> None:
    """Two sessions at once on different provinces each see their own."""
    table = BY_NAME["citizens"]
    async with world.db.tenant(world.a) as one, world.db.tenant(world.b) as other:
        assert set(await one.scalars(sa.select(table.c.tenant_id))) == {world.a}
        assert set(await other.scalars(sa.select(table.c.tenant_id))) == {world.b}
        assert set(await one.scalars(sa.select(table.c.tenant_id))) == {world.a}
