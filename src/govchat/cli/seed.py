"""`govchat seed`: synthetic followers and dossiers in any number, for demonstrations and load tests."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.cli.settings import beside_up, data_dir_option
from govchat.errors import ConfigurationError

if TYPE_CHECKING:
    from govchat.settings import Settings
    from govchat.tenants.registry import Registry, Tenant

COUNT = click.IntRange(min=0)
FOLLOWERS, DOSSIERS = 100, 24  # when no number is given at all


@click.command()
@click.argument("slug")
@click.option("--followers", type=COUNT, help=f"How many followers, dev-SLUG-1 and so on.  [alone: {FOLLOWERS}]")
@click.option("--dossiers", type=COUNT, help=f"How many dossiers, made from real procedures.  [alone: {DOSSIERS}]")
@data_dir_option
def seed(slug: str, followers: int | None, dossiers: int | None, data_dir: Path) -> None:
    """Make synthetic followers and dossiers.

    For development only. The followers interacted just now and follow; doing it again adds none and lets them interact
    again. The simulator learns of them.
    Without any number it makes a few of both.
    """
    if followers is None and dossiers is None:
        followers, dossiers = FOLLOWERS, DOSSIERS
    settings = beside_up(data_dir)
    if settings.is_production:
        raise ConfigurationError("GOVCHAT_ENV is production: synthetic people and dossiers are for development alone")
    asyncio.run(_seed(settings, slug, followers or 0, dossiers or 0))


async def _seed(settings: "Settings", slug: str, followers: int, dossiers: int) -> None:
    from govchat.cli.opened import opened

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        if followers:
            await _followers(settings, registry, tenant, followers)
        if dossiers:
            await _dossiers(registry, tenant, dossiers)


async def _followers(settings: "Settings", registry: "Registry", tenant: "Tenant", count: int) -> None:
    from govchat.kit import clock
    from govchat.local.followers import sow, tell_simulator

    began = time.monotonic()
    fresh = await sow(registry.db, tenant.id, tenant.slug, count, clock.now())
    click.echo(
        f"followers dev-{tenant.slug}-1 … {count}: {fresh} new, {count - fresh} refreshed, "
        f"in {time.monotonic() - began:.1f} s"
    )
    told = await tell_simulator(settings.zalo_openapi_url, tenant.oa_id, count)
    if told.known:
        click.echo(f"the simulator at {settings.zalo_openapi_url} takes messages to them")
    else:
        click.echo(f"{settings.zalo_openapi_url} was not told of them: {told.reason}")


async def _dossiers(registry: "Registry", tenant: "Tenant", count: int) -> None:
    from govchat.kit import clock
    from govchat.local.preparation import sow_dossiers
    from govchat.procedures.book import Book

    began = time.monotonic()
    book = Book(registry.db, registry)
    await book.fresh(tenant.id)
    fresh = await sow_dossiers(registry, tenant, book, clock.now().astimezone(clock.VN).date(), count)
    click.echo(f"dossiers: {fresh} new, {count - fresh} were there, in {time.monotonic() - began:.1f} s")
