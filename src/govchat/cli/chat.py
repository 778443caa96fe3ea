"""`govchat chat`: how a province asks for ratings and how long the bot keeps still for an officer."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.cli.settings import beside_up, data_dir_option

if TYPE_CHECKING:
    from govchat.handoff.settings import Waiting
    from govchat.ratings.settings import RatingSettings
    from govchat.settings import Settings

json_option = click.option("--json", "json_", is_flag=True, help="Print JSON.")

INVITED = {
    "consented": "mời những người đã đồng ý được hỏi ý kiến",
    "followers": "mời mọi người quan tâm Official Account",
    "nobody": "không mời ai",
}


@click.group()
def chat() -> None:
    """See and settle how a province's conversations go on."""


@chat.command()
@click.argument("slug")
@click.option("--levels", type=click.Choice(["3", "5"]), help="On how many levels citizens rate.")
@click.option("--invite", type=click.Choice(["consented", "followers", "nobody"]), help="Whom to ask after a result.")
@data_dir_option
@json_option
def ratings(slug: str, levels: str | None, invite: str | None, data_dir: Path, json_: bool) -> None:
    """Show how SLUG asks for ratings, after changing what is given."""
    from govchat.cli.show import as_json

    told = asyncio.run(_ratings(beside_up(data_dir), slug, int(levels) if levels else None, invite))
    if json_:
        as_json(told)
    else:
        click.echo(f"{slug}: {INVITED[told.invite]} đánh giá, thang {told.levels} mức")


@chat.command()
@click.argument("slug")
@click.option("--minutes", type=int, help="After how many minutes of an officer's silence the bot answers again.")
@data_dir_option
@json_option
def silence(slug: str, minutes: int | None, data_dir: Path, json_: bool) -> None:
    """Show or set for how long SLUG's bot keeps still for an officer."""
    from govchat.cli.show import as_json

    told = asyncio.run(_silence(beside_up(data_dir), slug, minutes))
    if json_:
        as_json({"minutes": told})
    else:
        click.echo(f"{slug}: hệ thống trả lời lại sau {told} phút kể từ lời cuối của cán bộ")


@chat.command()
@click.argument("slug")
@data_dir_option
@json_option
def waiting(slug: str, data_dir: Path, json_: bool) -> None:
    """List who waits for a person in SLUG, longest first, without names."""
    from govchat.cli.show import as_json, as_table, moment

    found = asyncio.run(_waiting(beside_up(data_dir), slug))
    if json_:
        as_json(found)
    elif not found:
        click.echo(f"{slug}: không có ai đang chờ")
    else:
        rows = [(str(one.id), moment(one.asked_at), moment(one.officer_at)) for one in found]
        as_table(("MÃ", "HỎI LÚC", "CÁN BỘ NÓI LẦN CUỐI"), rows)


async def _ratings(settings: "Settings", slug: str, levels: int | None, invite: str | None) -> "RatingSettings":
    from govchat.cli.actor import actor
    from govchat.cli.opened import opened
    from govchat.ratings.settings import settings_of, settle

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            if levels is None and invite is None:
                return await settings_of(session, tenant.id)
            return await settle(session, tenant.id, levels=levels, invite=invite, actor=actor())


async def _silence(settings: "Settings", slug: str, minutes: int | None) -> int:
    from govchat.cli.actor import actor
    from govchat.cli.opened import opened
    from govchat.handoff.settings import minutes_of, settle

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            if minutes is not None:
                await settle(session, tenant.id, minutes, actor=actor())
            return await minutes_of(session, tenant.id)


async def _waiting(settings: "Settings", slug: str) -> "list[Waiting]":
    from govchat.cli.opened import opened
    from govchat.handoff.settings import open_ones

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            return await open_ones(session, tenant.id)
