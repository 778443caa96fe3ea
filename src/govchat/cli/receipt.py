"""`govchat receipt`: print a dossier's receipt to a file, and revoke the QR code of one that was lost."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.cli.settings import beside_up, data_dir_option
from govchat.errors import ConfigurationError

if TYPE_CHECKING:
    from govchat.settings import Settings


@click.group()
def receipt() -> None:
    """Print and revoke the receipts of dossiers."""


@receipt.command(name="print")
@click.argument("slug")
@click.argument("code")
@click.option("--to", "file", type=click.Path(path_type=Path, dir_okay=False), required=True,
              help="The file to write: its ending .pdf, .svg or .png says which kind.")  # fmt: skip
@data_dir_option
def print_(slug: str, code: str, file: Path, data_dir: Path) -> None:
    """Write the receipt of the dossier CODE of the province SLUG.

    Its QR code is the same each time, until it is revoked.
    """
    kind = file.suffix.lower()
    if kind not in (".pdf", ".svg", ".png"):
        raise ConfigurationError(f'--to "{file}": cần tên tệp có đuôi .pdf, .svg hoặc .png')
    content = asyncio.run(_content(beside_up(data_dir), slug, code, kind))
    try:
        file.write_bytes(content)
    except OSError as error:
        raise ConfigurationError(f'--to "{file}": không ghi được ({error.strerror})') from None
    click.echo(f"đã ghi {file}, {len(content)} byte")


@receipt.command()
@click.argument("slug")
@click.argument("code")
@data_dir_option
def revoke(slug: str, code: str, data_dir: Path) -> None:
    """Revoke the QR code of the dossier CODE of the province SLUG.

    The next receipt carries a new one.
    """
    if asyncio.run(_revoke(beside_up(data_dir), slug, code)):
        click.echo("đã thu hồi: từ giờ mã QR đã in không còn dùng được")
    else:
        click.echo("hồ sơ này không có mã QR nào còn hiệu lực: chưa in mã mới từ lần thu hồi trước")


async def _content(settings: "Settings", slug: str, code: str, kind: str) -> bytes:
    from govchat.cli.opened import opened
    from govchat.kit.phrases import overlaid
    from govchat.procedures.book import Book
    from govchat.receipts import issue, label, sheet
    from govchat.tenants.phrases import own_phrases

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        vault = await registry.tenant_vault(tenant.id)
        catalogue = await Book(registry.db, registry).fresh(tenant.id)
        async with registry.db.tenant(tenant.id) as session:
            printed = await issue.receipt_of(session, vault, tenant, catalogue, code)
            own = await own_phrases(session, tenant.id, "govchat.receipts", "govchat.dossiers")
    address = f"{settings.public_url}/q/{printed.token}"
    with overlaid(own):
        if kind == ".pdf":
            return sheet.pdf(tenant, printed, address)
        return label.svg(address, printed.code) if kind == ".svg" else label.png(address, printed.code)


async def _revoke(settings: "Settings", slug: str, code: str) -> bool:
    from govchat.cli.actor import actor
    from govchat.cli.opened import opened
    from govchat.receipts import issue

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            return await issue.revoke(session, tenant, code, actor=actor())
