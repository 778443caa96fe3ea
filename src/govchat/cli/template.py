"""`govchat template`: approved ZBS templates read from Zalo, listed, and mapped to kinds of notice."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.cli.notice import actor, inside, json_option
from govchat.cli.settings import beside_up, data_dir_option
from govchat.errors import ConfigurationError

if TYPE_CHECKING:
    from govchat.notices.templates import Synced
    from govchat.settings import Settings


@click.group()
def template() -> None:
    """Look after a province's approved templates."""


@template.command()
@click.argument("slug")
@data_dir_option
@json_option
def sync(slug: str, data_dir: Path, json_: bool) -> None:
    """Read every template and today's allowance from Zalo."""
    from govchat.cli.show import as_json

    done = asyncio.run(_sync(beside_up(data_dir), slug))
    if json_:
        as_json(done)
    else:
        click.echo(
            f"{done.known} mẫu tin, {done.new} mới, {done.gone} không còn; "
            f"Zalo cho gửi theo số điện thoại {done.daily_quota or '?'} tin mỗi ngày"
        )


@template.command(name="list")
@click.argument("slug")
@data_dir_option
@json_option
def list_(slug: str, data_dir: Path, json_: bool) -> None:
    """List the templates as they were last read, and which notices use them."""
    from govchat.cli.show import as_json, as_table
    from govchat.notices.templates import templates_of

    found = inside(data_dir, slug, templates_of)
    if json_:
        as_json(found)
    elif not found:
        click.echo(f"{slug}: chưa biết mẫu tin nào; đọc từ Zalo: govchat template sync {slug}")
    else:
        as_table(
            ("MÃ MẪU", "TRẠNG THÁI", "CHẤT LƯỢNG", "GIÁ THEO OA", "GIÁ THEO SỐ", "DÙNG CHO", "THAM SỐ", "TÊN"),
            [
                (
                    each.template_id, each.status, each.quality, _price(each.price_uid), _price(each.price_phone),
                    " ".join(each.kinds) or "-", " ".join(each.params) or "-", each.name,
                )
                for each in found
            ],
        )  # fmt: skip


@template.command(name="map")
@click.argument("slug")
@click.argument("kind")
@click.argument("template_id")
@click.argument("fields", nargs=-1, metavar="[PARAMETER=FACT]...")
@data_dir_option
def map_(slug: str, kind: str, template_id: str, fields: tuple[str, ...], data_dir: Path) -> None:
    """Let TEMPLATE_ID say notices of KIND.

    KIND `any` stands for every kind that has no template of its own. Parameters with usual names (ho_ten, ma_ho_so, trang_thai,
    don_vi, ngay_hen …) find their fact by themselves.
    """
    from govchat.notices.fit import ANY
    from govchat.notices.templates import map_template, unsaid
    from govchat.notices.wording import kind_named

    given = dict(field.partition("=")[::2] for field in fields)
    if odd := [name for name, fact in given.items() if not name or not fact]:
        raise ConfigurationError(f'"{odd[0]}": cần viết THAM_SỐ=DỮ_LIỆU, ví dụ don_vi=unit')
    wanted = None if kind == ANY else kind_named(kind)
    chosen = inside(
        data_dir, slug, lambda session, tenant: map_template(session, tenant, wanted, template_id, given, actor=actor())
    )
    for parameter, fact in chosen.items():
        click.echo(f"{parameter} = {fact}")
    if lacking := unsaid(wanted, chosen):
        click.echo(
            f"Mẫu {template_id} không nói: {', '.join(lacking)}. Nghị định 224/2026 yêu cầu thông báo có các nội dung này; "
            "công dân chỉ thấy khi mở hồ sơ. Nên đăng ký mẫu khác có đủ tham số.",
            err=True,
        )


def _price(price: int | None) -> str:
    return "-" if price is None else f"{price} đ"


async def _sync(settings: "Settings", slug: str) -> "Synced":
    from govchat.cli.opened import opened
    from govchat.notices import templates
    from govchat.tenants.credentials import Credentials
    from govchat.zalo.client import ZaloClient
    from govchat.zalo.errors import ZaloError

    async with (
        opened(settings) as registry,
        ZaloClient.open(
            openapi_url=settings.zalo_openapi_url,
            oauth_url=settings.zalo_oauth_url,
            business_url=settings.zalo_business_url,
            connections=4,
        ) as zalo,
    ):
        try:
            return await templates.sync(
                registry, Credentials(registry, zalo.http, settings.zalo_oauth_url), zalo, registry.by_slug(slug)
            )
        except ZaloError as error:
            raise ConfigurationError(f"Zalo không cho đọc danh sách mẫu tin: {error}") from None
