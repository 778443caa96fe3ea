"""`govchat notice`: a province's words, what it pays for, what was told, and whom nobody could reach."""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeVar

import click

from govchat.cli.settings import beside_up, data_dir_option

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from govchat.notices.queries import Told

T = TypeVar("T")
json_option = click.option("--json", "json_", is_flag=True, help="Print JSON.")


@click.group()
def notice() -> None:
    """Look after what citizens are told of their dossiers."""


def actor() -> str:
    """Who does it, for the record."""
    return f"cli:{getpass.getuser()}"


def inside(data_dir: Path, slug: str, act: "Callable[[AsyncSession, UUID], Awaitable[T]]") -> T:
    """`act` in one transaction of the province."""

    async def run() -> T:
        from govchat.cli.opened import opened

        async with opened(beside_up(data_dir)) as registry:
            tenant = registry.by_slug(slug)
            async with registry.db.tenant(tenant.id) as session:
                return await act(session, tenant.id)

    return asyncio.run(run())


@notice.command()
@click.argument("slug")
@click.argument("kind")
@click.option(
    "--file", "source", type=click.File(encoding="utf-8"), help="Words to try instead of those in force; - reads them."
)
@data_dir_option
def preview(slug: str, kind: str, source: TextIO | None, data_dir: Path) -> None:
    """Show a notice of KIND as a citizen would read it.

    Sample facts fill it; mistakes in the words are told here.
    """
    from govchat.notices import reword, wording

    wanted = wording.kind_named(kind)
    if source is not None:
        click.echo(wording.preview(wanted, source.read()))
        return
    version, text = inside(data_dir, slug, reword.current)[wanted]
    click.echo(wording.preview(wanted, text))
    click.echo(f"{'lời chung của hệ thống' if version == 0 else f'lần sửa {version}'}", err=True)


@notice.command()
@click.argument("slug")
@data_dir_option
@json_option
def words(slug: str, data_dir: Path, json_: bool) -> None:
    """Print the words in force for every kind, with their version.

    Version 0 is the product's.
    """
    from govchat.cli.show import as_json
    from govchat.notices import reword

    told = inside(data_dir, slug, reword.current)
    if json_:
        as_json({kind.value: {"version": version, "text": text} for kind, (version, text) in told.items()})
        return
    for kind, (version, text) in told.items():
        click.echo(f"[{kind}] lần sửa {version}\n{text}\n")


@notice.command()
@click.argument("slug")
@click.argument("kind")
@click.option("--product", is_flag=True, help="Return to the product's words instead.")
@data_dir_option
def save(slug: str, kind: str, product: bool, data_dir: Path) -> None:
    """Read the words for KIND from standard input and speak so from now on.

    Office, person and times must be in them; what is missing or unknown is refused with its line.
    """
    from govchat.notices import reword, wording

    wanted = wording.kind_named(kind)
    text = None if product else sys.stdin.read()
    version = inside(data_dir, slug, lambda session, tenant: reword.save(session, tenant, wanted, text, actor=actor()))
    click.echo(f"lần sửa {version} của {wanted} đang được dùng")


@notice.command()
@click.argument("slug")
@click.option("--monthly-budget", type=click.IntRange(min=0), help="Đồng a month for templates and paid messages.")
@click.option("--paid-window/--no-paid-window", default=None, help="Pay for messages between 48 hours and 7 days.")
@click.option("--cs-price", type=click.IntRange(min=0), help="What Zalo bills for such a message, in đồng.")
@data_dir_option
@json_option
def settings(
    slug: str, monthly_budget: int | None, paid_window: bool | None, cs_price: int | None, data_dir: Path, json_: bool
) -> None:
    """Show or change what the province pays for.

    Without options it shows how this month stands.
    """
    import msgspec

    from govchat.cli.show import as_json
    from govchat.notices import arrange

    if monthly_budget is None and paid_window is None and cs_price is None:
        told = inside(data_dir, slug, arrange.settings_of)
    else:
        told = inside(
            data_dir,
            slug,
            lambda session, tenant: arrange.settle(
                session,
                tenant,
                monthly_budget=monthly_budget,
                paid_window=paid_window,
                cs_price=cs_price,
                actor=actor(),
            ),
        )
    if json_:
        as_json(told)
        return
    for name, value in msgspec.structs.asdict(told).items():
        click.echo(f"{name.ljust(14)}  {'-' if value is None else value}")


@notice.command()
@click.argument("slug")
@click.option("--most", type=click.IntRange(1, 1000), default=50, show_default=True)
@data_dir_option
@json_option
def unreached(slug: str, most: int, data_dir: Path, json_: bool) -> None:
    """List the newest notices for which no channel was open.

    These citizens the office has to reach otherwise.
    """
    from govchat.cli.show import as_json, as_table, moment
    from govchat.notices import queries

    found = inside(data_dir, slug, lambda session, tenant: queries.unreached(session, tenant, most=most))
    if json_:
        as_json(found)
    elif not found:
        click.echo("thông báo nào cũng gửi được")
    else:
        as_table(
            ("LẬP LÚC", "HỒ SƠ", "LOẠI", "THÔNG BÁO", "VÌ SAO"),
            [
                (moment(one.planned_at), one.code, one.kind, str(one.notice_id), next(reversed(one.against.values()), one.reason))
                for one in found
            ],
        )  # fmt: skip


@notice.command(name="list")
@click.argument("slug")
@click.option("--dossier", "code", metavar="CODE", help="Everything that was told of one dossier, or to nobody.")
@click.option(
    "--slow", is_flag=True, help="Only what Zalo did not have within 10 seconds; what was held on purpose is left out."
)
@click.option("--most", type=click.IntRange(1, 1000), default=50, show_default=True)
@data_dir_option
@json_option
def list_(slug: str, code: str | None, slow: bool, most: int, data_dir: Path, json_: bool) -> None:
    """List the newest notices, or those of one dossier.

    Those of the last two days unless a dossier is named; the ids are what `govchat explain` takes.
    """
    from govchat.cli.show import as_json
    from govchat.dossiers.codes import normalise
    from govchat.kit import clock
    from govchat.notices import queries

    if code is not None:
        key = normalise(code)
        found = inside(data_dir, slug, lambda session, tenant: queries.of_dossier(session, tenant, key, most=most))
    else:
        found = inside(
            data_dir, slug, lambda session, tenant: queries.newest(session, tenant, clock.now(), slow=slow, most=most)
        )
    if json_:
        as_json(found)
    elif not found:
        click.echo("không có thông báo nào như vậy")
    else:
        told(found)


def told(found: "Sequence[Told]") -> None:
    """Notices in columns, with the ids by which each is explained."""
    from govchat.cli.show import as_table, moment

    as_table(
        ("LẬP LÚC", "HỒ SƠ", "LẦN ĐỔI", "LOẠI", "TRẠNG THÁI", "KÊNH", "SỐ GIÂY", "THÔNG BÁO"),
        [
            (
                moment(one.planned_at), one.dossier_code, str(one.change_number), one.kind, one.state, one.channel or "-",
                "-" if one.accepted_after_s is None else f"{one.accepted_after_s:g}", str(one.id),
            )
            for one in found
        ],
    )  # fmt: skip
