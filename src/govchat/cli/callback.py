"""`govchat callback`: where one-stop systems hear from us, tried, enabled and replayed."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from govchat.cli.settings import beside_up, data_dir_option

if TYPE_CHECKING:
    from govchat.callbacks.schemas import CallbackOut, DeliveryOut, NewCallback
    from govchat.settings import Settings

json_option = click.option("--json", "json_", is_flag=True, help="Print JSON.")
# A process that has the claim answers within its time-out, 30 s at the most.
PATIENCE_S = 35
MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


@click.group()
def callback() -> None:
    """Add, try, enable and replay the callbacks of one-stop systems."""


@callback.command()
@click.argument("slug")
@click.argument("url")
@click.option("--kind", "kinds", multiple=True, help="A kind to hear of, once per kind.  [default: all]")
@click.option("--description", default="", help="What is at this address.")
@click.option("--timeout", "timeout_s", type=click.IntRange(1, 30), default=10, show_default=True, help="Seconds.")
@data_dir_option
@json_option
def add(
    slug: str, url: str, kinds: tuple[str, ...], description: str, timeout_s: int, data_dir: Path, json_: bool
) -> None:
    """Have the province SLUG's messages delivered to URL.

    Prints the secret that signs them, this once.
    """
    from govchat.cli.show import as_json

    made = asyncio.run(_add(beside_up(data_dir), slug, url, kinds, description, timeout_s))
    if json_:
        as_json(made)
        return
    click.echo(made.secret)
    click.echo(f"đã thêm callback {made.id} của {slug}; khóa bí mật không hiện lại lần nữa", err=True)


@callback.command(name="list")
@click.argument("slug")
@data_dir_option
@json_option
def list_(slug: str, data_dir: Path, json_: bool) -> None:
    """List a province's callbacks and how they stand."""
    from govchat.cli.show import as_json, as_table, moment

    found = asyncio.run(_list(beside_up(data_dir), slug))
    if json_:
        as_json(found)
    elif not found:
        click.echo(f"{slug}: chưa có callback nào; thêm bằng `govchat callback add {slug} https://…`")
    else:
        as_table(
            ("MÃ", "TRẠNG THÁI", "ĐANG CHỜ", "KHÔNG GỬI ĐƯỢC", "LỖI TỪ", "LOẠI", "ĐỊA CHỈ"),
            [
                (str(each.id), each.state, str(each.waiting), str(each.failed), moment(each.failing_since),
                 " ".join(each.kinds) or "tất cả", each.url)
                for each in found
            ],
        )  # fmt: skip


@callback.command()
@click.argument("slug")
@click.argument("callback_id", metavar="ID", type=click.UUID)
@data_dir_option
def test(slug: str, callback_id: UUID, data_dir: Path) -> None:
    """Send a test to a callback and say what its receiver answered.

    Exit status 1 unless it took it.
    """
    sent = asyncio.run(_test(beside_up(data_dir), slug, callback_id))
    if sent.state == "delivered":
        click.echo(f"đã nhận: bên nhận trả lời {sent.last_status}")
        return
    click.echo(f"chưa nhận: {sent.last_error or sent.state}", err=True)
    raise SystemExit(1)


@callback.command()
@click.argument("slug")
@click.argument("callback_id", metavar="ID", type=click.UUID)
@click.option("--since", type=click.DateTime(MOMENTS), required=True, help="In Vietnam's time, unless it says which.")
@click.option("--all", "delivered_too", is_flag=True, help="Also what was delivered.")
@data_dir_option
def replay(slug: str, callback_id: UUID, since: datetime, delivered_too: bool, data_dir: Path) -> None:
    """Deliver again what was given up since a moment, under the same ids."""
    queued = asyncio.run(_replay(beside_up(data_dir), slug, callback_id, since, delivered_too))
    click.echo(f"đang gửi lại {queued} tin")


@callback.command()
@click.argument("slug")
@click.argument("callback_id", metavar="ID", type=click.UUID)
@data_dir_option
def enable(slug: str, callback_id: UUID, data_dir: Path) -> None:
    """Enable a callback; what was held while it was disabled goes out."""
    changed = asyncio.run(_set_state(beside_up(data_dir), slug, callback_id, "enabled"))
    click.echo("đã bật: những tin bị giữ lại được gửi ngay" if changed else "vẫn đang bật; thử gửi lại ngay")


@callback.command()
@click.argument("slug")
@click.argument("callback_id", metavar="ID", type=click.UUID)
@data_dir_option
def disable(slug: str, callback_id: UUID, data_dir: Path) -> None:
    """Disable a callback; messages for it are held."""
    changed = asyncio.run(_set_state(beside_up(data_dir), slug, callback_id, "disabled"))
    click.echo("đã tắt: tin được giữ lại cho đến khi bật" if changed else "đã tắt từ trước")


@callback.command()
@click.argument("slug")
@click.argument("callback_id", metavar="ID", type=click.UUID)
@data_dir_option
def remove(slug: str, callback_id: UUID, data_dir: Path) -> None:
    """Forget a callback and its deliveries."""
    click.echo(
        "đã xóa"
        if asyncio.run(_remove(beside_up(data_dir), slug, callback_id))
        else "không có callback nào mang mã này"
    )


@callback.command()
@click.argument("slug")
@click.argument("callback_id", metavar="ID", type=click.UUID)
@data_dir_option
def rotate(slug: str, callback_id: UUID, data_dir: Path) -> None:
    """Make a new secret and print it, this once.

    The one before signs as well for a day.
    """
    click.echo(asyncio.run(_rotate(beside_up(data_dir), slug, callback_id)).secret)


async def _add(
    settings: "Settings", slug: str, url: str, kinds: tuple[str, ...], description: str, timeout_s: int
) -> "NewCallback":
    import msgspec

    from govchat.callbacks import endpoints
    from govchat.callbacks.guard import networks
    from govchat.callbacks.schemas import CallbackIn
    from govchat.cli.actor import actor
    from govchat.cli.opened import opened
    from govchat.errors import ConfigurationError

    try:
        told = {"url": url, "kinds": list(kinds), "description": description, "timeout_s": timeout_s}
        given = msgspec.convert(told, CallbackIn)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"the callback can't be made: {error}") from None
    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        vault = await registry.tenant_vault(tenant.id)
        async with registry.db.tenant(tenant.id) as session:
            return await endpoints.add(session, vault, tenant.id, given, networks(settings.callback_allow), actor())


async def _list(settings: "Settings", slug: str) -> "list[CallbackOut]":
    from govchat.callbacks.queries import callbacks_of
    from govchat.cli.opened import opened

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            return await callbacks_of(session, tenant.id)


async def _test(settings: "Settings", slug: str, callback_id: UUID) -> "DeliveryOut":
    from govchat.callbacks import endpoints
    from govchat.callbacks.deliver import Deliverer
    from govchat.callbacks.queries import deliveries_of
    from govchat.cli.opened import opened

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        vault = await registry.tenant_vault(tenant.id)
        async with registry.db.tenant(tenant.id) as session:
            message_id = await endpoints.test(session, vault, tenant.id, callback_id)
        # Sent from here, unless a worker was quicker; then its answer is waited for.
        deliverer = Deliverer(registry)
        try:
            await deliverer.drain(tenant.id, callback_id)
        finally:
            await deliverer.close()
        for _ in range(PATIENCE_S * 5):
            async with registry.db.tenant(tenant.id) as session:
                found = await deliveries_of(session, tenant.id, callback_id)
            sent = next(each for each in found if each.message_id == message_id)
            if sent.last_error or sent.state == "delivered" or not sent.attempts:
                break
            await asyncio.sleep(0.2)
        return sent


async def _replay(settings: "Settings", slug: str, callback_id: UUID, since: datetime, delivered_too: bool) -> int:
    from govchat.callbacks import endpoints
    from govchat.cli.actor import actor
    from govchat.cli.opened import opened
    from govchat.kit.clock import VN

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            moment = since if since.tzinfo else since.replace(tzinfo=VN)
            return await endpoints.replay(
                session, tenant.id, callback_id, moment, delivered_too=delivered_too, actor=actor()
            )


async def _set_state(settings: "Settings", slug: str, callback_id: UUID, state: str) -> bool:
    from govchat.callbacks import endpoints
    from govchat.cli.actor import actor
    from govchat.cli.opened import opened

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            return await endpoints.set_state(session, tenant.id, callback_id, state, actor())


async def _remove(settings: "Settings", slug: str, callback_id: UUID) -> bool:
    from govchat.callbacks import endpoints
    from govchat.cli.actor import actor
    from govchat.cli.opened import opened

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            return await endpoints.remove(session, tenant.id, callback_id, actor())


async def _rotate(settings: "Settings", slug: str, callback_id: UUID) -> "NewCallback":
    from govchat.callbacks import endpoints
    from govchat.cli.actor import actor
    from govchat.cli.opened import opened

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        vault = await registry.tenant_vault(tenant.id)
        async with registry.db.tenant(tenant.id) as session:
            return await endpoints.rotate(session, vault, tenant.id, callback_id, actor())
