"""`govchat incident`: what is wrong with a province now, and what was."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.cli.settings import beside_up, data_dir_option

if TYPE_CHECKING:
    from govchat.incidents.queries import Incident
    from govchat.settings import Settings


@click.group()
def incident() -> None:
    """Show what is wrong and who must do what."""


@incident.command(name="list")
@click.argument("slug")
@click.option("--all", "all_", is_flag=True, help="Healed ones too, newest first.")
@data_dir_option
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
def list_(slug: str, all_: bool, data_dir: Path, json_: bool) -> None:
    """List SLUG's open incidents, oldest first. They close by themselves when what they tell of is mended."""
    from govchat.cli.show import as_json
    from govchat.onboarding.line import moment

    found = asyncio.run(_list(beside_up(data_dir), slug, all_))
    if json_:
        as_json(found)
        return
    if not found:
        click.echo(f"{slug}: chưa có sự cố nào" if all_ else f"{slug}: không có sự cố đang mở")
    for each in found:
        until = f"đã hết lúc {moment(each.healed_at)}" if each.healed_at else f"đang mở, gặp {each.times} lần"
        click.echo(f"{each.kind.value} {each.subject}  từ {moment(each.opened_at)}  ({until})")
        click.echo(f"    Sự cố:   {each.says}")
        click.echo(f"    Cần làm: {each.todo}")


async def _list(settings: "Settings", slug: str, all_: bool) -> "list[Incident]":
    from govchat.cli.opened import opened
    from govchat.incidents.queries import all_incidents, open_incidents

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            return await (all_incidents if all_ else open_incidents)(session, tenant.id)
