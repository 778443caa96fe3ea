"""Transactions end, whatever becomes of the process that began them."""

import pytest
from sqlalchemy import text

from govchat.db.away import ANY_FAILURE
from govchat.db.session import SILENT_PEER, Database
from govchat.settings import Settings

LOCK = text("SELECT pg_advisory_xact_lock(4711)")


async def falls_silent(silent: Database, other: Database) -> None:
    """One locks something and does no more until the other has it."""
    async with silent.registry() as session:
        await session.execute(LOCK)
        async with other.registry() as waiting:
            await waiting.execute(LOCK)


async def test_what_a_silent_process_has_locked_is_free_when_its_transaction_has_lasted_long_enough(
    own_settings: Settings,
) -> None:
    silent = Database.connect(own_settings.database_url, part="test", pool_size=1, transaction_timeout_ms=300)
    other = Database.connect(own_settings.database_url, part="test", pool_size=1, statement_timeout_ms=10_000)
    try:
        with pytest.raises(ANY_FAILURE):  # it was ended meanwhile
            await falls_silent(silent, other)
        async with silent.registry() as session:
            assert await session.scalar(text("SELECT 1")) == 1, "the next transaction has a connection of its own"
    finally:
        await silent.close()
        await other.close()


async def test_the_server_gives_up_machines_that_acknowledge_nothing(own_settings: Settings) -> None:
    db = Database.connect(own_settings.database_url, part="test", pool_size=1)
    try:
        async with db.registry() as session:
            kept = {name: await session.scalar(text(f"SHOW {name}")) for name in SILENT_PEER}
    finally:
        await db.close()
    assert kept == SILENT_PEER
