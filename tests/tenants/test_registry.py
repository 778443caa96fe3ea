"""Whom a key, an Official Account or an API key belongs to; applying manifests; what is said about it without a secret."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from sqlalchemy import text
from tests.journeys.stage import eventually, own
from tests.stack import Services

from govchat.db.session import Database
from govchat.kit.crypto import SealBroken
from govchat.kit.news import REGISTRY, tell
from govchat.settings import Settings
from govchat.tenants import registry as room
from govchat.tenants.apply import apply, apply_all
from govchat.tenants.manifest import Manifest, read_all
from govchat.tenants.registry import KeyUnreadable, Registry, TenantNotFound, secret_context


@pytest.fixture(scope="module")
async def ground(services: Services, redis_url: str) -> AsyncIterator[tuple[Registry, Settings, dict[str, Manifest]]]:
    settings = await own(services, redis_url)
    db = Database.connect(settings.database_url, part="test", pool_size=8)
    registry = Registry(db, settings)
    await registry.load()
    yield registry, settings, {one.slug: one for one in read_all(settings.tenants_dir).manifests}
    await db.close()


Ground = tuple[Registry, Settings, dict[str, Manifest]]


async def touch(registry: Registry, statement: str, **values: object) -> None:
    async with registry.db.registry() as session:
        await session.execute(text(statement), values)


async def test_all_34_are_there_and_live_in_development(ground: Ground) -> None:
    registry, _, manifests = ground
    assert set(registry.now.by_slug) == set(manifests)
    assert len(manifests) == 34
    assert {tenant.state for tenant in registry.now.tenants.values()} == {"live"}
    for tenant in registry.now.tenants.values():
        assert registry.now.by_oa[tenant.oa_id] is registry.now.by_tag[tenant.key_tag] is tenant
        assert registry.now.apps[tenant.app.key] is tenant.app


async def test_every_h_code_of_the_63_leads_to_one_of_the_34(ground: Ground) -> None:
    registry, _, _ = ground
    assert {f"H{number:02d}" for number in range(1, 64)} == set(registry.now.h_codes)
    assert registry.now.h_codes["H11"].slug == "lam-dong"
    assert registry.now.h_codes["H10"].slug == registry.now.h_codes["H19"].slug == "dong-nai"


async def test_applying_again_changes_nothing_and_says_so(ground: Ground) -> None:
    registry, settings, manifests = ground
    stamp = (await registry.load()).stamp
    done = await apply_all(registry.db, registry.vault, settings, manifests.values())
    assert {one.outcome for one in done} == {"unchanged"}
    assert (await registry.load()).stamp == stamp


async def test_applying_a_changed_manifest_updates_and_keeps_what_people_set(ground: Ground) -> None:
    registry, settings, manifests = ground
    manifest = manifests["vinh-long"]
    tenant = registry.by_slug("vinh-long")
    sealed = registry.vault.seal(b"the real one", secret_context(tenant.app.app_id, "oa_secret"))
    await touch(registry, "UPDATE zalo_apps SET oa_secret_sealed = :s WHERE app_id = :a", s=sealed, a=tenant.app.app_id)
    await touch(registry, "UPDATE tenants SET state = 'suspended' WHERE slug = 'vinh-long'")
    zalo = msgspec.structs.replace(manifest.zalo, requests_per_minute=100, signature="observe")
    changed = msgspec.structs.replace(manifest, zalo=zalo)
    assert (await apply(registry.db, registry.vault, settings, changed)).outcome == "updated"
    await registry.load()
    now = registry.by_slug("vinh-long")
    assert (now.manifest.zalo.requests_per_minute, now.app.enforce) == (100, False)
    assert (now.app.oa_secret, now.state, now.speaks) == ("the real one", "suspended", False)
    assert (await apply(registry.db, registry.vault, settings, manifest)).outcome == "updated"


async def test_two_that_apply_at_once_do_not_disturb_each_other(ground: Ground) -> None:
    registry, settings, manifests = ground
    some = [manifests[slug] for slug in ("dien-bien", "lai-chau", "son-la")]
    done = await asyncio.gather(*(apply_all(registry.db, registry.vault, settings, some) for _ in range(4)))
    assert {one.outcome for each in done for one in each} == {"unchanged"}


async def test_production_starts_new_tenants_as_drafts_without_any_secret(services: Services, redis_url: str) -> None:
    settings = msgspec.structs.replace(await own(services, redis_url), env="production", master_keys=("real",))
    db = Database.connect(settings.database_url, part="test", pool_size=2)
    try:
        registry = Registry(db, settings)
        (manifest,) = [one for one in read_all(settings.tenants_dir).manifests if one.slug == "hue"]
        zalo = msgspec.structs.replace(manifest.zalo, app="moi", app_id="999", oa_id="998")
        fresh = msgspec.structs.replace(manifest, slug="hue-moi", zalo=zalo)
        assert (await apply(db, registry.vault, settings, fresh)).outcome == "created"
        async with db.registry() as session:
            row = (await session.execute(text("SELECT * FROM zalo_apps WHERE app_id = '999'"))).one()
            assert (row.app_secret_sealed, row.oa_secret_sealed) == (None, None)
            assert await session.scalar(text("SELECT state FROM tenants WHERE slug = 'hue-moi'")) == "draft"
    finally:
        await db.close()


async def test_a_new_row_is_seen_by_those_who_ask_for_it(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    registry, settings, _ = ground
    other = Registry(registry.db, settings)
    await other.load()
    monkeypatch.setattr(room, "RELOAD_EVERY", 0.0)
    await touch(registry, "UPDATE tenants SET oa_id = '77', updated_at = clock_timestamp() WHERE slug = 'son-la'")
    found = await other.by_oa("77")
    assert found is not None
    assert found.slug == "son-la"
    assert await other.by_oa("78") is None
    assert await other.app("nobody") is None
    assert await other.by_tag("ffffffff") is None


async def test_an_unknown_key_asks_the_database_once_in_a_while_only(ground: Ground) -> None:
    registry, settings, _ = ground
    other = Registry(registry.db, settings)
    await other.load()
    stamp = other._asked
    for number in range(50):
        assert await other.app(f"nobody-{number}") is None
    assert other._asked == stamp


async def test_whoever_misses_while_the_registry_is_read_waits_for_that_look(ground: Ground) -> None:
    registry, settings, _ = ground
    other = Registry(registry.db, settings)
    await other.load()
    other._asked -= room.RELOAD_EVERY
    assert await asyncio.gather(*(other.by_oa(f"nobody-{number}") for number in range(20))) == [None] * 20
    await touch(registry, "UPDATE tenants SET oa_id = '79', updated_at = clock_timestamp() WHERE slug = 'lang-son'")
    other._asked -= room.RELOAD_EVERY
    found = await asyncio.gather(*(other.by_oa("79") for _ in range(20)))
    assert {one and one.slug for one in found} == {"lang-son"}


async def test_names_that_do_not_exist_are_named_with_the_way_out(ground: Ground) -> None:
    registry, _, _ = ground
    with pytest.raises(TenantNotFound, match="govchat tenant list"):
        registry.by_slug("khong-co")


async def test_the_wrong_master_key_says_so_and_shows_nothing(ground: Ground) -> None:
    registry, settings, _ = ground
    wrong = Registry(registry.db, msgspec.structs.replace(settings, master_keys=("another",)))
    with pytest.raises(SealBroken, match="master key that is not configured") as broken:
        await wrong.load()
    assert "dev-" not in str(broken.value)


async def test_a_secret_that_was_moved_or_damaged_stops_its_own_app_alone(ground: Ground) -> None:
    registry, settings, _ = ground
    before = registry.by_slug("can-tho").app
    move = (
        "UPDATE zalo_apps SET app_secret_sealed = (SELECT {0} FROM zalo_apps WHERE key = :from), updated_at = clock_timestamp() "
        "WHERE key = 'can-tho'"
    )
    async with registry.db.registry() as session:
        kept = await session.scalar(text("SELECT app_secret_sealed FROM zalo_apps WHERE key = 'can-tho'"))
    for column, source in (
        ("app_secret_sealed", "ha-noi"),
        ("oa_secret_sealed", "can-tho"),
    ):  # another row's, another column's
        await touch(registry, move.format(column), **{"from": source})
        fresh = Registry(registry.db, settings)
        await fresh.load()
        assert fresh.by_slug("can-tho").app.app_secret is None, "what was moved here does not open"
        assert fresh.by_slug("can-tho").app.oa_secret == before.oa_secret
        assert fresh.by_slug("ha-noi").app.app_secret == registry.by_slug("ha-noi").app.app_secret
    await touch(
        registry,
        "UPDATE zalo_apps SET app_secret_sealed = :kept, updated_at = clock_timestamp() WHERE key = 'can-tho'",
        kept=kept,
    )
    assert (await registry.load()).by_slug["can-tho"].app.app_secret == before.app_secret


async def test_what_a_command_changes_reaches_running_processes_at_once(ground: Ground) -> None:
    registry, settings, _ = ground
    running = Registry(registry.db, settings)
    await running.load()
    keeping = asyncio.create_task(running.keep_fresh(every_s=3600.0))
    try:
        for name in ("Một tên mới", "Tên nữa"):
            await touch(
                registry,
                "UPDATE tenants SET full_name = :name, updated_at = clock_timestamp() WHERE slug = 'son-la'",
                name=name,
            )

            async def seen() -> str:
                await tell(settings.redis_url, REGISTRY)  # may be told before the other listens
                return running.by_slug("son-la").full_name

            await eventually(seen, until=name.__eq__, what="the new name")
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def test_a_redis_that_is_away_leaves_the_look_every_so_often(ground: Ground) -> None:
    registry, settings, _ = ground
    alone = msgspec.structs.replace(settings, redis_url="redis://127.0.0.1:1/0")
    assert not await tell(alone.redis_url, REGISTRY)
    running = Registry(registry.db, alone)
    keeping = asyncio.create_task(running.keep_fresh(every_s=0.02))
    try:
        await eventually(lambda: asyncio.sleep(0, len(running.now.tenants)), until=(34).__eq__, what="the look")
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def test_printing_an_app_or_a_tenant_shows_no_secret(ground: Ground) -> None:
    registry, _, _ = ground
    for tenant in registry.now.tenants.values():
        assert "dev-" not in f"{tenant!r} {tenant} {tenant.app!r}"


async def test_all_keys_are_opened_in_one_question_and_one_that_does_not_open_is_told_when_it_is_needed(
    ground: Ground,
) -> None:
    registry, settings, _ = ground
    tenant = registry.by_slug("hue")
    sealed = (await registry.tenant_vault(tenant.id)).seal(b"said", "there")
    another = Registry(registry.db, settings)
    await another.load()
    await another.open_vaults()
    assert (await another.tenant_vault(tenant.id)).open(sealed, "there") == b"said"
    others_vault = await another.tenant_vault(registry.by_slug("lam-dong").id)
    with pytest.raises(SealBroken):
        others_vault.open(sealed, "there")
    wrong = Registry(registry.db, msgspec.structs.replace(settings, master_keys=("another",)))
    wrong.now = registry.now
    await wrong.open_vaults()
    with pytest.raises(KeyUnreadable, match="GOVCHAT_MASTER_KEYS"):
        await wrong.tenant_vault(tenant.id)
