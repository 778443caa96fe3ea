"""A folder with one province, and a way to rehearse a part of its story on the tests' own PostgreSQL."""

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from tests.conftest import TENANTS, plain
from tests.stack import Services

from govchat.rehearsal.cast import SMALL
from govchat.rehearsal.rehearse import ACTS, Act, rehearse
from govchat.rehearsal.report import Report
from govchat.rehearsal.scratch import PREFIX
from govchat.settings import Settings
from govchat.tenants.manifest import read_one

Rehearse = Callable[..., Awaitable[Report]]
BY_KEY = {act.key: act for act in ACTS}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """`tenants/` with Cao Bằng alone."""
    shutil.copytree(TENANTS / "cao-bang", tmp_path / "tenants" / "cao-bang")
    return tmp_path / "tenants"


@pytest.fixture
def servers(services: Services, settings: Settings, folder: Path) -> Settings:
    """Settings that name servers on which a database may be made."""
    return plain(settings, migration_database_url=services.postgres_url, tenants_dir=folder)


@pytest.fixture
def play(servers: Settings, folder: Path, tmp_path: Path) -> Rehearse:
    """`await play("connect", "follow")`: these acts, small."""

    async def run(*acts: str | Act) -> Report:
        manifest = read_one(folder / "cao-bang").of("cao-bang")
        assert manifest is not None
        return await rehearse(
            servers,
            manifest,
            data_dir=tmp_path / "nothing",
            log_file=tmp_path / "rehearsal.log",
            say=lambda _: None,
            size=SMALL,
            acts=[BY_KEY[act] if isinstance(act, str) else act for act in acts],
        )

    return run


async def leftovers(services: Services) -> list[str]:
    """Databases of rehearsals that stand on the tests' server."""
    admin = await asyncpg.connect(services.postgres_url)
    try:
        return [
            row["datname"]
            for row in await admin.fetch("SELECT datname FROM pg_database")
            if row["datname"].startswith(PREFIX)
        ]
    finally:
        await admin.close()


async def make_leftover(services: Services, name: str) -> None:
    """What a killed rehearsal leaves behind."""
    admin = await asyncpg.connect(services.postgres_url)
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
