"""The simulator's world, made from the manifests: every app and Official Account with its development credentials."""

import asyncio
from contextlib import suppress
from pathlib import Path

from govchat.errors import ConfigurationError
from govchat.settings import Settings
from govchat.simulator.world import AppConfig, OaConfig, World
from govchat.tenants.manifest import Manifest, read_all
from govchat.tenants.schema import MANIFEST_FILE

LOOK_EVERY_S = 1.0
Stamps = dict[Path, tuple[int, int]]


def build_world(settings: Settings) -> World:
    """All provinces of `settings.tenants_dir`; their webhooks go to `settings.public_url`."""
    book = read_all(settings.tenants_dir)
    if book.findings:
        raise ConfigurationError(
            "the manifests have mistakes:\n" + "\n".join(str(finding) for finding in book.findings)
        )
    world = World([], [])
    for manifest in book.manifests:
        _open(world, manifest, settings.public_url)
    return world


def _open(world: World, manifest: Manifest, public_url: str) -> None:
    zalo = manifest.zalo
    if zalo.app_id not in world.app_by_id:
        world.open_app(
            AppConfig(
                app_id=zalo.app_id,
                app_secret=f"dev-app-secret:{zalo.app_id}",
                oa_secret=f"dev-oa-secret:{zalo.app_id}",
                name=manifest.app_key,
                webhook_url=f"{public_url}{manifest.webhook_path}",
                requests_per_minute=zalo.app_requests_per_minute,
            )
        )
    world.open_oa(
        OaConfig(
            oa_id=zalo.oa_id,
            app_id=zalo.app_id,
            name=f"Hành chính công {manifest.full_name}",
            slug=manifest.slug,
            requests_per_minute=zalo.requests_per_minute,
            refresh_token=f"dev-refresh:{zalo.oa_id}",
        )
    )


async def follow_manifests(world: World, settings: Settings, seen: Stamps, every_s: float = LOOK_EVERY_S) -> None:
    """Give every sound manifest that is written after `seen` its Official Account, for as long as the simulator runs.

    An account that is there stays as it is: at Zalo too nothing ends because a file was edited.
    """
    while True:
        await asyncio.sleep(every_s)
        if (stamps := stamps_of(settings.tenants_dir)) == seen:
            continue
        seen = stamps
        book = await asyncio.to_thread(read_all, settings.tenants_dir)
        for manifest in book.manifests:
            if manifest.zalo.oa_id not in world.oa_by_id:
                _open(world, manifest, settings.public_url)


def stamps_of(folder: Path) -> Stamps:
    """When each manifest was last written, and its size."""
    stamps: Stamps = {}
    for path in folder.glob(f"*/{MANIFEST_FILE}"):
        with suppress(OSError):  # gone in this moment
            stat = path.stat()
            stamps[path] = stat.st_mtime_ns, stat.st_size
    return stamps
