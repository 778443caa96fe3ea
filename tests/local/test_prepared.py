"""A start does what there is to do and nothing else: whatever changed since the last one leads through the whole preparation."""

import asyncio
import io
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest
from tests.conftest import TENANTS

from govchat.kit.ids import tenant_id_for
from govchat.local import prepared, steps
from govchat.local.folder import Secrets

UNCHANGED = "as the last start left them"


class Stage:
    """A data folder, a tenants' folder with two provinces and a database; `start` prepares as `up` has it done."""

    def __init__(self, settings, folder: Path, monkeypatch, capfdbinary) -> None:
        self.owner_url = settings.migration_database_url
        self.tenants, self.data = folder / "tenants", folder / "data"
        self.data.mkdir()
        for slug in ("dong-nai", "ha-noi"):
            shutil.copytree(TENANTS / slug, self.tenants / slug)
        self.patch, self.output = monkeypatch, capfdbinary
        for name, value in {
            "DATABASE_URL": settings.database_url,
            "MIGRATION_DATABASE_URL": settings.migration_database_url,
            "REDIS_URL": settings.redis_url,
            "MASTER_KEYS": "for-tests",
            "TENANTS_DIR": self.tenants,
            "DATA_DIR": self.data,
        }.items():
            monkeypatch.setenv(f"GOVCHAT_{name}", str(value))

    def start(self, *, seed: bool = False, port: int = 0, secrets: Secrets | None = None) -> list[str]:
        """The steps and errors that were told."""
        order = steps.Order(port=port, secrets=secrets, foreign_redis=False, seed=seed)
        self.patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(msgspec.json.encode(order) + b"\n")))
        with suppress(SystemExit):
            steps.main()
        told = [msgspec.json.decode(line, type=steps.Report) for line in self.output.readouterr().out.splitlines()]
        return [report.step or report.error for report in told if report.step or report.error]

    def manifest(self, old: str, new: str) -> None:
        path = self.tenants / "dong-nai" / "tenant.toml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def execute(self, statement: str, *arguments: object, tenant: str = "dong-nai") -> object:
        async def run() -> object:
            connection = await asyncpg.connect(self.owner_url)
            try:
                await connection.execute(f"SELECT set_config('govchat.tenant_id', '{tenant_id_for(tenant)}', false)")
                return await connection.fetchval(statement, *arguments)
            finally:
                await connection.close()

        return asyncio.run(run())


@pytest.fixture
def stage(own_settings, tmp_path, monkeypatch, capfdbinary) -> Stage:
    made = Stage(own_settings, tmp_path, monkeypatch, capfdbinary)
    assert any("migrating" in step for step in made.start())
    return made


def test_a_start_after_which_nothing_changed_has_nothing_to_do(stage):
    (step,) = stage.start()
    assert UNCHANGED in step


def test_a_changed_manifest_is_applied(stage):
    stage.manifest('organisation = "', 'organisation = "Văn phòng ')
    assert any("applying" in step for step in stage.start())
    assert "Văn phòng" in str(stage.execute("SELECT manifest->'contact' FROM tenants WHERE slug = 'dong-nai'"))
    assert UNCHANGED in stage.start()[0]


def test_a_mistake_in_a_manifest_is_told_at_every_start(stage):
    stage.manifest("[zalo]", "[zalo]\noa_idd = 1")
    assert "tenant.toml:" in stage.start()[-1]
    assert "tenant.toml:" in stage.start()[-1]


def test_what_was_changed_in_the_database_is_mended(stage):
    stage.execute("UPDATE tenants SET full_name = 'Nơi khác' WHERE slug = 'dong-nai'")
    assert any("applying" in step for step in stage.start())
    assert "Đồng Nai" in str(stage.execute("SELECT full_name FROM tenants WHERE slug = 'dong-nai'"))


def test_a_consent_that_the_stand_in_for_zalo_forgot_is_given_again(stage):
    stage.execute("UPDATE oa_credentials SET state = 'needs_reconsent' WHERE tenant_id = $1", tenant_id_for("dong-nai"))
    stage.start()
    state = "SELECT state FROM oa_credentials WHERE tenant_id = $1"
    assert stage.execute(state, tenant_id_for("dong-nai")) == "ok"


def test_samples_that_were_not_wanted_before_are_made(stage):
    assert any("seeding" in step for step in stage.start(seed=True))
    assert stage.execute("SELECT count(*) FROM dossiers WHERE tenant_id = $1", tenant_id_for("dong-nai"))


def test_another_revision_is_seen(stage):
    before = asyncio.run(prepared.look(stage.owner_url))
    stage.execute("UPDATE alembic_version SET version_num = '0001'")
    assert asyncio.run(prepared.look(stage.owner_url)) != before


def test_a_database_that_was_never_migrated_is_seen(services):
    assert asyncio.run(prepared.look(services.postgres_url)) == ""


def test_secrets_of_another_database_are_named(stage):
    port = urlsplit(stage.owner_url).port
    assert port is not None
    told = stage.start(port=port, secrets=Secrets("a", "b", "c", "d", "e"))
    assert "secrets.json is not that of the database" in told[-1]


def test_a_program_that_was_touched_prepares_again(own_settings, tmp_path, monkeypatch):
    program = tmp_path / "govchat"
    (program / "db").mkdir(parents=True)
    for path in (program / "__init__.py", program / "db" / "migrations.py"):
        path.write_text("")
    monkeypatch.setattr(prepared.govchat, "__file__", str(program / "__init__.py"))
    before = prepared.inputs(own_settings)
    assert prepared.inputs(own_settings) == before
    os.utime(program / "db" / "migrations.py", ns=(1, 1))
    touched = prepared.inputs(own_settings)
    (program / "db" / "0023.py").write_text("")
    assert len({before, touched, prepared.inputs(own_settings)}) == 3


def test_a_preparation_that_was_broken_off_leaves_no_mark(stage, monkeypatch):
    stage.manifest('organisation = "', 'organisation = "Văn phòng ')
    monkeypatch.setattr(steps.prepared, "keep", lambda *_: sys.exit(1))
    stage.start()
    assert prepared.recall(stage.data) is None
