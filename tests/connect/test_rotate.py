"""Master keys change while everything runs, in any number of goes; what stands in another row or environment does not open."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from tests.cli.conftest import run
from tests.conftest import plain
from tests.house import House, open_house
from tests.journeys.stage import eventually, own, post, rows, text_event
from tests.stack import Services

from govchat.connect.destroy import destroy
from govchat.connect.rotate import rotate
from govchat.db.session import Database
from govchat.errors import DomainError
from govchat.inbox.put import Intake
from govchat.kit.crypto import SealBroken, Vault
from govchat.settings import Settings
from govchat.tenants import registry as registry_module
from govchat.tenants.apply import apply
from govchat.tenants.describe import describe
from govchat.tenants.registry import KeyUnreadable, Registry

OLD, NEW = "for-tests", "the-new-key"
PATIENCE_S = 60.0  # nothing here is about speed


@pytest.fixture
async def settings_of_own(services: Services, redis_url: str) -> Settings:
    return await own(services, redis_url, 1)


async def open_registry(settings: Settings) -> Registry:
    registry = Registry(Database.connect(settings.database_url, part="test", pool_size=2), settings)
    await registry.load()
    return registry


@pytest.fixture
async def both(settings_of_own: Settings) -> AsyncIterator[House]:
    """API and worker run with both keys, the new one first."""
    async with open_house(plain(settings_of_own, master_keys=(NEW, OLD))) as house:
        yield house


async def test_rotation_while_api_and_worker_run_leaves_nothing_under_the_old_key(both: House) -> None:
    settings, slug = both.settings, "an-giang"
    tenant = both.registry.by_slug(slug)
    intake = Intake(both.registry.db)
    for number in range(3):
        await intake.put_unrouted(Vault([OLD]), tenant.app.app_id, "odd", b"kept %d" % number)
    speaking = True

    async def speak() -> int:
        said = 0
        while speaking:
            # Somebody else each time: who says more than a dozen things at once is not answered.
            await both.zalo.say(slug, f"rotating-{said}", "xin chào")
            said += 1
            await asyncio.sleep(0.05)  # the machine is the rotation's
        return said

    talk = asyncio.create_task(speak())
    environ = {"GOVCHAT_MASTER_KEYS": f"{NEW},{OLD}"}
    apps, tenants = len(both.registry.now.apps), len(both.registry.now.tenants)
    new, old = Vault([NEW]).key_ids[0], Vault([OLD]).key_ids[0]
    checked = await rotate(both.registry, actor="cli:test", dry=True)
    assert (checked.resealed, checked.under, checked.removable) == ({}, {old: 2 * apps + tenants + 3}, [])
    done = await rotate(both.registry, actor="cli:test")
    assert done.resealed == {"app secrets": 2 * apps, "tenant keys": tenants, "unrouted events": 3}
    assert done.under == {new: 2 * apps + tenants + 3}
    assert done.removable == [old]
    again = await run(settings, "secret", "rotate", **environ)
    assert "nothing had to be sealed anew" in again.out
    assert f"remove {old} from GOVCHAT_MASTER_KEYS" in again.out
    # A new process that has the new key alone opens everything; running ones never noticed.
    alone = await open_registry(plain(settings, master_keys=(NEW,)))
    for each in alone.now.tenants.values():
        await alone.tenant_vault(each.id)
        assert each.app.app_secret == f"dev-app-secret:{each.app.app_id}"
    speaking = False
    last = await talk - 1
    for number in {0, last}:
        assert (await both.zalo.answers(slug, f"rotating-{number}", timeout=PATIENCE_S))[0].text
    async with alone.db.registry() as session:
        found = (await session.execute(text("SELECT id, body_sealed FROM unrouted_events ORDER BY id"))).all()
    assert [alone.vault.open(row.body_sealed, f"unrouted_events.body/{row.id}") for row in found] == [
        b"kept 0", b"kept 1", b"kept 2",
    ]  # fmt: skip
    acts = await rows(both, tenant, "SELECT act FROM audit_entries WHERE tenant_id = :tenant AND act = 'key.rewrapped'")
    assert len(acts) == 1
    await alone.db.close()


async def test_a_rotation_that_was_interrupted_goes_on_and_two_at_once_do_it_once(settings_of_own: Settings) -> None:
    registry = await open_registry(plain(settings_of_own, master_keys=(NEW, OLD)))
    going = asyncio.create_task(rotate(registry, actor="cli:test"))
    new = registry.vault.key_ids[0]

    async def under_new() -> int:
        return sum([registry.vault.is_newest(bytes(row)) for row in await every_sealed(settings_of_own)])

    await eventually(under_new, what="the first value under the new key")
    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going
    half = await under_new()
    total = len(await every_sealed(settings_of_own))
    both_done = await asyncio.gather(rotate(registry, actor="cli:a"), rotate(registry, actor="cli:b"))
    assert sum(sum(done.resealed.values()) for done in both_done) == total - half
    assert await under_new() == total
    assert (await rotate(registry, actor="cli:test")).under == {new: total}
    await registry.db.close()


async def every_sealed(settings: Settings) -> list[bytes]:
    """Every value that stands under a master key, read past the policies' reach as each tenant."""
    connection = await asyncpg.connect(settings.database_url)
    found: list[bytes] = []
    try:
        for app in await connection.fetch("SELECT app_secret_sealed, oa_secret_sealed FROM zalo_apps"):
            found += [bytes(value) for value in app if value is not None]
        for tenant in await connection.fetch("SELECT id FROM tenants"):
            await connection.execute("SELECT set_config('govchat.tenant_id', $1, false)", str(tenant["id"]))
            found += [
                bytes(row["wrapped_key"]) for row in await connection.fetch("SELECT wrapped_key FROM tenant_keys")
            ]
    finally:
        await connection.close()
    return found


async def test_what_no_configured_key_opens_is_named_and_left_alone(settings_of_own: Settings) -> None:
    said = await run(settings_of_own, "secret", "rotate", GOVCHAT_MASTER_KEYS="another")
    assert said.status == 1
    assert "no configured key opens it" in said.err
    assert "tenant_keys.wrapped_key" in said.err
    assert (await run(settings_of_own, "tenant", "list", "--json")).status == 0


async def test_a_ciphertext_moved_to_another_row_or_column_does_not_open(settings_of_own: Settings) -> None:
    registry = await open_registry(settings_of_own)
    mine, other = registry.by_slug("an-giang"), registry.by_slug("ca-mau")
    connection = await asyncpg.connect(settings_of_own.database_url)

    async def of(tenant: Any, column: str) -> bytes:
        await connection.execute("SELECT set_config('govchat.tenant_id', $1, false)", str(tenant.id))
        return bytes(await connection.fetchval(f"SELECT {column} FROM oa_credentials"))

    token = await of(mine, "refresh_token_sealed")
    vault, others = await registry.tenant_vault(mine.id), await registry.tenant_vault(other.id)
    assert vault.open(token, f"oa_credentials.refresh_token/{mine.oa_id}")
    for opener, context in (
        (others, f"oa_credentials.refresh_token/{mine.oa_id}"),  # another tenant
        (others, f"oa_credentials.refresh_token/{other.oa_id}"),
        (vault, f"oa_credentials.access_token/{mine.oa_id}"),  # another column
        (vault, f"oa_credentials.refresh_token/{other.oa_id}"),  # another account
    ):
        with pytest.raises(SealBroken):
            opener.open(token, context)
    # The wrapped key of one tenant in the row of another, and an app's secret in another app's row.
    await connection.execute("SELECT set_config('govchat.tenant_id', $1, false)", str(mine.id))
    key = await connection.fetchval("SELECT wrapped_key FROM tenant_keys")
    await connection.execute("SELECT set_config('govchat.tenant_id', $1, false)", str(other.id))
    await connection.execute("UPDATE tenant_keys SET wrapped_key = $1", key)
    fresh = await open_registry(settings_of_own)
    with pytest.raises(KeyUnreadable, match="does not belong here"):
        await fresh.tenant_vault(other.id)
    await connection.execute(
        "UPDATE zalo_apps SET app_secret_sealed = (SELECT app_secret_sealed FROM zalo_apps WHERE app_id = $1), "
        "updated_at = clock_timestamp() WHERE app_id = $2", mine.app.app_id, other.app.app_id,
    )  # fmt: skip
    await fresh.load()
    assert fresh.by_slug(other.slug).app.app_secret is None
    assert fresh.by_slug(mine.slug).app.app_secret == mine.app.app_secret, "the others go on"
    await connection.close()
    await registry.db.close()
    await fresh.db.close()


async def test_what_production_sealed_does_not_open_elsewhere_even_with_its_key(settings_of_own: Settings) -> None:
    production = plain(settings_of_own, env="production")
    registry = Registry(Database.connect(production.database_url, part="test", pool_size=2), production)
    sealed = registry.vault.seal(b"a real token", "place")
    staging = Vault(production.master_keys, "development")
    with pytest.raises(SealBroken, match="sealed in the environment production") as refused:
        staging.open(sealed, "place")
    assert "a real token" not in str(refused.value)
    # The other way round as well, and a whole process refuses: here a database made in development meets production.
    with pytest.raises(SealBroken, match="sealed in the environment development"):
        await registry.load()
    tenant = (await open_tenants(production))[0]
    with pytest.raises(DomainError, match="environment development"):
        await registry.tenant_vault(tenant)
    said = await run(settings_of_own, "tenant", "list", GOVCHAT_ENV="production")
    assert said.status == 1
    assert "environment" in said.refusal
    await registry.db.close()


async def open_tenants(settings: Settings) -> list[Any]:
    connection = await asyncpg.connect(settings.database_url)
    try:
        return [row["id"] for row in await connection.fetch("SELECT id FROM tenants LIMIT 1")]
    finally:
        await connection.close()


async def test_destroying_a_key_silences_a_closed_province_and_nobody_stumbles(
    both: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, slug = both.settings, "an-giang"
    tenant = both.registry.by_slug(slug)
    environ = {"GOVCHAT_MASTER_KEYS": f"{NEW},{OLD}"}
    key = await both.key(slug)
    await both.put_dossier(slug, "H01.07-261103-4711")
    await both.zalo.say(slug, "remembered", "xin chào")
    await both.zalo.answers(slug, "remembered", timeout=PATIENCE_S)
    for words, told in (
        (("secret", "destroy", slug, "--yes-destroy", "ca-mau"), f"--yes-destroy {slug}"),
        (("secret", "destroy", slug, "--yes-destroy", slug), "live: đóng trước bằng"),
    ):
        said = await run(settings, *words, **environ)
        assert (said.status, told in said.refusal) == (1, True), said.everything
    async with both.registry.db.registry() as session:
        await session.execute(
            text("UPDATE tenants SET state = 'closed', updated_at = clock_timestamp() WHERE slug = :slug"),
            {"slug": slug},
        )
    said = await run(settings, "secret", "destroy", slug, "--yes-destroy", slug, **environ)
    assert said.status == 0, said.everything
    await both.registry.load()
    assert await destroy(both.registry, both.registry.by_slug(slug), actor="cli:test") is False
    # Everybody has reloaded by the time that ten seconds have passed: here by asking for a key that nobody knows.
    assert both.worker is not None
    await both.worker.registry.load()
    monkeypatch.setattr(registry_module, "RELOAD_EVERY", 0.0)
    assert (await post(both, tenant, b"{}", key="nobody"))[0] == 404
    body = text_event(tenant, "late", "có ai không")
    assert await post(both, tenant, body) == (200, "{}")  # Zalo must not switch the webhook off
    headers = {"Authorization": f"Bearer {key}"}
    async with both.http.get(f"{both.url}/v1/dossiers/H01.07-261103-4711", headers=headers) as answer:
        assert answer.status in (401, 410), await answer.text()
    with pytest.raises(DomainError, match="was destroyed"):
        await both.registry.tenant_vault(tenant.id)
    assert (await describe(both.registry, both.registry.by_slug(slug))).credential_state == "missing"
    said = await run(settings, "secret", "set", slug, "refresh-token", given="value", **environ)
    assert (said.status, "was destroyed" in said.refusal) == (1, True)
    waiting = await rows(both, tenant, "SELECT 1 FROM inbox_events WHERE tenant_id = :tenant AND state = 'pending'")
    assert waiting == []
    # Applying the manifest makes no new key in its place, and the others go on.
    await apply(
        both.registry.db, both.registry.vault, plain(settings, env="production"), both.registry.by_slug(slug).manifest
    )
    with pytest.raises(DomainError, match="was destroyed"):
        await both.registry.tenant_vault(tenant.id)
    await both.zalo.say("ca-mau", "neighbour", "xin chào")
    assert await both.zalo.answers("ca-mau", "neighbour", timeout=PATIENCE_S)
    acts = await rows(both, tenant, "SELECT actor FROM audit_entries WHERE act = 'key.destroyed'")
    assert [one.actor.startswith("cli:") for one in acts] == [True]
