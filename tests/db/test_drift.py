"""Migrations and models say the same, and a difference is told by name."""

import subprocess
import sys

import pytest
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from tests.db.clones import clone
from tests.stack import Services

from govchat.db import drift
from govchat.settings import Settings


def test_the_command_finds_no_drift(services: Services) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "govchat.db.drift"],
        env={"PATH": "", "PYTHONPATH": ":".join(sys.path), "GOVCHAT_TEST_DATABASE_URL": services.postgres_url},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("ALTER TABLE citizens DROP COLUMN follows", "the migrations lack: column citizens.follows boolean"),
        ("ALTER TABLE citizens ADD COLUMN age int", "the models lack:     column citizens.age integer"),
        (
            "ALTER TABLE citizens ALTER COLUMN zalo_user_id DROP NOT NULL",
            "the migrations lack: column citizens.zalo_user_id text NOT NULL",
        ),
        (
            "ALTER TABLE outbox_messages ALTER COLUMN state SET DEFAULT 'sent'",
            "the migrations lack: column outbox_messages.state text NOT NULL DEFAULT 'queued'::text",
        ),
        (
            "ALTER TABLE dossiers ALTER COLUMN status TYPE int",
            "the migrations lack: column dossiers.status smallint NOT NULL",
        ),
        (
            "ALTER TABLE dossiers DROP CONSTRAINT ck_dossiers_status",
            "the migrations lack: constraint ck_dossiers_status on dossiers: CHECK (((status >= 1) AND (status <= 10)))",
        ),
        (
            "ALTER TABLE conversations DROP CONSTRAINT fk_conversations_tenant_id_citizen_id_citizens",
            "the migrations lack: constraint fk_conversations_tenant_id_citizen_id_citizens on conversations",
        ),
        ("DROP INDEX ix_outbox_messages_queued", "the migrations lack: index CREATE INDEX ix_outbox_messages_queued"),
        ("CREATE TABLE extra (id int)", "the models lack:     column extra.id integer"),
    ],
)
async def test_a_difference_is_told_by_name(services: Services, settings: Settings, statement: str, told: str) -> None:
    altered = await clone(services, settings)
    await altered.as_admin(statement)
    engine = create_async_engine(make_url(altered.admin_url).set(drivername="postgresql+asyncpg"))
    original = create_async_engine(make_url(settings.database_url).set(drivername="postgresql+asyncpg"))
    try:
        async with engine.connect() as left, original.connect() as right:
            found = drift.differences(await left.run_sync(drift.shape), await right.run_sync(drift.shape))
    finally:
        await engine.dispose()
        await original.dispose()
    assert any(line.startswith(told) for line in found), found
