"""`govchat key`: API keys of one-stop systems, made, listed and revoked."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.cli.settings import beside_up, data_dir_option

if TYPE_CHECKING:
    from govchat.access.keys import NewKey
    from govchat.access.queries import KeyShown
    from govchat.settings import Settings

tenant_option = click.option("--tenant", "slug", required=True, metavar="SLUG", help="The province the key belongs to.")
json_option = click.option("--json", "json_", is_flag=True, help="Print JSON.")


@click.group()
def key() -> None:
    """Make, list and revoke API keys."""


@key.command()
@tenant_option
@click.option(
    "--scope", "scopes", multiple=True, required=True, help="What the key may do; once per scope, or several after one."
)
@click.argument("more", nargs=-1, metavar="[SCOPE]...")
@click.option("--test", is_flag=True, help="Make a gvc_test_ key.")
@data_dir_option
@json_option
def create(slug: str, scopes: tuple[str, ...], more: tuple[str, ...], test: bool, data_dir: Path, json_: bool) -> None:
    """Make an API key and print it, this once: only its hash is kept.

    Scopes: dossiers:read dossiers:write procedures:read procedures:write campaigns:read campaigns:write campaigns:approve
    campaigns:emergency messages:read reports:read petitions:read petitions:write staff:write privacy:write callbacks:read
    callbacks:write
    """
    from govchat.cli.show import as_json

    made = asyncio.run(_create(beside_up(data_dir), slug, (*scopes, *more), test))
    if json_:
        as_json(made)
        return
    click.echo(made.key)
    click.echo(f"khóa {made.mode} của {made.tenant} cho {', '.join(made.scopes)}; không hiện lại lần nữa", err=True)


@key.command(name="list")
@tenant_option
@data_dir_option
@json_option
def list_(slug: str, data_dir: Path, json_: bool) -> None:
    """List a province's keys by prefix, revoked ones too."""
    from govchat.cli.show import as_json, as_table, moment

    keys = asyncio.run(_list(beside_up(data_dir), slug))
    if json_:
        as_json(keys)
    elif not keys:
        click.echo(f"{slug}: chưa có khóa nào; tạo bằng `govchat key create --tenant {slug} --scope dossiers:write`")
    else:
        as_table(
            ("ĐẦU KHÓA", "LOẠI", "TẠO LÚC", "DÙNG LẦN CUỐI", "THU HỒI LÚC", "QUYỀN"),
            [
                (each.prefix, each.mode, *map(moment, (each.created_at, each.last_used_at, each.revoked_at)),
                 " ".join(each.scopes))
                for each in keys
            ],
        )  # fmt: skip


@key.command()
@tenant_option
@click.argument("prefix")
@data_dir_option
def revoke(slug: str, prefix: str, data_dir: Path) -> None:
    """Revoke the key that begins with PREFIX, as `govchat key list` shows it."""
    if asyncio.run(_revoke(beside_up(data_dir), slug, prefix)):
        click.echo("đã thu hồi: từ giờ API từ chối khóa này")
    else:
        click.echo("khóa này đã bị thu hồi từ trước")


async def _create(settings: "Settings", slug: str, scopes: tuple[str, ...], test: bool) -> "NewKey":
    from govchat.access import keys
    from govchat.cli.opened import opened

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            return await keys.create(
                session, tenant_id=tenant.id, slug=slug, tag=tenant.key_tag, scopes=scopes, test=test
            )


async def _list(settings: "Settings", slug: str) -> "list[KeyShown]":
    from govchat.access.queries import keys_of
    from govchat.cli.opened import opened

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            return await keys_of(session, tenant.id)


async def _revoke(settings: "Settings", slug: str, prefix: str) -> bool:
    from govchat.access import revoke as revoking
    from govchat.cli.opened import opened

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            return await revoking.revoke(session, tenant.id, prefix)
