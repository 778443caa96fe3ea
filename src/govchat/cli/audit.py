"""`govchat audit`: the trail of a province shown, and proved to be whole."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.cli.settings import beside_up, data_dir_option

if TYPE_CHECKING:
    from govchat.audit.queries import Shown
    from govchat.audit.verify import Link, Verified
    from govchat.settings import Settings

json_option = click.option("--json", "json_", is_flag=True, help="Print JSON.")


@click.group()
def audit() -> None:
    """Show who changed what; prove the record whole."""


@audit.command()
@click.argument("slug")
@click.option(
    "--expects", metavar="NUMBER:HASH", help="A link noted at an earlier verification; the trail must hold it."
)
@data_dir_option
@json_option
def verify(slug: str, expects: str | None, data_dir: Path, json_: bool) -> None:
    """Walk SLUG's whole trail; name the first broken link.

    Exits with 1 when there is one. The trail alone can't show that its owner in the database rewrote all of it. Keep the NUMBER:HASH that
    this prints somewhere else, and give it to the next verification as --expects.
    """
    from govchat.audit.verify import read_link
    from govchat.cli.show import as_json

    told = asyncio.run(_verify(beside_up(data_dir), slug, read_link(expects) if expects is not None else None))
    if json_:
        as_json({"tenant": slug, "ok": told.broken is None, **_fields(told)})
    elif told.broken is None:
        click.echo(f"{slug}: {told.entries} mục, nguyên vẹn; mục cuối là {told.head}")
    else:
        click.echo(f"{slug}: đứt ở mục {told.broken.number}: {told.broken.why}")
        click.echo(
            f"các mục từ 1 đến {told.entries} nguyên vẹn" if told.entries else "không mục nào trước đó nguyên vẹn"
        )
    sys.exit(0 if told.broken is None else 1)


@audit.command()
@click.argument("slug")
@click.option("--last", "most", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many entries.")
@data_dir_option
@json_option
def show(slug: str, most: int, data_dir: Path, json_: bool) -> None:
    """Show the newest entries of SLUG's trail, oldest first."""
    from govchat.cli.show import as_json, moment

    entries = asyncio.run(_show(beside_up(data_dir), slug, most))
    if json_:
        as_json(entries)
        return
    for entry in entries:
        click.echo(f"{entry.number:>6}  {moment(entry.at)}  {entry.actor}  {entry.act}  {entry.subject}")
        for name, value in (("before", entry.before), ("after", entry.after)):
            if value is not None:
                click.echo(f"        {name}: {_inline(value)}")


def _inline(value: object) -> str:
    """A value on one line; what would fill the screen is cut, `--json` has it whole."""
    from govchat.audit.chain import canonical

    written = canonical(value)
    return written if len(written) <= 600 else f"{written[:600]}…"


def _fields(told: "Verified") -> dict[str, object]:
    return {"entries": told.entries, "head": told.head, "broken": told.broken}


async def _verify(settings: "Settings", slug: str, expected: "Link | None") -> "Verified":
    from govchat.audit.verify import verify as walk
    from govchat.cli.opened import opened

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            return await walk(session, tenant.id, expected)


async def _show(settings: "Settings", slug: str, most: int) -> "list[Shown]":
    from govchat.audit.queries import last
    from govchat.cli.opened import opened

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            return await last(session, tenant.id, most)
