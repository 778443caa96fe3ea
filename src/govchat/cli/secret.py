"""`govchat secret set`: a secret goes from standard input into its sealed column, past the screen and the shell's history."""

import asyncio
import getpass
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.cli.settings import beside_up, data_dir_option
from govchat.errors import ConfigurationError

if TYPE_CHECKING:
    from govchat.settings import Settings
    from govchat.tenants.secrets import SecretName


@click.group()
def secret() -> None:
    """Hand over a province's secrets of Zalo."""


@secret.command(name="set")
@click.argument("slug")
@click.argument("name", type=click.Choice(["app-secret", "oa-secret", "refresh-token"]))
@data_dir_option
def set_(slug: str, name: "SecretName", data_dir: Path) -> None:
    """Set the secret NAME of the province SLUG to what stands on standard input.

    At a terminal it asks, without showing what is typed. The app's secrets are those of the Zalo app, shared by every province that uses
    it. A new refresh-token makes an Official Account usable again.
    """
    from govchat.tenants.secrets import sound

    settings = beside_up(data_dir)
    value = sound(name, _value(slug, name))
    click.echo(asyncio.run(_set(settings, slug, name, value)))


def _value(slug: str, name: str) -> str:
    if sys.stdin is not None and sys.stdin.isatty():
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            try:
                return getpass.getpass(f"{name} of {slug}: ")
            except getpass.GetPassWarning:
                raise ConfigurationError(
                    f"this terminal can't hide what is typed: give {name} through a pipe or from a file"
                ) from None
            except EOFError:
                return ""
    try:
        return "" if sys.stdin is None else sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{name} is not text in UTF-8: copy the value alone") from None


async def _set(settings: "Settings", slug: str, name: "SecretName", value: str) -> str:
    from govchat.cli.opened import opened
    from govchat.tenants.secrets import set_secret

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        await set_secret(registry, tenant, name, value)
        if name == "refresh-token":
            return f"{name} of {slug} set: OA {tenant.oa_id}"
        others = len(registry.now.of_app[tenant.app.app_id]) - 1
        shared = f", shared with {others} other tenant{'s' if others > 1 else ''}" if others else ""
        return f"{name} of {slug} set: Zalo app {tenant.app.app_id}{shared}"
