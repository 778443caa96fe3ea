"""A province that is made beside a running simulator has its Official Account there without a restart."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.conftest import TENANTS, plain
from tests.journeys.stage import eventually

from govchat.cli.false_zalo import build_world, follow_manifests, stamps_of
from govchat.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for slug in ("hue", "lai-chau"):
        shutil.copytree(TENANTS / slug, tmp_path / slug)
    return tmp_path


async def test_a_manifest_that_is_written_later_gets_its_account_and_its_app(folder: Path, settings: Settings) -> None:
    settings = plain(settings, tenants_dir=folder, public_url="http://127.0.0.1:1")
    seen = stamps_of(folder)
    world = build_world(settings)
    hue = world.oa("hue")

    def known(slug: str) -> Callable[[], Awaitable[bool]]:
        async def ask() -> bool:
            return slug in world.oa_by_slug

        return ask

    following = asyncio.create_task(follow_manifests(world, settings, seen, every_s=0.01))
    (folder / "ca-mau").mkdir()
    text = (TENANTS / "ca-mau/tenant.toml").read_text("utf-8")
    (folder / "ca-mau/tenant.toml").write_text(text.replace("oa_id =", "oa_id"), "utf-8")  # half written
    (folder / "dien-bien").mkdir()
    shutil.copy(TENANTS / "dien-bien/tenant.toml", folder / "dien-bien/tenant.toml")  # on lai-chau's app
    await eventually(known("dien-bien"), what="the account of dien-bien")
    assert world.oa("dien-bien").app_id == world.oa("lai-chau").app_id
    assert len(world.apps) == 2
    assert "ca-mau" not in world.oa_by_slug
    (folder / "ca-mau/tenant.toml").write_text(text, "utf-8")
    await eventually(known("ca-mau"), what="the account of ca-mau")
    oa = world.oa("ca-mau")
    assert world.app_by_id[oa.app_id].webhook_url == "http://127.0.0.1:1/webhooks/zalo/ca-mau"
    pair = world.tokens.refresh({oa.oa_id}, f"dev-refresh:{oa.oa_id}", world.now())
    assert world.tokens.oa_of(pair[1].access_token, world.now()) == oa.oa_id
    assert world.oa("hue") is hue
    following.cancel()
