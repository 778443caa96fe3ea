"""`govchat privacy`: how long a province keeps things, sweeping by hand, and open requests."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.cli.settings import beside_up, data_dir_option

if TYPE_CHECKING:
    from govchat.privacy.retention import Swept
    from govchat.privacy.schemas import RequestOut
    from govchat.settings import Settings

json_option = click.option("--json", "json_", is_flag=True, help="Print JSON.")


@click.group()
def privacy() -> None:
    """See and settle what is kept about citizens, and for how long."""


@privacy.command()
@click.argument("slug")
@click.option("--set", "sets", multiple=True, metavar="WHAT=DAYS", help="Keep it for so many days, once per kind.")
@data_dir_option
@json_option
def retention(slug: str, sets: tuple[str, ...], data_dir: Path, json_: bool) -> None:
    """Show for how many days SLUG keeps what, after changing what is given."""
    from govchat.cli.show import as_json, as_table
    from govchat.errors import ConfigurationError
    from govchat.kit import clock
    from govchat.privacy.retention import rules_on

    wanted = []
    for each in sets:
        what, _, number = each.partition("=")
        if not number.isdecimal():
            raise ConfigurationError(f'--set "{each}": cần DỮ_LIỆU=SỐ_NGÀY, như inbox=14')
        wanted.append((what, int(number)))
    days = asyncio.run(_retention(beside_up(data_dir), slug, wanted))
    if json_:
        as_json(days)
        return
    rules = rules_on(clock.now().date())
    as_table(
        ("DỮ LIỆU", "SỐ NGÀY", "THƯỜNG LÀ", "ÍT NHẤT", "VÌ SAO"),
        [
            (what, str(kept), str(rules[what].days), str(rules[what].least), rules[what].why)
            for what, kept in days.items()
        ],
    )


@privacy.command()
@click.argument("slug")
@data_dir_option
@json_option
def sweep(slug: str, data_dir: Path, json_: bool) -> None:
    """Let go of what SLUG kept long enough; go on with erasures."""
    from govchat.cli.show import as_json, as_table

    swept = asyncio.run(_sweep(beside_up(data_dir), slug))
    if json_:
        as_json(swept)
    else:
        rows = [(one.what, str(one.days), str(one.gone), "còn" if one.more else "") for one in swept]
        as_table(("DỮ LIỆU", "SỐ NGÀY", "ĐÃ XÓA", "CÒN NỮA"), rows)


@privacy.command()
@click.argument("slug")
@data_dir_option
@json_option
def requests(slug: str, data_dir: Path, json_: bool) -> None:
    """List SLUG's open requests about personal data and their dates."""
    from govchat.cli.show import as_json, as_table, moment

    found = asyncio.run(_requests(beside_up(data_dir), slug))
    if json_:
        as_json(found)
    elif not found:
        click.echo(f"{slug}: không có yêu cầu nào đang mở")
    else:
        as_table(
            ("MÃ", "LOẠI", "TRẠNG THÁI", "HẠN", "CÒN CHỜ"),
            [(one.code, one.kind, one.state, moment(one.due_at), ", ".join(one.waits)) for one in found],
        )


async def _retention(settings: "Settings", slug: str, wanted: list[tuple[str, int]]) -> dict[str, int]:
    from govchat.cli.actor import actor
    from govchat.cli.opened import opened
    from govchat.privacy.retention import days_of, settle

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            for what, days in wanted:
                await settle(session, tenant.id, what, days, actor=actor())
            return await days_of(session, tenant.id)


async def _sweep(settings: "Settings", slug: str) -> "list[Swept]":
    from govchat.cli.opened import opened
    from govchat.privacy import erase
    from govchat.privacy.retention import sweep as sweep_

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        await erase.resume(registry, tenant.id)
        return await sweep_(registry, tenant.id)


async def _requests(settings: "Settings", slug: str) -> "list[RequestOut]":
    from govchat.cli.opened import opened
    from govchat.privacy.queries import page

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        vault = await registry.tenant_vault(tenant.id)
        async with registry.db.tenant(tenant.id) as session:
            return (await page(session, vault, tenant.id, cursor=None, limit=200, only_open=True)).items
