"""`govchat tenant connect` prints the link by which an Official Account's administrator grants access; `tenant verifier` keeps Zalo's
verification files. What is printed is read by provincial staff.
"""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.cli.actor import actor
from govchat.cli.settings import beside_up, data_dir_option
from govchat.errors import ConfigurationError

if TYPE_CHECKING:
    from govchat.connect.consent import Link
    from govchat.connect.models import VerifierRow
    from govchat.settings import Settings

POLL_S = 1.0


@click.command()
@click.argument("slug")
@click.option("--admin", help="Who will consent: a name or address, shown and recorded.  [default: you]")
@click.option("--wait", is_flag=True, help="Wait until it is connected.")
@click.option(
    "--timeout", type=click.IntRange(min=1), default=3600, show_default=True, help="Wait at most this many seconds."
)
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@data_dir_option
def connect(slug: str, admin: str | None, wait: bool, timeout: int, json_: bool, data_dir: Path) -> None:
    """Print the link by which SLUG's Official Account is connected.

    An administrator of the Official Account opens it and consents; it is good once, for 24 hours. The callback address printed with it
    must be the "Official Account Callback Url" saved at developers.zalo.me.
    """
    asyncio.run(
        _connect(beside_up(data_dir), slug, admin or actor().removeprefix("cli:"), timeout if wait else 0, json_)
    )


async def _connect(settings: "Settings", slug: str, admin: str, wait_s: int, json_: bool) -> None:
    from govchat.cli.opened import opened
    from govchat.cli.show import as_json
    from govchat.connect.consent import begin, outcome_of

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        link = await begin(registry, tenant, admin=admin, actor=actor())
        if json_:
            as_json(link)
        else:
            _show(link, tenant.full_name, tenant.oa_id)
        if not wait_s:
            return
        ends = time.monotonic() + wait_s
        while time.monotonic() < ends:
            async with registry.db.tenant(tenant.id) as session:
                found = await outcome_of(session, tenant.id, link.id)
            if found is not None:
                outcome, told = found
                if outcome != "connected":
                    raise ConfigurationError(told)
                click.echo(told, err=json_)
                return
            await asyncio.sleep(min(POLL_S, max(0.0, ends - time.monotonic())))
    raise ConfigurationError(
        f"sau {wait_s} giây vẫn chưa có ai cấp quyền; đường dẫn vẫn dùng được, hoặc chạy lại lệnh này"
    )


def _show(link: "Link", full_name: str, oa_id: str) -> None:
    from govchat.kit.clock import VN

    click.echo(f"Gửi đường dẫn này cho quản trị viên Official Account {oa_id} của {full_name}:\n")
    click.echo(f"{link.url}\n")
    click.echo(f"Dùng một lần, tới {link.expires_at.astimezone(VN):%H:%M ngày %d/%m/%Y}.")
    click.echo(f"Callback phải lưu tại developers.zalo.me: {link.redirect_uri}")


@click.group()
def verifier() -> None:
    """Keep the files by which Zalo verifies our domain."""


@verifier.command()
@click.argument("slug")
@click.argument("file")
@data_dir_option
def add(slug: str, file: str, data_dir: Path) -> None:
    """Serve FILE: zalo_verifier….html as downloaded from Zalo, or its code."""
    from govchat.connect.verifier import code_in, sound

    settings, code = beside_up(data_dir), code_in(file)
    path, content = Path(file), None
    if path.suffix == ".html" and "://" not in file:
        try:
            content = sound(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            if path.parent != Path():
                raise ConfigurationError(f"{path}: không có tệp này") from None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path}: không đọc được tệp ({type(error).__name__})") from None
    asyncio.run(_add(settings, slug, code, content))
    click.echo(f"{settings.public_url}/zalo_verifier{code}.html")


async def _add(settings: "Settings", slug: str, code: str, content: str | None) -> None:
    from govchat.cli.opened import opened
    from govchat.connect import verifier as room

    async with opened(settings) as registry:
        await room.add(registry, registry.by_slug(slug), code, content, actor=actor())


@verifier.command()
@click.argument("slug")
@click.argument("code")
@data_dir_option
def remove(slug: str, code: str, data_dir: Path) -> None:
    """Serve the file of this CODE no longer."""
    from govchat.connect.verifier import code_in

    wanted = code_in(code)
    if not asyncio.run(_remove(beside_up(data_dir), slug, wanted)):
        raise ConfigurationError(f'"{wanted}": không có tệp xác thực mang mã này, xem `govchat tenant verifier list`')
    click.echo(f"Đã gỡ zalo_verifier{wanted}.html")


async def _remove(settings: "Settings", slug: str, code: str) -> bool:
    from govchat.cli.opened import opened
    from govchat.connect import verifier as room

    async with opened(settings) as registry:
        return await room.remove(registry, registry.by_slug(slug), code, actor=actor())


@verifier.command(name="list")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@data_dir_option
def list_(json_: bool, data_dir: Path) -> None:
    """List the files."""
    from govchat.cli.show import as_json, as_table
    from govchat.onboarding.line import moment

    settings = beside_up(data_dir)
    found = asyncio.run(_listed(settings))
    if json_:
        as_json([{"code": one.code, "slug": one.slug, "path": f"/zalo_verifier{one.code}.html"} for one in found])
        return
    as_table(
        ("SLUG", "ĐỊA CHỈ", "NGƯỜI THÊM", "LÚC"),
        [
            (one.slug, f"{settings.public_url}/zalo_verifier{one.code}.html", one.added_by, moment(one.added_at))
            for one in found
        ],
    )


async def _listed(settings: "Settings") -> "list[VerifierRow]":
    from govchat.cli.opened import opened
    from govchat.connect.verifier import listed

    async with opened(settings) as registry:
        return await listed(registry)
