"""`govchat tenant`: the provinces' manifests checked and applied, and how each province stands."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.cli import rehearse, status, tenant_apply, tenant_new, tester
from govchat.cli.connect import connect, verifier
from govchat.cli.manifests import all_findings, read, tenants_option
from govchat.cli.settings import beside_up, data_dir_option

if TYPE_CHECKING:
    from govchat.settings import Settings
    from govchat.tenants.describe import Description
    from govchat.tenants.manifest import Finding

json_option = click.option("--json", "json_", is_flag=True, help="Print JSON.")


@click.group()
def tenant() -> None:
    """Check, apply, connect and show provinces."""


for command in (
    tenant_new.new,
    tenant_apply.apply,
    tenant_apply.export,
    tenant_apply.merge,
    connect,
    verifier,
    status.status,
    status.confirm,
    status.move,
    tester.tester,
    rehearse.rehearse,
):
    tenant.add_command(command)


@tenant.command()
@click.argument("slug", required=False)
@tenants_option(default=Path("tenants"), show_default=True, help="The folder of the manifests.")
@json_option
def check(slug: str | None, tenants: Path, json_: bool) -> None:
    """Check every manifest, or SLUG's, also against the others.

    The other files of the folder are checked with it. Prints every mistake as FILE:LINE KEY VALUE: what to do, and exits with 1 if
    there is any. Needs no running stack.
    """
    from govchat.cli.show import as_json

    book = read(tenants, slug)
    findings = [found for found in all_findings(tenants, book) if slug is None or _is_of(found, tenants, slug)]
    if json_:
        as_json({"ok": not findings, "sound": [sound.slug for sound in book.manifests], "findings": findings})
    else:
        for found in findings:
            click.echo(str(found))
        if not findings:
            click.echo(f"{slug}: không có lỗi" if slug else f"{len(book.manifests)} đơn vị, không có lỗi")
    sys.exit(1 if findings else 0)


@tenant.command(name="list")
@data_dir_option
@json_option
def list_(data_dir: Path, json_: bool) -> None:
    """List the provinces, their state and credentials."""
    from govchat.cli.show import as_json, as_table

    told = asyncio.run(_describe(beside_up(data_dir), None))
    if json_:
        as_json(told)
        return
    as_table(
        ("SLUG", "STATE", "CREDENTIALS", "OA", "WEBHOOK", "NAME"),
        [(each.slug, each.state, _credentials(each), each.oa_id, each.webhook_path, each.full_name) for each in told],
    )


@tenant.command()
@click.argument("slug")
@data_dir_option
@json_option
def show(slug: str, data_dir: Path, json_: bool) -> None:
    """Show one province: wiring, state, limits; never a secret."""
    import msgspec

    from govchat.cli.show import as_json

    (told,) = asyncio.run(_describe(beside_up(data_dir), slug))
    if json_:
        as_json(told)
        return
    fields = msgspec.to_builtins(told)
    fields["quiet_hours"] = f"{told.quiet_hours.from_}-{told.quiet_hours.to}"
    width = max(map(len, fields))
    for name, value in fields.items():
        shown = ", ".join(value) or "-" if isinstance(value, list) else value
        click.echo(f"{name.ljust(width)}  {shown}")


def _is_of(found: "Finding", folder: Path, slug: str) -> bool:
    file = Path(found.file)
    return file == folder or file.parent == folder / slug


async def _describe(settings: "Settings", slug: str | None) -> "list[Description]":
    from govchat.cli.opened import opened
    from govchat.tenants.describe import describe

    async with opened(settings) as registry:
        chosen = list(registry.now.by_slug.values()) if slug is None else [registry.by_slug(slug)]
        return [await describe(registry, each) for each in chosen]


def _credentials(told: "Description") -> str:
    return f"{told.credential_state} (no {', '.join(told.missing)})" if told.missing else told.credential_state
