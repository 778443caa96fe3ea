"""`govchat tenant tester`: who gets messages while a province is in trial."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.cli.settings import beside_up, data_dir_option

if TYPE_CHECKING:
    from uuid import UUID

    from govchat.onboarding.recent import Recent
    from govchat.settings import Settings
    from govchat.tenants.registry import Registry
    from govchat.tenants.testers import Tester

json_option = click.option("--json", "json_", is_flag=True, help="Print JSON.")


@click.group()
def tester() -> None:
    """List the people who get messages during a trial."""


@tester.command()
@click.argument("slug")
@click.argument("user_ids", nargs=-1, required=True)
@data_dir_option
def add(slug: str, user_ids: tuple[str, ...], data_dir: Path) -> None:
    """Put people on the list by Zalo user id or telephone number.

    The number is for those whom the counter links by number. It is kept as a keyed hash; `list` shows it as tel:….
    """
    added = asyncio.run(_add(beside_up(data_dir), slug, user_ids))
    click.echo(
        f"{slug}: thêm {added} người thử" + (f", {len(user_ids) - added} đã có" if added < len(user_ids) else "")
    )


@tester.command()
@click.argument("slug")
@click.argument("user_id")
@data_dir_option
def remove(slug: str, user_id: str, data_dir: Path) -> None:
    """Take somebody off the list by user id, number or what `list` shows."""
    asyncio.run(_remove(beside_up(data_dir), slug, user_id))
    click.echo(f"{slug}: đã bỏ người thử {user_id}")


@tester.command(name="list")
@click.argument("slug")
@data_dir_option
@json_option
def list_(slug: str, data_dir: Path, json_: bool) -> None:
    """List SLUG's testers."""
    from govchat.cli.show import as_json, as_table
    from govchat.onboarding.line import moment

    found = asyncio.run(_list(beside_up(data_dir), slug))
    if json_:
        as_json(found)
    elif found:
        as_table(
            ("MÃ ZALO", "THÊM LÚC", "NGƯỜI THÊM"),
            [(each.zalo_user_id, moment(each.added_at), each.added_by) for each in found],
        )
    else:
        click.echo(f"{slug}: chưa có người thử")


@tester.command()
@click.argument("slug")
@data_dir_option
@json_option
def recent(slug: str, data_dir: Path, json_: bool) -> None:
    """Show who wrote to SLUG's account last, to find a tester's id.

    Have the tester write to the Official Account, then look here for the time at which they did.
    """
    from govchat.cli.show import as_json, as_table
    from govchat.onboarding.line import moment

    found = asyncio.run(_recent(beside_up(data_dir), slug))
    if json_:
        as_json(found)
    elif found:
        as_table(
            ("MÃ ZALO", "NHẮN LẦN CUỐI", "NGƯỜI THỬ"),
            [
                (each.zalo_user_id, moment(each.at) if each.at else "-", "có" if each.is_tester else "")
                for each in found
            ],
        )
    else:
        click.echo(f"{slug}: chưa có ai nhắn cho OA")


async def _add(settings: "Settings", slug: str, user_ids: tuple[str, ...]) -> int:
    from govchat.cli.actor import actor
    from govchat.cli.opened import opened
    from govchat.tenants import testers

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:  # all or none
            wanted = dict.fromkeys([await _subject(registry, tenant.id, each) for each in user_ids])
            return sum([await testers.add(session, tenant.id, each, actor=actor()) for each in wanted])


async def _remove(settings: "Settings", slug: str, user_id: str) -> None:
    from govchat.cli.actor import actor
    from govchat.cli.opened import opened
    from govchat.tenants import testers

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        listed = await _subject(registry, tenant.id, user_id)
        async with registry.db.tenant(tenant.id) as session:
            await testers.remove(session, tenant.id, listed, actor=actor())


async def _subject(registry: "Registry", tenant_id: "UUID", given: str) -> str:
    """What stands on the list: a telephone number as what such people are known by, anything else as it is."""
    from govchat.citizens.consent import by_phone
    from govchat.kit import phone

    number = phone.normalise(given)
    return given if number is None else by_phone(await registry.tenant_vault(tenant_id), number)


async def _list(settings: "Settings", slug: str) -> "list[Tester]":
    from govchat.cli.opened import opened
    from govchat.tenants import testers

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            return await testers.testers(session, tenant.id)


async def _recent(settings: "Settings", slug: str) -> "list[Recent]":
    from govchat.cli.opened import opened
    from govchat.onboarding.recent import recent as newest

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            return await newest(session, tenant.id)
