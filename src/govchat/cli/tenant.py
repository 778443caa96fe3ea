"""`govchat tenant`: the provinces' manifests checked and applied, and how each province stands."""

import asyncio
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.cli import status, tester
from govchat.cli.connect import connect, verifier
from govchat.cli.settings import beside_up, data_dir_option
from govchat.errors import ConfigurationError

if TYPE_CHECKING:
    from govchat.settings import Settings
    from govchat.tenants.describe import Description
    from govchat.tenants.manifest import Book, Finding, Manifest

json_option = click.option("--json", "json_", is_flag=True, help="Print JSON.")
tenants_option = partial(click.option, "--tenants", type=click.Path(path_type=Path), envvar="GOVCHAT_TENANTS_DIR")


@click.group()
def tenant() -> None:
    """Check, apply, connect and show provinces."""


for command in (connect, verifier, status.status, status.confirm, status.move, tester.tester):
    tenant.add_command(command)


@tenant.command()
@click.argument("slug", required=False)
@tenants_option(default=Path("tenants"), show_default=True, help="The folder of the manifests.")
@json_option
def check(slug: str | None, tenants: Path, json_: bool) -> None:
    """Check every manifest, or SLUG's, also against the others.

    Prints every mistake as FILE:LINE KEY VALUE: what to do, and exits with 1 if there is any. Needs no running stack.
    """
    from govchat.cli.show import as_json

    book = _read(tenants, slug)
    findings = [found for found in book.findings if slug is None or _is_of(found, tenants, slug)]
    if json_:
        as_json({"ok": not findings, "sound": [sound.slug for sound in book.manifests], "findings": findings})
    else:
        for found in findings:
            click.echo(str(found))
        if not findings:
            click.echo(f"{slug}: no mistakes" if slug else f"{len(book.manifests)} manifests, no mistakes")
    sys.exit(1 if findings else 0)


@tenant.command()
@click.argument("slug", required=False)
@tenants_option(help="The folder of the manifests.  [default: that of the running stack]")
@data_dir_option
@json_option
def apply(slug: str | None, tenants: Path | None, data_dir: Path, json_: bool) -> None:
    """Bring every province, or SLUG alone, to what its manifest says.

    Applies nothing while any manifest has a mistake: what one file says must fit the others. Applying again changes nothing.
    """
    from govchat.cli.show import as_json

    settings = beside_up(data_dir)
    book = _read(tenants or settings.tenants_dir, slug)
    if book.findings:
        for found in book.findings:
            click.echo(str(found), err=True)
        raise ConfigurationError("nothing was applied: mend the manifests first")
    chosen = [manifest for manifest in book.manifests if slug in (None, manifest.slug)]
    outcomes = asyncio.run(_apply(settings, chosen, quiet=json_))
    if json_:
        as_json([{"slug": slug, "outcome": outcome} for slug, outcome in outcomes.items()])
    else:
        counted = list(outcomes.values())
        click.echo(", ".join(f"{counted.count(each)} {each}" for each in ("created", "updated", "unchanged")))


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


def _read(folder: Path, slug: str | None) -> "Book":
    """Every manifest; raises `ConfigurationError` when SLUG is not among the folders."""
    from govchat.tenants.manifest import read_all

    if slug is not None and folder.is_dir() and slug not in {home.name for home in folder.iterdir() if home.is_dir()}:
        raise ConfigurationError(
            f'tenant "{slug}" has no folder in {folder}: its manifest belongs in {folder / slug}/tenant.toml'
        )
    return read_all(folder)


def _is_of(found: "Finding", folder: Path, slug: str) -> bool:
    file = Path(found.file)
    return file == folder or file.parent == folder / slug


async def _apply(settings: "Settings", manifests: "list[Manifest]", *, quiet: bool) -> dict[str, str]:
    """Apply one by one, saying so; what was applied before a refusal stays."""
    from sqlalchemy.exc import IntegrityError

    from govchat.cli.opened import opened
    from govchat.tenants.apply import apply as apply_one

    width = max((len(manifest.slug) for manifest in manifests), default=0)
    outcomes = {}
    # Not loaded: what stands in the registry may be what this mends.
    async with opened(settings, load=False) as registry:
        for manifest in manifests:
            try:
                done = await apply_one(registry.db, registry.vault, settings, manifest)
            except IntegrityError:
                raise ConfigurationError(
                    f'tenant "{manifest.slug}": its oa_id {manifest.zalo.oa_id}, its app_id {manifest.zalo.app_id} or its '
                    f'app name "{manifest.app_key}" is held by another in the database, see `govchat tenant list`; '
                    "apply the manifest that gives it up first"
                ) from None
            outcomes[done.slug] = done.outcome
            if not quiet:
                click.echo(f"{done.slug.ljust(width)}  {done.outcome}")
    return outcomes


async def _describe(settings: "Settings", slug: str | None) -> "list[Description]":
    from govchat.cli.opened import opened
    from govchat.tenants.describe import describe

    async with opened(settings) as registry:
        chosen = list(registry.now.by_slug.values()) if slug is None else [registry.by_slug(slug)]
        return [await describe(registry, each) for each in chosen]


def _credentials(told: "Description") -> str:
    return f"{told.credential_state} (no {', '.join(told.missing)})" if told.missing else told.credential_state
