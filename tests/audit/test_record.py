"""An entry is kept with its act or not at all, writers wait for each other, and the application role can only add."""

import asyncio
from contextlib import suppress

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError

from govchat.audit import queries
from govchat.audit import verify as walk
from govchat.audit.models import AuditEntryRow, AuditHeadRow
from govchat.audit.record import note
from govchat.audit.verify import verify
from govchat.db.session import Database
from govchat.kit.ids import tenant_id_for

CA_MAU = tenant_id_for("ca-mau")


async def noted(db: Database, tenant_id=CA_MAU, **columns) -> None:
    async with db.tenant(tenant_id) as session:
        await note(session, tenant_id, **{"actor": "cli:an", "act": "test.done", "subject": "it", **columns})


async def test_an_entry_tells_who_what_before_and_after(db):
    before, after = {"limit": 100, "names": ("a", "b")}, {"limit": 2000.0, "to": 1e22, "half": 0.5, "odd": "\0 \ud800"}
    await noted(db, subject="zalo", before=before, after=after)
    async with db.tenant(CA_MAU) as session:
        (shown,) = await queries.last(session, CA_MAU, 1)
        assert (shown.actor, shown.act, shown.subject) == ("cli:an", "test.done", "zalo")
        assert shown.before == {"limit": 100, "names": ["a", "b"]}
        assert shown.after == {"limit": 2000, "to": 10**22, "half": 0.5, "odd": "\ufffd ?"}
        assert (await verify(session, CA_MAU)).broken is None


async def test_an_act_that_fails_leaves_no_entry(db):
    async with db.tenant(CA_MAU) as session:
        before = await queries.last(session, CA_MAU, 1)
    with suppress(ZeroDivisionError):
        async with db.tenant(CA_MAU) as session:
            await note(session, CA_MAU, actor="cli:an", act="test.failed", subject="it")
            raise ZeroDivisionError
    async with db.tenant(CA_MAU) as session:
        assert await queries.last(session, CA_MAU, 1) == before


async def test_writers_at_once_make_one_unbroken_chain_per_tenant(db):
    hue = tenant_id_for("hue")
    async with db.tenant(hue) as session:
        start = (await verify(session, hue)).entries
    await asyncio.gather(*(noted(db, each, subject=str(n)) for n in range(12) for each in (CA_MAU, hue)))
    for each in (CA_MAU, hue):
        async with db.tenant(each) as session:
            found = await verify(session, each)
        assert found.broken is None
    async with db.tenant(hue) as session:
        assert (await verify(session, hue)).entries == start + 12
        assert {entry.subject for entry in await queries.last(session, hue, 12)} == {str(n) for n in range(12)}


@pytest.mark.parametrize(
    "act",
    [
        update(AuditEntryRow).values(actor="cli:someone-else"),
        delete(AuditEntryRow),
        delete(AuditHeadRow),
        text("TRUNCATE audit_entries"),
    ],
    ids=["update", "delete", "delete the head", "truncate"],
)
async def test_the_application_role_can_not_change_or_delete_an_entry(db, act):
    await noted(db)
    with pytest.raises(DBAPIError, match="permission denied"):
        async with db.tenant(CA_MAU) as session:
            await session.execute(act)


async def test_an_entry_of_another_province_is_not_seen(db):
    await noted(db, subject="only Cà Mau's")
    async with db.tenant(tenant_id_for("hue")) as session:
        assert not await queries.last(session, CA_MAU, 10)


async def test_a_trail_longer_than_a_page_is_walked_whole(db, monkeypatch):
    monkeypatch.setattr(walk, "PAGE", 4)
    for number in range(10):
        await noted(db, subject=str(number))
    async with db.tenant(CA_MAU) as session:
        found = await verify(session, CA_MAU)
    assert found.broken is None
    assert found.entries >= 10
