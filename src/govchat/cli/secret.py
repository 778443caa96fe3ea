"""`govchat secret`: secrets go from standard input into their sealed columns, past the screen and the shell's history; keys are rotated
and destroyed.
"""

import asyncio
import getpass
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.cli.actor import actor
from govchat.cli.settings import beside_up, data_dir_option
from govchat.errors import ConfigurationError

if TYPE_CHECKING:
    from govchat.connect.rotate import Rotated
    from govchat.settings import Settings
    from govchat.tenants.secrets import SecretName

NAMES = ["app-secret", "oa-secret", "own-oa-secret", "pkce-verifier", "refresh-token"]


@click.group()
def secret() -> None:
    """Hand over a province's secrets of Zalo; rotate and destroy keys."""


@secret.command(name="set")
@click.argument("slug")
@click.argument("name", type=click.Choice(NAMES))
@click.option("--from-env", "variable", help="Read the value from this environment variable, not from standard input.")
@data_dir_option
def set_(slug: str, name: "SecretName", variable: str | None, data_dir: Path) -> None:
    """Set the secret NAME of the province SLUG to what stands on standard input.

    At a terminal it asks, without showing what is typed. app-secret, oa-secret and pkce-verifier are those of the Zalo app, shared by
    every province that uses it; own-oa-secret is the Official Account's own key, where Zalo signs with one. A new refresh-token makes an
    Official Account usable again.
    """
    from govchat.tenants.secrets import sound

    settings = beside_up(data_dir)
    value = sound(name, _value(slug, name) if variable is None else _from_env(name, variable))
    click.echo(asyncio.run(_set(settings, slug, name, value)))


@secret.command()
@click.option("--check", is_flag=True, help="Change nothing, only count what stands under which key.")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@data_dir_option
def rotate(check: bool, json_: bool, data_dir: Path) -> None:
    """Seal everything anew that stands under an older master key.

    Put the new key first in GOVCHAT_MASTER_KEYS, keep the old one behind it, restart every process, then run this. Everything goes on
    meanwhile; it may be interrupted and run again. It says when the old key may be removed.
    """
    from govchat.cli.show import as_json

    done = asyncio.run(_rotate(beside_up(data_dir), dry=check))
    if json_:
        as_json({**_told(done), "removable": done.removable})
    else:
        _tell(done, dry=check)
    sys.exit(1 if done.unreadable else 0)


@secret.command()
@click.argument("slug")
@click.option("--yes-destroy", "again", metavar="SLUG", help="The province's name once more: this can't be undone.")
@data_dir_option
def destroy(slug: str, again: str | None, data_dir: Path) -> None:
    """Destroy the data key of the closed province SLUG.

    Its tokens, messages and personal data become unreadable for everybody, for good; backups that hold the key have to be deleted
    besides.
    """
    if again != slug:
        raise ConfigurationError(
            f"chưa hủy gì: việc này không lấy lại được, nhắc lại tên đơn vị bằng `--yes-destroy {slug}`"
        )
    click.echo(asyncio.run(_destroy(beside_up(data_dir), slug)))


def _from_env(name: str, variable: str) -> str:
    value = os.environ.get(variable)
    if value is None:
        raise ConfigurationError(f"{name}: chưa đặt biến môi trường {variable}")
    return value


def _value(slug: str, name: str) -> str:
    if sys.stdin is not None and sys.stdin.isatty():
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            try:
                return getpass.getpass(f"{name} của {slug} (không hiện khi gõ): ")
            except getpass.GetPassWarning:
                raise ConfigurationError(
                    f"cửa sổ này không giấu được chữ đang gõ: đưa {name} qua ống dẫn hoặc từ tệp"
                ) from None
            except EOFError:
                return ""
    try:
        return "" if sys.stdin is None else sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{name} không phải chữ UTF-8: chỉ chép riêng giá trị") from None


async def _set(settings: "Settings", slug: str, name: "SecretName", value: str) -> str:
    from govchat.cli.opened import opened
    from govchat.tenants.secrets import set_secret

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        await set_secret(registry, tenant, name, value, actor=actor())
        if name in ("refresh-token", "own-oa-secret"):
            return f"{slug}: đã nạp {name} của OA {tenant.oa_id}"
        others = len(registry.now.of_app[tenant.app.app_id]) - 1
        shared = f", dùng chung với {others} đơn vị khác" if others else ""
        return f"{slug}: đã nạp {name} của ứng dụng Zalo {tenant.app.app_id}{shared}"


async def _rotate(settings: "Settings", *, dry: bool) -> "Rotated":
    from govchat.cli.opened import opened
    from govchat.connect.rotate import rotate as rotate_keys

    async with opened(settings, load=False) as registry:
        return await rotate_keys(registry, actor=actor(), dry=dry)


def _told(done: "Rotated") -> dict[str, object]:
    import msgspec

    return msgspec.structs.asdict(done)


def _tell(done: "Rotated", *, dry: bool) -> None:
    from govchat.cli.show import as_table

    rows = [
        (
            key,
            str(done.under.get(key, 0)),
            "newest" if key == done.newest else "configured" if key in done.configured else "",
        )
        for key in dict.fromkeys([*done.configured, *done.under])
    ]
    as_table(("MASTER KEY", "VALUES", ""), rows)
    if not dry:
        kinds = ", ".join(f"{count} {kind}" for kind, count in done.resealed.items())
        click.echo(f"sealed anew under {done.newest}: {kinds}" if kinds else "nothing had to be sealed anew")
    for place in done.unreadable:
        click.echo(
            f"{place}: no configured key opens it; add the key it was sealed under to GOVCHAT_MASTER_KEYS", err=True
        )
    for key in done.removable:
        click.echo(
            f"nothing stands under {key} any more: once every process has been started with {done.newest} first, run this again, and "
            f"when it still says so remove {key} from GOVCHAT_MASTER_KEYS and restart"
        )


async def _destroy(settings: "Settings", slug: str) -> str:
    from govchat.cli.opened import opened
    from govchat.connect.destroy import destroy as destroy_key

    async with opened(settings) as registry:
        done = await destroy_key(registry, registry.by_slug(slug), actor=actor())
    if not done:
        return f"{slug}: khóa dữ liệu đã bị hủy từ trước"
    return f"{slug}: đã hủy khóa dữ liệu; các tiến trình đang chạy bỏ khóa ngay, chậm nhất mười giây"
