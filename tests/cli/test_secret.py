"""`govchat secret set`: the value reaches its sealed column and nothing else."""

import asyncio
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from tests.cli.conftest import environ_of

from govchat.db.session import Database
from govchat.kit import clock
from govchat.kit.ids import new_id
from govchat.settings import Settings
from govchat.tenants.models import OaCredentialRow
from govchat.tenants.registry import Registry
from govchat.tenants.tokens import token_context

VALUE = "Vr7kQ2-very_hidden.9"


@pytest.fixture
async def house(own_settings: Settings):
    """The registry as a running process holds it."""
    db = Database.connect(own_settings.database_url, part="test")
    registry = Registry(db, own_settings)
    await registry.load()
    yield registry
    await db.close()


async def credential(registry: Registry, slug: str) -> OaCredentialRow:
    tenant = registry.by_slug(slug)
    async with registry.db.tenant(tenant.id) as session:
        return await session.get_one(OaCredentialRow, (tenant.id, tenant.oa_id))


@pytest.mark.parametrize("name", ["app-secret", "oa-secret"])
async def test_a_running_process_uses_the_new_secret_of_an_app(cli, house, name):
    said = await cli("secret", "set", "dong-nai", name, given=f"{VALUE}\n")
    assert said.status == 0, said.everything
    assert VALUE not in said.everything
    await house.load()
    assert getattr(house.by_slug("dong-nai").app, name.replace("-", "_")) == VALUE
    assert getattr(house.by_slug("hue").app, name.replace("-", "_")) != VALUE


async def test_a_new_refresh_token_makes_the_credential_usable_again(cli, house):
    tenant = house.by_slug("dong-nai")
    vault = await house.tenant_vault(tenant.id)
    async with house.db.tenant(tenant.id) as session:
        row = await session.get_one(OaCredentialRow, (tenant.id, tenant.oa_id))
        row.state, row.refusal = "needs_reconsent", "Zalo said no"
        row.access_token_sealed = vault.seal(b"old access", token_context(tenant.oa_id, "access_token"))
        row.access_expires_at = row.refresh_claimed_until = clock.now() + timedelta(hours=1)
        row.refresh_claimed_by = new_id()
    said = await cli("secret", "set", "dong-nai", "refresh-token", given=VALUE)
    assert said.status == 0, said.everything
    assert VALUE not in said.everything
    row = await credential(house, "dong-nai")
    assert vault.open(row.refresh_token_sealed, token_context(tenant.oa_id, "refresh_token")).decode() == VALUE
    assert (row.state, row.refusal, row.access_token_sealed, row.access_expires_at) == ("ok", None, None, None)
    assert (row.refresh_claimed_until, row.refresh_claimed_by) == (None, None)
    assert b"dev-refresh:" in vault.open(row.previous_sealed, token_context(tenant.oa_id, "previous"))
    assert (await cli("tenant", "show", "dong-nai", "--json")).json["credential_state"] == "ok"


async def test_applying_the_manifest_keeps_a_secret_that_was_set(cli, house):
    for name in ("app-secret", "refresh-token"):
        await cli("secret", "set", "dong-nai", name, given=VALUE)
    assert (await cli("tenant", "apply")).status == 0
    await house.load()
    tenant = house.by_slug("dong-nai")
    assert tenant.app.app_secret == VALUE
    vault, row = await house.tenant_vault(tenant.id), await credential(house, "dong-nai")
    assert vault.open(row.refresh_token_sealed, token_context(tenant.oa_id, "refresh_token")).decode() == VALUE


async def test_what_no_secret_looks_like_is_refused_unsaid(cli, house):
    before = house.by_slug("dong-nai").app.app_secret
    for given, reason in (
        ("", "trống"),
        (" \r\n", "trống"),
        ("hidden value", "có khoảng trắng"),
        ("hidden\nvalue", "có khoảng trắng"),
        ("hiddén", "có khoảng trắng"),
        ("hidden" * 1000, "ký tự, tối đa"),
        (b"hidden\xff", "không phải chữ UTF-8"),
    ):
        said = await cli("secret", "set", "dong-nai", "app-secret", given=given)
        assert said.status == 1
        assert reason in said.refusal
        assert "hidd" not in said.everything
    await house.load()
    assert house.by_slug("dong-nai").app.app_secret == before


async def test_an_unknown_name_or_tenant_is_refused(cli):
    said = await cli("secret", "set", "dong-nai", "password", given=VALUE)
    assert said.status == 2
    assert "refresh-token" in said.err
    said = await cli("secret", "set", "nowhere", "app-secret", given=VALUE)
    assert said.status == 1
    assert 'đơn vị "nowhere"' in said.refusal
    assert VALUE not in said.everything


async def test_another_master_key_than_the_databases_seals_nothing(cli):
    said = await cli("secret", "set", "dong-nai", "app-secret", given=VALUE, GOVCHAT_MASTER_KEYS="another")
    assert said.status == 1
    assert "GOVCHAT_MASTER_KEYS" in said.refusal


def typed(words: list[str], environ: dict[str, str], prompt: bytes, answer: str) -> tuple[int, bytes, bytes]:
    """Run `words` at a terminal of its own and type `answer` after `prompt`: exit status, what was shown up to it, and after."""
    terminal = f"import pty, os, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn({words!r})))"
    with subprocess.Popen(
        [sys.executable, "-c", terminal], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ
    ) as child:
        shown = b""
        while not shown.endswith(prompt):
            byte = child.stdout.read(1)
            assert byte, shown
            shown += byte
        rest, _ = child.communicate(f"{answer}\n".encode(), timeout=60)
    return child.returncode, shown, rest


async def test_what_is_typed_at_a_terminal_is_not_shown(house, own_settings):
    words = [sys.executable, "-m", "govchat", "secret", "set", "dong-nai", "app-secret"]
    environ = {**os.environ, **environ_of(own_settings), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    status, shown, rest = await asyncio.to_thread(
        typed, words, environ, "app-secret của dong-nai (không hiện khi gõ): ".encode(), VALUE
    )
    assert status == 0, rest
    assert "dong-nai: đã nạp app-secret" in rest.decode()
    assert VALUE.encode() not in shown + rest
    await house.load()
    assert house.by_slug("dong-nai").app.app_secret == VALUE
